import { groupBy } from '../../../core/group.ts';
import { byCodeUnit, distinct } from '../../../model/key.ts';
import { PHASES, type Phase, type Step, type Transaction } from '../../../model/plan.ts';
import { PER_GRANTOR_MEMBERSHIPS } from '../authority.ts';
import type { Scope } from '../scope.ts';
import { ident } from '../sql.ts';
import type { Draft, Use } from './draft.ts';

/** A transaction while it is filled. */
type Batch = { readonly database: string; readonly drafts: readonly Draft[]; readonly autocommit: boolean; readonly waitsFor: readonly number[] };

/** PostgreSQL 18 locks every object that a GRANT names until the end of the transaction. */
const LOCKS_NAMED_SINCE = 180000;
const NAMES_PER_TRANSACTION = 2000;

/** true when everything but closing logins happens in one database: then one transaction holds it all. */
export const isAtomic = (drafts: readonly Pick<Draft, 'database' | 'named'>[], version: number): boolean => {
  const databases = new Set(drafts.flatMap((draft) => (draft.database === null ? [] : [draft.database])));
  const named = drafts.reduce((sum, draft) => sum + draft.named, 0);
  return databases.size <= 1 && !(version >= LOCKS_NAMED_SINCE && named > NAMES_PER_TRANSACTION);
};

/** Puts drafts into transactions and those in order; borrowing and acting as other roles become steps of their own. */
export const arrange = (scope: Scope, drafts: readonly Draft[]): { readonly steps: Step[]; readonly transactions: Transaction[] } => {
  const batches = isAtomic(drafts, scope.version) ? atomicBatches(scope, drafts) : stagedBatches(scope, drafts);
  const steps: Step[] = [];
  const transactions = batches.map((batch, transaction): Transaction => {
    const { written, borrows } = writeBatch(scope, batch);
    for (const step of written) steps.push({ ...step, id: steps.length, transaction });
    return { database: batch.database, waitsFor: batch.waitsFor, borrows, autocommit: batch.autocommit };
  });
  return { steps, transactions };
};

const inOrder = (drafts: readonly Draft[]): Draft[] =>
  [...drafts].sort((a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase) || (a.rank ?? 0) - (b.rank ?? 0) || byCodeUnit(usesKey(a), usesKey(b)) || byCodeUnit(a.sql, b.sql));
const usesKey = (draft: Draft): string => JSON.stringify(draft.uses);

const isEnding = (draft: Draft): boolean => draft.phase === 'close' && draft.sql.startsWith('SELECT');

/** Logins are closed for good before their sessions end; everything else is one transaction. */
const atomicBatches = (scope: Scope, drafts: readonly Draft[]): Batch[] => {
  const database = drafts.find((draft) => draft.database !== null)?.database ?? scope.declared.target.maintenanceDatabase;
  const ending = drafts.filter(isEnding);
  const closing = ending.length > 0 ? drafts.filter((draft) => draft.phase === 'close' && !isEnding(draft)) : [];
  const rest = drafts.filter((draft) => !isEnding(draft) && !closing.includes(draft));
  return chain([
    { database: scope.declared.target.maintenanceDatabase, drafts: closing, autocommit: false },
    { database: scope.declared.target.maintenanceDatabase, drafts: ending, autocommit: true },
    { database, drafts: rest, autocommit: false },
  ]);
};

/**
 * Several databases cannot commit together. Stages keep every prefix between old and new: first what makes and grants, then
 * members move (in one transaction), then what is too much goes, then logins open and roles are dropped.
 */
