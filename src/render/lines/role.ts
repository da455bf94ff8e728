import type { Change, ChangeOf } from '../../model/change.ts';
import type { AccountOptions, Role } from '../../model/state.ts';
import { gather, type Indexed, ofKind } from '../fold.ts';
import { join, literal, type Phrase, plural, say } from '../phrase.ts';
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
  const left = new Set(ofKind(changes, 'membership').map(({ change }) => change.before?.role));
  const lines = ofKind(changes, 'role').flatMap((item) => {
    const { before, after } = item.change;
    const name = after?.name ?? before?.name ?? '';
    if (before === null) return [createLine(item, item.change.blocked ? undefined : flips.get(name))];
    // Who gets another name has sessions under one of the two.
    const under = sessions.has(before.name) ? before.name : name;
    const ended = sessions.get(under);
    const line = after === null ? dropLine(item, ended, left.has(name)) : alterLine(item, ended);
    if (line?.symbol === '-') sessions.delete(under);
    return [...flipLines(item), ...(line ? [line] : [])];
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

const nounOf = (...roles: readonly (Role | null)[]): 'user' | 'group' => (roles.some((role) => role && isUser(role)) ? 'user' : 'group');

/** An account of MySQL or MariaDB with options is a user, locked or not; so is a role with what only a login has. */
const isUser = ({ login, options, mark }: Role): boolean =>
  login || options !== undefined || mark?.pw !== undefined || mark?.locked !== undefined;

/** A user whose login was closed before may look like a group: what has neither sessions nor members is called a role. */
const droppedNoun = (role: Role | null, ended: boolean, members: boolean): 'user' | 'group' | 'role' =>
  ended || (role && isUser(role)) ? 'user' : members ? 'group' : 'role';
const roleOfSessions = (change: ChangeOf<'sessions'>): string => change.before?.role ?? change.after?.role ?? '';

const createLine = (item: Indexed<'role'>, iam: Indexed<'membership'> | undefined): Line => {
  const role = item.change.after;
  const attributes = role ? attributeDifferences({ ...NOTHING_SPECIAL, ...plainOptions(role) }, role, false) : [];
  return lineOf(iam ? [item, iam] : [item], {
    symbol: attributes.some((difference) => difference.escalates) ? '!' : '+',
    noun: nounOf(role),
    subjects: subject(role?.name ?? ''),
    text: iam || role?.options?.auth === 'iam' ? say`created, logs in through IAM` : say`created`,
    details: attributes.map((difference) => difference.text),
  });
};

const dropLine = (item: Indexed<'role'>, sessions: Indexed<'sessions'> | undefined, members: boolean): Line =>
  lineOf(sessions ? [item, sessions] : [item], {
    symbol: '-',
    noun: droppedNoun(item.change.before, sessions !== undefined, members),
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

/** How an account of MySQL or MariaDB proves who it is; what it must bring along says so too. */
const flipLines = (item: Indexed<'role'>): Line[] => {
  const { before, after } = item.change;
  const [from, to] = [before?.options, after?.options];
  if (!from || !to || from.auth === to.auth) return [];
  return [
    lineOf([item], {
      symbol: '!',
      noun: 'user',
      subjects: subject(after?.name ?? ''),
      text: say`authentication: ${authentication(from)} -> ${authentication(to)}`,
      details: from.require === to.require ? [] : [say`require ${literal(from.require)} -> ${literal(to.require)}`],
    }),
  ];
};

const AUTHENTICATION = { iam: 'IAM', password: 'password', none: 'none' } as const;
const authentication = ({ auth, plugin }: AccountOptions): Phrase =>
  auth === 'other' ? (plugin === undefined ? ['other'] : literal(plugin)) : [AUTHENTICATION[auth]];

/** null: a line of its own tells all of it. */
const alterLine = (item: Indexed<'role'>, sessions: Indexed<'sessions'> | undefined): Line | null => {
  const { before, after } = item.change;
  const flips = before?.options?.auth !== after?.options?.auth;
  const differences = before && after ? [...lifeDifferences(before, after), ...attributeDifferences(before, after, true)] : [];
  const disabled = before?.login === true && after?.login === false;
  if (flips && differences.length === 0) return null;
  const [first, ...rest] = differences.map((difference) => difference.text);
  return lineOf(disabled && sessions ? [item, sessions] : [item], {
    symbol: symbolOf(item, disabled, flips, differences),
    noun: nounOf(before, after),
    subjects: subject(after?.name ?? ''),
    text: disabled && sessions ? say`can no longer log in, ${sessionsEnd(sessions)}` : (first ?? say`comment is rewritten`),
    details: rest,
  });
};

const symbolOf = ({ change }: Indexed<'role'>, disabled: boolean, flips: boolean, differences: readonly Difference[]): Sign => {
  if (disabled) return '-';
  const grave = (change.risk === 'authentication' && !flips) || change.risk === 'destructive';
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
    ...optionDifferences(before.options, after.options).map(([word, from, to]) => differ(word, from, to)),
    ...(before.description === after.description ? [] : [differ('description', quote(before.description), quote(after.description))]),
  ];
};

/** An account's options as they are where nothing is said; a login by IAM always brings TLS. */
const plainOptions = ({ options }: Role): Pick<Role, 'options'> =>
  options
    ? {
        options: {
          auth: options.auth,
          require: options.auth === 'iam' ? 'ssl' : 'none',
          queriesPerHour: 0,
          updatesPerHour: 0,
          connectionsPerHour: 0,
          passwordExpireDays: null,
        },
      }
    : {};

/** Under their names in the manifest; TLS of a login that flips is told with the flip. */
const optionDifferences = (
  before: AccountOptions | undefined,
  after: AccountOptions | undefined,
): (readonly [word: string, from: Phrase, to: Phrase])[] => {
  if (!before || !after) return [];
  const requires = before.require === after.require || before.auth !== after.auth;
  return [
    ...(requires ? [] : [['require', literal(before.require), literal(after.require)] as const]),
    ...OPTIONS.flatMap(([option, word, shown]) => {
      const [from, to] = [before[option] ?? null, after[option] ?? null].map((value) =>
        option === 'passwordExpireDays' ? value : (value ?? 0),
      );
      return from === to ? [] : [[word, [shown(from!)], [shown(to!)]] as const];
    }),
  ];
};

const perHour = (value: number | null): string => (value === 0 || value === null ? 'none' : String(value));
const OPTIONS = [
  ['queriesPerHour', 'queries_per_hour', perHour],
  ['updatesPerHour', 'updates_per_hour', perHour],
  ['connectionsPerHour', 'connections_per_hour', perHour],
  [
    'passwordExpireDays',
    'password_expire',
    (days: number | null) => (days === null ? 'default' : days === 0 ? 'never' : `after ${plural(days, 'day')}`),
  ],
  ['failedLoginAttempts', 'failed_login_attempts', perHour],
  ['passwordLockDays', 'password_lock_time', (days: number | null) => (days === -1 ? 'unbounded' : days ? plural(days, 'day') : 'none')],
] as const;

const yesNo = (value: boolean): string => (value ? 'yes' : 'no');
const limit = (value: number): Phrase => (value < 0 ? ['none'] : [String(value)]);
const until = (value: string | null): Phrase => (value === null ? ['never'] : literal(value.replace(/T00:00:00(\.0+)?Z$/, '')));
const quote = (text: string): Phrase => (text === '' ? ['none'] : join([literal(`"${text}"`)], ''));
