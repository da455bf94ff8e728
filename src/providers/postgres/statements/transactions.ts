import { byCodeUnit, distinct } from '../../../model/key.ts';
import { PHASES, type Phase, type Step, type Transaction } from '../../../model/plan.ts';
import type { Statements } from '../../provider.ts';
import { PER_GRANTOR_MEMBERSHIPS } from '../authority.ts';
import type { Scope } from '../scope.ts';
import { ident } from '../sql.ts';
import type { Draft, Use } from './draft.ts';
import { prerequisites } from './prerequisites.ts';
import { stagesOf } from './stages.ts';

/** A transaction while it is filled. */
type Batch = {
  readonly database: string;
  readonly drafts: readonly Draft[];
  readonly autocommit: boolean;
  readonly waitsFor: readonly number[];
  /** true: logins flip to IAM in it; their policies come first. */
  readonly flips?: true;
};
type Batches = { readonly unlinked: readonly (readonly Unlinked[])[]; readonly lapses: readonly string[] };

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
export const arrange = (scope: Scope, drafts: readonly Draft[]): Statements => {
  const flips = drafts.filter((draft) => draft.flips);
  const others = drafts.filter((draft) => !draft.flips);
  const { unlinked, lapses } = isAtomic(drafts, scope.version) ? atomicBatches(scope, others) : stagedBatches(scope, others);
  const batches = linked([...unlinked, flippingBatch(scope, flips)]);
  const steps: Step[] = [];
  const transactions = batches.map((batch, transaction): Transaction => {
    const { written, borrows } = writeBatch(scope, batch);
    for (const step of written) steps.push({ ...step, id: steps.length, transaction });
    return {
      database: batch.database,
      waitsFor: batch.waitsFor,
      borrows: distinct([...borrows, ...granted(batch)]),
      autocommit: batch.autocommit,
      ...(batch.flips ? { stage: 3 as const, awaits: [IAM_TARGET] } : {}),
    };
  });
  return { steps, transactions, lapses };
};

/** The target that is the IAM account. */
const IAM_TARGET = 'iam';

/** Logins that exist flip last, and together: a policy that does not open leaves everything else done. */
const flippingBatch = (scope: Scope, drafts: readonly Draft[]): Unlinked[] => [
  { database: scope.declared.target.maintenanceDatabase, drafts, autocommit: false, flips: true },
];

/** The server locks a role whose members change. */
const granted = (batch: Batch): string[] =>
  batch.drafts.flatMap((draft) => (draft.moves ?? []).map(({ before, after }) => (before ?? after)!.role));

const inOrder = (drafts: readonly Draft[]): Draft[] =>
  [...drafts].sort(
    (a, b) =>
      PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase) ||
      (a.rank ?? 0) - (b.rank ?? 0) ||
      byCodeUnit(usesKey(a), usesKey(b)) ||
      byCodeUnit(a.sql, b.sql),
  );
const usesKey = (draft: Draft): string => JSON.stringify(draft.uses);

/** In order, but what must run first for the server's sake does. */
const inTurn = (scope: Scope, drafts: readonly Draft[]): Draft[] => {
  const sorted = inOrder(drafts);
  const first = new Map<number, number[]>();
  for (const [before, then] of prerequisites(scope, sorted)) first.set(then, [...(first.get(then) ?? []), before]);
  if (first.size === 0) return sorted;
  const placed = new Set<number>();
  const place = (index: number, above: readonly number[]): void => {
    if (placed.has(index) || above.includes(index)) return;
    for (const before of first.get(index) ?? []) place(before, [...above, index]);
    placed.add(index);
  };
  sorted.forEach((_, index) => void place(index, []));
  return [...placed].map((index) => sorted[index]!);
};

/** One by one, unless a role is borrowed for it: that must not outlive the transaction. */
const endingBatch = (database: string, drafts: readonly Draft[]): Unlinked => ({
  database,
  drafts,
  autocommit: drafts.every(({ uses }) => uses.length === 0),
});

/** Logins are closed for good before their sessions end; everything else is one transaction. */
const atomicBatches = (scope: Scope, drafts: readonly Draft[]): Batches => {
  const database = drafts.find((draft) => draft.database !== null)?.database ?? scope.declared.target.maintenanceDatabase;
  const ending = drafts.filter((draft) => draft.ends);
  const closing = ending.length > 0 ? drafts.filter((draft) => draft.phase === 'close' && !draft.ends) : [];
  const rest = drafts.filter((draft) => !draft.ends && !closing.includes(draft));
  const maintenance = scope.declared.target.maintenanceDatabase;
  return {
    unlinked: [
      [{ database: maintenance, drafts: closing, autocommit: false }],
      [endingBatch(maintenance, ending)],
      [{ database, drafts: rest, autocommit: false }],
    ],
    lapses: [],
  };
};