const stagedBatches = (scope: Scope, drafts: readonly Draft[]): Batch[] => {
  const maintenance = scope.declared.target.maintenanceDatabase;
  const moving = drafts.some((draft) => draft.phase === 'member' || draft.phase === 'open');
  const inStage = (stage: readonly Phase[]) => drafts.filter((draft) => stage.includes(draft.phase) && !isEnding(draft));
  const early = new Set(moving ? earlyDrafts(scope, drafts) : drafts.filter((draft) => draft.phase === 'revoke' || draft.phase === 'release'));
  const cluster = (phases: readonly Phase[], more: readonly Draft[] = []) => [...more, ...inStage(phases).filter((draft) => draft.database === null && !early.has(draft))];
  const local = (phases: readonly Phase[], more: readonly Draft[] = []) => [...more, ...inStage(phases).filter((draft) => draft.database !== null && !early.has(draft))];
  const earlyMembers = [...early].filter((draft) => draft.phase === 'member');
  const earlyRevokes = [...early].filter((draft) => draft.phase !== 'member');
  const lanes = (chosen: readonly Draft[]) =>
    [...groupBy(chosen, (draft) => draft.database ?? maintenance)].sort(([a], [b]) => byCodeUnit(a, b)).flatMap(([database, some]) => slices(scope, some).map((slice) => ({ database, drafts: slice, autocommit: false })));
  return stages([
    [{ database: maintenance, drafts: [...cluster(['close', 'create', 'alter']), ...earlyMembers], autocommit: false }],
    [{ database: maintenance, drafts: drafts.filter(isEnding), autocommit: true }],
    lanes([...local(['own', 'grant', 'default'], earlyRevokes), ...cluster(['own', 'grant'])]),
    [{ database: maintenance, drafts: cluster(['member']), autocommit: false }],
    lanes([...local(['revoke', 'release']), ...cluster(['revoke', 'release'])]),
    [{ database: maintenance, drafts: cluster(['open', 'drop']), autocommit: false }],
  ]);
};

/**
 * Where a group gains grants while it loses members, the members leave first; where it loses grants while it gains members,
 * the grants go first. Otherwise somebody would for a moment have what neither the old nor the new state gives.
 */
const earlyDrafts = (scope: Scope, drafts: readonly Draft[]): Draft[] => {
  const mentions = (draft: Draft, roles: ReadonlySet<string>): boolean => [...roles].some((role) => draft.sql.includes(ident(role)));
  const [gaining, losing] = [new Set<string>(), new Set<string>()];
  const members = drafts.filter((draft) => draft.phase === 'member');
  for (const role of scope.declared.roles.keys()) {
    const name = new Set([role]);
    if (drafts.some((draft) => draft.database !== null && (draft.phase === 'grant' || draft.phase === 'default') && mentions(draft, name))) gaining.add(role);
    if (drafts.some((draft) => draft.phase === 'revoke' && mentions(draft, name))) losing.add(role);
  }
  const leaving = members.filter((draft) => draft.sql.startsWith('REVOKE') && mentions(draft, above(scope, gaining)));
  const joined = above(scope, losing);
  const joining = members.some((draft) => draft.sql.startsWith('GRANT') && mentions(draft, joined));
  const revokes = joining ? drafts.filter((draft) => (draft.phase === 'revoke' || draft.phase === 'release') && mentions(draft, losing)) : [];
  return [...leaving, ...revokes];
};

/** The roles themselves and those that have their rights by membership. */
const above = (scope: Scope, roles: ReadonlySet<string>): ReadonlySet<string> => {
  const found = new Set(roles);
  const edges = [...scope.reality.memberships, ...scope.declared.memberships];
  for (const role of found) for (const edge of edges) if (edge.role === role) found.add(edge.member);
  return found;
};

/** Cuts what names too many objects for one lock table; order is kept, so grants still come first. */
const slices = (scope: Scope, drafts: readonly Draft[]): Draft[][] => {
  const cut: Draft[][] = [[]];
  let named = 0;
  for (const draft of inOrder(drafts)) {
    if (scope.version >= LOCKS_NAMED_SINCE && named + draft.named > NAMES_PER_TRANSACTION && cut.at(-1)!.length > 0) {
      cut.push([]);
      named = 0;
    }
    cut.at(-1)!.push(draft);
    named += draft.named;
  }
  return cut;
};

type Unlinked = Omit<Batch, 'waitsFor'>;
const chain = (batches: readonly Unlinked[]): Batch[] => stages(batches.map((batch) => [batch]));

/** Every batch waits for all of the stage before it, and for the batch before it on its own database. */
const stages = (all: readonly (readonly Unlinked[])[]): Batch[] => {
  const placed: Batch[] = [];
  let previous: number[] = [];
  for (const stage of all.map((batches) => batches.filter((batch) => batch.drafts.length > 0))) {
    if (stage.length === 0) continue;
    const current: number[] = [];
    for (const batch of stage) {
      const sibling = current.filter((index) => placed[index]!.database === batch.database);
      current.push(placed.length);
      placed.push({ ...batch, waitsFor: [...previous, ...sibling] });
    }
    previous = current;
  }
  return placed;
};

