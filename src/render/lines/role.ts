import type { Change, ChangeOf } from '../../model/change.ts';
import type { Role } from '../../model/state.ts';
import { gather, type Indexed, ofKind } from '../fold.ts';
import { join, literal, type Phrase, say } from '../phrase.ts';
import { type Fold, type Line, lineOf, MANY, type Sign, subject } from './line.ts';
import { IAM_ROLE } from './membership.ts';

/** Lines about roles themselves: made, changed, disabled, dropped; and about sessions that end with nothing else said. */
export const roleLines = (changes: readonly Change[], fold: Fold): Line[] => {
  const sessions = new Map(ofKind(changes, 'sessions').map((item) => [roleOfSessions(item.change), item]));
  const flips = new Map(
    ofKind(changes, 'membership')
      .filter(({ change }) => change.before === null && change.after?.role === IAM_ROLE && !change.blocked)
      .map((item) => [item.change.after?.member ?? '', item]),
  );
  const lines = ofKind(changes, 'role').map((item) => {
    const name = item.change.after?.name ?? item.change.before?.name ?? '';
    if (item.change.before === null) return createLine(item, item.change.blocked ? undefined : flips.get(name));
    const ended = sessions.get(item.change.before.name);
    const line = item.change.after === null ? dropLine(item, ended) : alterLine(item, ended);
    if (line.symbol === '-') sessions.delete(item.change.before.name);
    return line;
  });
  return [...foldedCreations(lines, fold === 'fine' ? MANY_CREATIONS : MANY), ...[...sessions.values()].map(sessionsLine)];
};

/** From how many new roles alike on they are counted: each new login deserves its line as long as lines are read at all. */
const MANY_CREATIONS = 25;

const foldedCreations = (lines: readonly Line[], many: number): Line[] =>
  gather(lines, (line) => (line.symbol === '+' ? [line.noun, line.text, line.details, line.cause, line.blocked] : [line.changes])).flatMap(
    (group) =>
      group.length < many
        ? group
        : [
            {
              ...group[0],
              subjects: group.flatMap((line) => line.subjects),
              changes: group.flatMap((line) => line.changes).sort((a, b) => a - b),
            },
          ],
  );

/** Memberships that a line of `roleLines` already tells: IAM login of a user that is made. */
export const toldByRole = (changes: readonly Change[]): ReadonlySet<string> =>
  new Set(
    ofKind(changes, 'role').flatMap(({ change }) => (change.before === null && !change.blocked && change.after ? [change.after.name] : [])),
  );

const nounOf = (...roles: readonly (Role | null)[]): 'user' | 'group' => (roles.some((role) => role?.login) ? 'user' : 'group');
const roleOfSessions = (change: ChangeOf<'sessions'>): string => change.before?.role ?? change.after?.role ?? '';

const createLine = (item: Indexed<'role'>, iam: Indexed<'membership'> | undefined): Line => {
  const role = item.change.after;
  const attributes = role ? attributeDifferences(NOTHING_SPECIAL, role, false) : [];
  return lineOf(iam ? [item, iam] : [item], {
    symbol: attributes.some((difference) => difference.escalates) ? '!' : '+',
    noun: nounOf(role),
    subjects: subject(role?.name ?? ''),
    text: iam ? say`created, logs in through IAM` : say`created`,
    details: attributes.map((difference) => difference.text),
  });
};

const dropLine = (item: Indexed<'role'>, sessions: Indexed<'sessions'> | undefined): Line =>
  lineOf(sessions ? [item, sessions] : [item], {
    symbol: '-',
    noun: nounOf(item.change.before),
    subjects: subject(item.change.before?.name ?? ''),
    text: sessions ? say`dropped, ${sessionsEnd(sessions)}` : say`dropped`,
  });

const sessionsLine = (item: Indexed<'sessions'>): Line => {
  const count = item.change.before?.count;
  const text = count === undefined ? say`end` : say`end, ${count} of them now`;
  return lineOf([item], { symbol: '-', noun: 'sessions', subjects: subject(roleOfSessions(item.change)), text });
};

/** How many they are may be another number by the time that they end. */
const sessionsEnd = ({ change }: Indexed<'sessions'>): Phrase => {
  const count = change.before?.count;
  if (count === undefined) return ['its sessions end'];
  return count === 1 ? ['its session ends'] : say`its ${count} sessions end`;
};

