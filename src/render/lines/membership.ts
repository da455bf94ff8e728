import type { Change } from '../../model/change.ts';
import type { Membership } from '../../model/state.ts';
import { roleName } from '../escape.ts';
import { gather, type Indexed, ofKind } from '../fold.ts';
import { join, literal, type Phrase, say } from '../phrase.ts';
import { circumstances, type Line, lineOf, MANY, sourceKey, subject } from './line.ts';

/** The provider's role whose members log in through IAM and no longer with a password. */
export const IAM_ROLE = 'rds_iam';

/** Who joins and leaves which role; `told` are the new users whose IAM login their own line tells. */
export const membershipLines = (changes: readonly Change[], told: ReadonlySet<string>): Line[] => {
  const all = ofKind(changes, 'membership').filter(
    ({ change }) => !(isFlip(change) && change.before === null && !change.blocked && told.has(memberOf(change))),
  );
  const flips = all.filter(({ change }) => isFlip(change));
  const rest = all.filter(({ change }) => !isFlip(change));
  return [
    ...flips.map(flipLine),
    ...leaves(rest.filter(({ change }) => change.after === null)),
    ...joins(rest.filter(({ change }) => change.before === null)),
    ...rest.filter(({ change }) => change.before !== null && change.after !== null).map(optionsLine),
  ];
};

type Item = Indexed<'membership'>;
const bodyOf = (change: Item['change']): Membership | null => change.after ?? change.before;
const memberOf = (change: Item['change']): string => bodyOf(change)?.member ?? '';
const roleOf = (change: Item['change']): string => bodyOf(change)?.role ?? '';
const isFlip = (change: Item['change']): boolean => roleOf(change) === IAM_ROLE && (change.before === null || change.after === null);

const flipLine = (item: Item): Line =>
  lineOf([item], {
    symbol: '!',
    noun: 'user',
    subjects: subject(memberOf(item.change)),
    text: item.change.before === null ? say`authentication: password -> IAM` : say`authentication: IAM -> password`,
  });

const leaves = (items: readonly Item[]): Line[] =>
  gather(items, ({ change }) => [memberOf(change), ...circumstances(change), ...sourceKey(change)]).map((group) =>
    lineOf(group, { symbol: '-', noun: 'member', subjects: subject(memberOf(group[0].change)), text: say`leaves ${roles(group)}` }),
  );

const joins = (items: readonly Item[]): Line[] => {
  const termsOf = (change: Item['change']) => [optionWords(change.after), change.until, change.reason, ...circumstances(change)];
  const perMember = gather(items, ({ change }) => [memberOf(change), ...termsOf(change)]);
  const alike = gather(perMember, ([first, ...rest]) => [[first, ...rest].map(({ change }) => roleOf(change)), termsOf(first.change)]);
  return alike.flatMap((groups) =>
    groups.length >= MANY
      ? [
          joinLine(
            groups.map((group) => group[0]),
            groups.flat(),
          ),
        ]
      : groups.map((group) => joinLine([group[0]], group)),
  );
};

const joinLine = (members: readonly Item[], group: readonly Item[]): Line => {
  const [first, ...rest] = group as [Item, ...Item[]];
  const options = optionWords(first.change.after);
  return lineOf([first, ...rest], {
    symbol: first.change.after?.admin ? '!' : '+',
    noun: 'member',
    subjects: members.map(({ change }) => roleName(memberOf(change))),
    text: say`${[members.length > 1 ? 'join' : 'joins']} ${roles(group)}${until(first.change)}${reason(first.change)}`,
    details: options === '' ? [] : [[options]],
  });
};

/** How long it lasts and what it is for, as the manifest says it. */
const until = (change: Item['change']): Phrase => (change.until === undefined ? [] : say` until ${literal(change.until)}`);
const reason = (change: Item['change']): Phrase => (change.reason === undefined ? [] : say` (${literal(change.reason)})`);

/** The distinct roles of a group of memberships, all of them: they are few and they are the point. */
const roles = (group: readonly Item[]): Phrase =>
  join(
    [...new Set(group.map(({ change }) => roleOf(change)))].map((role) => say`${role}`),
    ', ',
  );

/** Engines that know no grantor (MySQL, MariaDB) make a role active at login, or not. */
const isDefaultRole = ({ grantor }: Pick<Membership, 'grantor'>): boolean => grantor === '';

const optionWords = (options: Membership | null): string =>
  [
    ...(options?.admin ? ['may let others in (admin)'] : []),
    ...(options?.inherit === false ? [isDefaultRole(options) ? 'not as a default role' : 'without inheriting its privileges'] : []),
    ...(options?.set === false ? ['without SET ROLE'] : []),
  ].join(', ');

const optionsLine = (item: Item): Line => {
  const { before, after } = item.change;
  const differences = (['admin', 'inherit', 'set'] as const).flatMap((option) =>
    before && after && before[option] !== after[option]
      ? [
          say`${[option === 'inherit' && isDefaultRole(after) ? 'default role' : option]} ${[yesNo(before[option])]} -> ${[yesNo(after[option])]}`,
        ]
      : [],
  );
  const [loses, gains] = [item.change.risk === 'removes', after?.admin === true && before?.admin === false];
  return lineOf([item], {
    symbol: loses ? '-' : gains ? '!' : '~',
    noun: 'member',
    subjects: subject(memberOf(item.change)),
    text: say`in ${roleOf(item.change)}: ${differences.length > 0 ? join(differences, ', ') : ['granted anew']}`,
  });
};

const yesNo = (value: boolean): string => (value ? 'yes' : 'no');
