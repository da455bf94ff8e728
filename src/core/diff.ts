import type { Alarm } from '../model/alarm.ts';
import type { Change, ChangeOf, Risk } from '../model/change.ts';
import type { Policy } from '../model/iam.ts';
import { byCodeUnit } from '../model/key.ts';
import type { Bodies, Grant, Kind, Membership, Role } from '../model/state.ts';
import { difference } from './privileges.ts';

/** The two sides of a target, with what is known of each difference (see Normal). */
export type Sides = {
  readonly actual: { readonly [K in Kind]?: ReadonlyMap<string, Bodies[K]> };
  readonly desired: { readonly [K in Kind]?: ReadonlyMap<string, Bodies[K]> };
  readonly about: ReadonlyMap<string, Partial<Pick<Change, 'cause' | 'source' | 'blocked' | 'until' | 'reason'>>>;
};

const ORDER: Readonly<Record<Kind, number>> = {
  role: 0,
  password: 1,
  sessions: 2,
  membership: 3,
  setting: 4,
  ownership: 5,
  grant: 6,
  default: 7,
  iam_role: 8,
  policy: 9,
  attachment: 10,
  topic: 11,
  subscription: 12,
  log_filter: 13,
  alarm: 14,
};

/** Desired minus actual, by kind and key. */
export const diff = (sides: Sides): Change[] =>
  (Object.keys(ORDER) as Kind[]).sort((a, b) => ORDER[a] - ORDER[b]).flatMap((kind) => diffKind(sides, kind) as Change[]);

const NOTHING: ReadonlyMap<string, never> = new Map<string, never>();

const diffKind = <K extends Kind>(sides: Sides, kind: K): ChangeOf<K>[] => {
  const [actual, desired] = [sides.actual[kind] ?? NOTHING, sides.desired[kind] ?? NOTHING];
  const keys = [...new Set([...actual.keys(), ...desired.keys()])].sort(byCodeUnit);
  return keys.flatMap((key) => {
    const [before, after] = [actual.get(key) ?? null, desired.get(key) ?? null];
    if (before && after && sameBody(before, after)) return [];
    const about = sides.about.get(`${kind} ${key}`);
    return [{ kind, key, before, after, risk: riskOf(kind, before, after), cause: 'declared', ...about } as ChangeOf<K>];
  });
};

/** Whether two values are one as JSON, in whatever order their properties are written. */
export const sameBody = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, index) => sameBody(item, b[index]));
  const [left, right] = [a, b] as readonly Record<string, unknown>[];
  return (
    !Array.isArray(b) &&
    Object.keys(a).every((key) => sameBody(left![key], right![key])) &&
    Object.keys(b).every((key) => right![key] === undefined || left![key] !== undefined)
  );
};

const riskOf = <K extends Kind>(kind: K, before: Bodies[K] | null, after: Bodies[K] | null): Risk => {
  switch (kind as Kind) {
    case 'role':
      return roleRisk(before as Role | null, after as Role | null);
    case 'membership':
      return membershipRisk(before as Membership | null, after as Membership | null);
    case 'grant':
    case 'default':
      return privilegeRisk(before as Grant | null, after as Grant | null);
    case 'password':
      return 'authentication';
    case 'ownership':
      return 'destructive';
    case 'sessions':
      return 'removes';
    case 'setting':
      return 'safe';
    case 'policy':
      return policyRisk(before as Policy | null, after as Policy | null);
    case 'attachment':
      return after ? 'grants' : 'removes';
    case 'iam_role':
      return after ? (before ? 'grants' : 'safe') : 'destructive';
    // Nobody loses access by it, and somebody no longer hears of it.
    case 'topic':
    case 'subscription':
    case 'log_filter':
      return after ? 'safe' : 'removes';
    case 'alarm':
      return alarmRisk(before as Alarm | null, after as Alarm | null);
  }
};

/** An alarm that is put right takes nothing away, unless it told somebody whom it shall not tell. */
const alarmRisk = (before: Alarm | null, after: Alarm | null): Risk =>
  after && (before?.actions ?? []).every((arn) => after.actions.includes(arn)) ? 'safe' : 'removes';

const roleRisk = (before: Role | null, after: Role | null): Risk => {
  if (!after) return 'destructive';
  if (!before) return after.login || after.createdb || after.createrole ? 'grants' : 'safe';
  if (before.options && after.options && before.options.auth !== after.options.auth) return 'authentication';
  const lost = (['login', 'inherit', 'createdb', 'createrole'] as const).some((ability) => before[ability] && !after[ability]);
  const gained = (['login', 'inherit', 'createdb', 'createrole'] as const).some((ability) => !before[ability] && after[ability]);
  return lost ? 'removes' : gained ? 'grants' : 'safe';
};

const membershipRisk = (before: Membership | null, after: Membership | null): Risk => {
  if ((before ?? after)!.role === 'rds_iam') return 'authentication';
  if (!after) return 'removes';
  if (!before) return 'grants';
  return (['admin', 'inherit', 'set'] as const).some((option) => before[option] && !after[option]) ? 'removes' : 'grants';
};

/** Whoever could log in before and cannot after loses something, whatever else the policy says. */
const policyRisk = (before: Policy | null, after: Policy | null): Risk => {
  const kept = new Set(after?.entries.map(({ arn }) => arn));
  const lost = (before?.entries ?? []).some(({ arn }) => !kept.has(arn)) || (before?.foreign ?? null) !== null;
  return lost ? 'removes' : 'grants';
};

const privilegeRisk = (before: Pick<Grant, 'privileges'> | null, after: Pick<Grant, 'privileges'> | null): Risk =>
  difference(before?.privileges ?? [], after?.privileges ?? []).length > 0 ? 'removes' : 'grants';