const alterLine = (item: Indexed<'role'>, sessions: Indexed<'sessions'> | undefined): Line => {
  const { before, after } = item.change;
  const differences = before && after ? [...lifeDifferences(before, after), ...attributeDifferences(before, after, true)] : [];
  const disabled = before?.login === true && after?.login === false;
  const [first, ...rest] = differences.map((difference) => difference.text);
  return lineOf(disabled && sessions ? [item, sessions] : [item], {
    symbol: symbolOf(item, disabled, differences),
    noun: nounOf(before, after),
    subjects: subject(after?.name ?? ''),
    text: disabled && sessions ? say`can no longer log in, ${sessionsEnd(sessions)}` : (first ?? say`comment is rewritten`),
    details: rest,
  });
};

const symbolOf = ({ change }: Indexed<'role'>, disabled: boolean, differences: readonly Difference[]): Sign => {
  if (disabled) return '-';
  const grave = change.risk === 'authentication' || change.risk === 'destructive';
  return grave || differences.some((difference) => difference.escalates) ? '!' : '~';
};

type Difference = { readonly text: Phrase; readonly escalates?: boolean };

/** What happens to the role as a whole: login, name, mark. */
const lifeDifferences = (before: Role, after: Role): Difference[] => [
  ...(before.login && !after.login ? [{ text: say`can no longer log in` }] : []),
  ...(!before.login && after.login ? [{ text: say`may log in again` }] : []),
  ...(before.name !== after.name ? [{ text: say`renamed from ${before.name}` }] : []),
  ...markDifferences(before, after),
];

const markDifferences = (before: Role, after: Role): Difference[] => {
  if (after.mark === null) return before.mark ? [{ text: say`forgotten: our mark is taken off, its access stays` }] : [];
  if (before.mark === null) return [{ text: say`adopted: managed from now on` }];
  if (before.mark.stack !== after.mark.stack) return [{ text: say`adopted from ${literal(before.mark.stack)}` }];
  return before.mark.locked !== undefined && after.mark.locked === undefined ? [{ text: say`unlocked` }] : [];
};

const NOTHING_SPECIAL: Omit<Role, 'name' | 'login' | 'mark'> = {
  inherit: true,
  createdb: false,
  createrole: false,
  superuser: false,
  replication: false,
  bypassrls: false,
  connectionLimit: -1,
  validUntil: null,
  description: '',
};

const FLAGS = ['superuser', 'createrole', 'createdb', 'replication', 'bypassrls', 'inherit'] as const;
const ESCALATING: ReadonlySet<string> = new Set(['superuser', 'createrole', 'replication', 'bypassrls']);

/** Attributes under their names in the manifest; `both` shows the old value too. */
const attributeDifferences = (before: typeof NOTHING_SPECIAL, after: typeof NOTHING_SPECIAL, both: boolean): Difference[] => {
  const differ = (word: string, from: Phrase, to: Phrase): Difference => ({
    text: both ? say`${[word]} ${from} -> ${to}` : say`${[word]} ${to}`,
  });
  return [
    ...FLAGS.flatMap((flag) =>
      before[flag] === after[flag]
        ? []
        : [{ ...differ(flag, [yesNo(before[flag])], [yesNo(after[flag])]), escalates: after[flag] && ESCALATING.has(flag) }],
    ),
    ...(before.connectionLimit === after.connectionLimit
      ? []
      : [differ('connection_limit', limit(before.connectionLimit), limit(after.connectionLimit))]),
    ...(before.validUntil === after.validUntil ? [] : [differ('valid_until', until(before.validUntil), until(after.validUntil))]),
    ...(before.description === after.description ? [] : [differ('description', quote(before.description), quote(after.description))]),
  ];
};

const yesNo = (value: boolean): string => (value ? 'yes' : 'no');
const limit = (value: number): Phrase => (value < 0 ? ['none'] : [String(value)]);
const until = (value: string | null): Phrase => (value === null ? ['never'] : literal(value.replace(/T00:00:00(\.0+)?Z$/, '')));
const quote = (text: string): Phrase => (text === '' ? ['none'] : join([literal(`"${text}"`)], ''));