/** Several databases cannot commit together: roles are made first, without a login; who holds what moves in stages; logins open and roles go last. */
const stagedBatches = (scope: Scope, drafts: readonly Draft[]): Batches => {
  const maintenance = scope.declared.target.maintenanceDatabase;
  const limit = scope.version >= LOCKS_NAMED_SINCE ? NAMES_PER_TRANSACTION : Number.POSITIVE_INFINITY;
  const inPhases = (phases: readonly Phase[]) => drafts.filter((draft) => phases.includes(draft.phase) && !draft.moves && !draft.ends);
  const cluster = (some: readonly Draft[]): Unlinked[] => [{ database: maintenance, drafts: some, autocommit: false }];
  const opening = drafts.filter((draft) => draft.phase === 'open' || draft.phase === 'drop');
  const moving = drafts.filter((draft) => !opening.includes(draft) && (draft.moves !== undefined || !FIRST.includes(draft.phase)));
  const { stages, lapses } = stagesOf(scope, moving, limit);
  const lanes = stages.map((stage) =>
    stage.flatMap(({ database, groups }) =>
      slices(groups, limit).map((slice): Unlinked => ({ database: database ?? maintenance, drafts: slice, autocommit: false })),
    ),
  );
  return {
    unlinked: [
      cluster(inPhases(FIRST)),
      [
        endingBatch(
          maintenance,
          drafts.filter((draft) => draft.ends),
        ),
      ],
      ...lanes,
      cluster(opening),
    ],
    lapses,
  };
};
const FIRST: readonly Phase[] = ['close', 'create', 'alter'];

/** Cuts what names too many objects for one lock table. */
const slices = (groups: readonly (readonly Draft[])[], limit: number): Draft[][] => {
  const cut: Draft[][] = [[]];
  let named = 0;
  for (const group of groups) {
    const more = group.reduce((sum, draft) => sum + draft.named, 0);
    if (named + more > limit && cut.at(-1)!.length > 0) {
      cut.push([]);
      named = 0;
    }
    cut.at(-1)!.push(...group);
    named += more;
  }
  return cut;
};

type Unlinked = Omit<Batch, 'waitsFor'>;

/** Every batch waits for all of the stage before it, and for the batch before it on its own database. */
const linked = (all: readonly (readonly Unlinked[])[]): Batch[] => {
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
  const ordered = inTurn(scope, batch.drafts);
  const borrowed = new Map<string, Borrow>();
  const written: Written[] = [];
  let acting: string | null = null;
  const say = (sql: string, phase: Phase, rest: Partial<Written> = {}) =>
    written.push({ database: batch.database, phase, sql, changes: [], ...rest });
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
    say(draft.sql, draft.phase, {
      changes: draft.changes,
      ...(as === null ? {} : { as }),
      ...(draft.secret === undefined ? {} : { secret: draft.secret }),
      ...(draft.undo === undefined ? {} : { undo: draft.undo }),
    });
  }
  const last = ordered.at(-1)!.phase;
  become(null, last);
  const returned = [...borrowed.values()].filter(({ role }) => !ordered.some((draft) => draft.drops === role));
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
  // Before 16 there is one row a pair: GRANT would do nothing to it, and REVOKE take it away.
  const isMember = scope.reality.memberships.some((one) => one.role === role && one.member === authority.login);
  if (scope.version < PER_GRANTOR_MEMBERSHIPS && isMember) return [];
  if (scope.version < PER_GRANTOR_MEMBERSHIPS)
    return [{ role, take: `GRANT ${name} TO ${login}`, giveBack: `REVOKE ${name} FROM ${login}` }];
  const grantor = authority.admin(role)?.grantor;
  const row = scope.reality.memberships.find((one) => one.role === role && one.member === authority.login && one.grantor === grantor);
  const options = (admin: boolean, inherit: boolean, set: boolean) =>
    `WITH ${[`ADMIN ${word(admin)}`, `INHERIT ${word(inherit)}`, `SET ${word(set)}`].join(', ')}`;
  return [
    {
      role,
      take: `GRANT ${name} TO ${login} ${options(row?.admin ?? false, how === 'inherit' || (row?.inherit ?? false), true)}`,
      giveBack: row ? `GRANT ${name} TO ${login} ${options(row.admin, row.inherit, row.set)}` : `REVOKE ${name} FROM ${login}`,
    },
  ];
};
const word = (value: boolean): string => (value ? 'TRUE' : 'FALSE');