type Written = Omit<Step, 'id' | 'transaction'>;

/** The statements of a batch with the borrowing around them: roles are lent for the transaction and given back at its end. */
const writeBatch = (scope: Scope, batch: Batch): { readonly written: Written[]; readonly borrows: string[] } => {
  const ordered = inOrder(batch.drafts);
  const borrowed = new Map<string, Borrow>();
  const written: Written[] = [];
  let acting: string | null = null;
  const say = (sql: string, phase: Phase, rest: Partial<Written> = {}) => written.push({ database: batch.database, phase, sql, changes: [], ...rest });
  const become = (role: string | null, phase: Phase) => {
    if (role === acting) return;
    if (acting !== null) say('RESET ROLE', phase);
    if (role !== null) say(`SET LOCAL ROLE ${ident(role)}`, phase);
    acting = role;
  };
  const needed = needs(ordered);
  for (const draft of ordered) {
    const missing = draft.uses.filter(({ role }) => !borrowed.has(role)).flatMap(({ role }) => borrowOf(scope, role, needed.get(role)!));
    if (missing.length > 0) become(null, draft.phase);
    for (const borrow of missing) {
      say(borrow.take, draft.phase);
      borrowed.set(borrow.role, borrow);
    }
    const as = draft.uses.find(({ how }) => how === 'become')?.role ?? null;
    become(as, draft.phase);
    say(draft.sql, draft.phase, { changes: draft.changes, ...(as === null ? {} : { as }), ...(draft.secret === undefined ? {} : { secret: draft.secret }) });
  }
  const last = ordered.at(-1)!.phase;
  become(null, last);
  const returned = [...borrowed.values()].filter(({ role }) => !ordered.some((draft) => draft.phase === 'drop' && draft.sql === `DROP ROLE ${ident(role)}`));
  const drops = written.findIndex((step) => step.sql.startsWith('DROP ROLE '));
  // A role that is dropped is given back before: from 16 on a membership depends on its grantor.
  const giveBack = (borrow: Borrow): Written => ({ database: batch.database, phase: last, sql: borrow.giveBack, changes: [] });
  if (drops >= 0) written.splice(drops, 0, ...[...borrowed.values()].reverse().map(giveBack));
  else written.push(...returned.reverse().map(giveBack));
  return { written, borrows: distinct(borrowed.keys()) };
};

/** The strongest use of each role in the batch: to act with its rights needs more than SET ROLE does. */
const needs = (drafts: readonly Draft[]): ReadonlyMap<string, Use['how']> => {
  const found = new Map<string, Use['how']>();
  for (const { role, how } of drafts.flatMap((draft) => draft.uses)) if (found.get(role) !== 'inherit') found.set(role, how);
  return found;
};

type Borrow = { readonly role: string; readonly take: string; readonly giveBack: string };

/** Membership for the time of one transaction; a row that the login has already is put back as it was. */
const borrowOf = (scope: Scope, role: string, how: Use['how']): Borrow[] => {
  const { authority } = scope;
  const reach = authority.reach(role).how;
  if (reach === 'self' || reach === 'superuser') return [];
  if (how === 'become' ? reach === 'set' : authority.inherits(authority.login, role) && reach === 'set') return [];
  const [name, login] = [ident(role), ident(authority.login)];
  if (scope.version < PER_GRANTOR_MEMBERSHIPS) return [{ role, take: `GRANT ${name} TO ${login}`, giveBack: `REVOKE ${name} FROM ${login}` }];
  const grantor = authority.admin(role)?.grantor;
  const row = scope.reality.memberships.find((one) => one.role === role && one.member === authority.login && one.grantor === grantor);
  const options = (admin: boolean, inherit: boolean, set: boolean) => `WITH ${[`ADMIN ${word(admin)}`, `INHERIT ${word(inherit)}`, `SET ${word(set)}`].join(', ')}`;
  return [
    {
      role,
      take: `GRANT ${name} TO ${login} ${options(row?.admin ?? false, how === 'inherit' || (row?.inherit ?? false), true)}`,
      giveBack: row ? `GRANT ${name} TO ${login} ${options(row.admin, row.inherit, row.set)}` : `REVOKE ${name} FROM ${login}`,
    },
  ];
};
const word = (value: boolean): string => (value ? 'TRUE' : 'FALSE');
