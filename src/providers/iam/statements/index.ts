import type { Change, ChangeOf } from '../../../model/change.ts';
import type { Declared } from '../../../model/declared.ts';
import type { Policy } from '../../../model/iam.ts';
import { byCodeUnit, distinct } from '../../../model/key.ts';
import type { Statements } from '../../../model/normal.ts';
import type { Step, Transaction } from '../../../model/plan.ts';
import { command } from '../../aws-command.ts';
import { readConnectDocument } from '../document.ts';
import { type Naming, namingOf } from '../logins.ts';
import { isOurs, principalOf } from '../marks.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Draft, Drafts } from './draft.ts';
import { type Account, policyDrafts, type Shard } from './policies.ts';
import { roleDrafts } from './roles.ts';

/** Steps of an account are in no database. */
const LANE = '';

/**
 * The calls, in two transactions for each principal: what opens (stage 2) when the users that it names are there, what closes
 * (stage 4) when the servers no longer let them in.
 */
export const statements = (changes: readonly Change[], snapshot: Snapshot, declared: Declared): Statements => {
  const { iam, stack } = declared;
  if (!iam) return { steps: [], transactions: [], lapses: [] };
  const account: Account = { ...snapshot, stack, path: iam.path };
  const naming = namingOf(iam);
  const work = ownersOf(changes, snapshot, declared).map((owner) => workOf(owner, changes, account, naming));
  return number(work);
};

/** What is done for one principal, and the targets that each part waits for. */
type Work = Drafts & {
  readonly principal: string;
  readonly lapse: boolean;
  readonly gains: readonly string[];
  readonly loses: readonly string[];
};

type Owner = { readonly principal: string; readonly shards: readonly Shard[]; readonly role: number | null };

/** The principals that changes are about, each with its policies, sorted. */
const ownersOf = (changes: readonly Change[], snapshot: Snapshot, declared: Declared): readonly Owner[] => {
  const shards = shardsOf(changes, snapshot, declared);
  const roles = new Map<string, number>();
  for (const [index, change] of changes.entries()) {
    if (change.kind === 'iam_role' && change.blocked === undefined) roles.set(`role/${change.key}`, index);
  }
  const principals = distinct([...roles.keys(), ...shards.filter(isTouched).map(({ owner }) => owner)]);
  return principals.map((principal) => ({
    principal,
    shards: shards.filter(({ owner }) => owner === principal).map(({ shard }) => shard),
    role: roles.get(principal) ?? null,
  }));
};

type OwnedShard = { readonly owner: string; readonly shard: Shard };
const isTouched = ({ shard }: OwnedShard): boolean => shard.change !== null || shard.attach.size + shard.detach.size > 0;

/** Every policy of ours that is or shall be: those that stay count too where others of their principal change. */
const shardsOf = (changes: readonly Change[], snapshot: Snapshot, declared: Declared): readonly OwnedShard[] => {
  const naming = namingOf(declared.iam!);
  const own = new Map<string, Policy>();
  const holders = new Map<string, Set<string>>();
  for (const policy of snapshot.policies.values()) {
    if (!isOurs(policy, declared)) continue;
    const { arns, foreign } = readConnectDocument(policy.document);
    own.set(policy.name, {
      name: policy.name,
      path: policy.path,
      principal: principalOf(policy)!,
      entries: arns.map(naming.entry),
      foreign,
    });
    holders.set(policy.arn, new Set());
  }
  for (const [key, { attached }] of snapshot.identities) for (const arn of attached) holders.get(arn)?.add(key);
  const arns = new Map([...snapshot.policies.values()].map(({ name, arn }) => [name, arn]));
  const indexes = new Map(changes.map((change, index) => [`${change.kind} ${change.key}`, index]));
  const runnable = changes.filter((change) => change.blocked === undefined);
  const policyChanges = new Map(runnable.flatMap((change) => (change.kind === 'policy' ? [[change.key, change] as const] : [])));
  const pairs = runnable.filter((change): change is ChangeOf<'attachment'> => change.kind === 'attachment');
  const ofPolicy = new Map<string, ChangeOf<'attachment'>[]>();
  for (const pair of pairs) {
    const { policy } = (pair.after ?? pair.before)!;
    ofPolicy.set(policy, [...(ofPolicy.get(policy) ?? []), pair]);
  }
  return distinct([...own.keys(), ...policyChanges.keys()]).map((name) => {
    const change = policyChanges.get(name);
    const [before, after] = change ? [change.before, change.after] : [own.get(name)!, own.get(name)!];
    const mine = ofPolicy.get(name) ?? [];
    const side = (gone: boolean): ReadonlyMap<string, number> =>
      new Map(
        mine
          .filter((pair) => (pair.after === null) === gone)
          .map((pair) => [(pair.after ?? pair.before)!.principal, indexes.get(`attachment ${pair.key}`)!]),
      );
    const shard: Shard = {
      name,
      before,
      after,
      change: change ? indexes.get(`policy ${name}`)! : null,
      held: holders.get(arns.get(name) ?? '') ?? new Set(),
      attach: side(false),
      detach: side(true),
    };
    return { owner: (after ?? before)!.principal, shard };
  });
};

const workOf = (owner: Owner, changes: readonly Change[], account: Account, naming: Naming): Work => {
  const { principal, shards, role } = owner;
  const none: Drafts = { opening: [], closing: [] };
  const roles = role === null ? none : roleDrafts(changes[role] as ChangeOf<'iam_role'>, role, account.stack);
  const policies = policyDrafts(principal, shards, account);
  const had = new Set(shards.flatMap(({ held, before }) => (held.has(principal) ? (before?.entries ?? []) : [])).map(({ arn }) => arn));
  const has = new Set(shards.flatMap(({ after }) => after?.entries ?? []).map(({ arn }) => arn));
  const targets = (arns: readonly string[]): readonly string[] => distinct(arns.flatMap((arn) => naming.target(arn) ?? []));
  return {
    principal,
    opening: [...roles.opening, ...policies.opening],
    closing: [...policies.closing, ...roles.closing],
    lapse: policies.lapse,
    gains: targets([...has].filter((arn) => !had.has(arn))),
    loses: targets([...had].filter((arn) => !has.has(arn))),
  };
};

/** Openings of all principals first; a role whose trust names another new role waits for that one. */
const number = (work: readonly Work[]): Statements => {
  const made = new Map(
    work.flatMap(({ principal, opening }) => (opening.some(isCreation) ? [[principal.slice('role/'.length), principal] as const] : [])),
  );
  const trusts = ({ principal, opening }: Work): readonly string[] =>
    opening
      .flatMap(({ input }) => {
        const trust = String(input.AssumeRolePolicyDocument ?? (input.RoleName === undefined ? '' : (input.PolicyDocument ?? '')));
        return [...trust.matchAll(/:role\/(?:[^"]*\/)?([^"/]+)"/g)].flatMap(([, name]) => made.get(name!) ?? []);
      })
      .filter((other) => other !== principal);
  const ordered = [...work].sort((a, b) => trusts(a).length - trusts(b).length || byCodeUnit(a.principal, b.principal));
  const steps: Step[] = [];
  const transactions: Transaction[] = [];
  const opened = new Map<string, number>();
  const add = (drafts: readonly Draft[], stage: 2 | 4, waitsFor: readonly number[], awaits: readonly string[]): void => {
    for (const { operation, input, phase, changes } of drafts)
      steps.push({
        id: steps.length,
        database: LANE,
        transaction: transactions.length,
        phase,
        sql: command('iam', operation, input),
        call: { operation, input },
        changes,
      });
    transactions.push({ database: LANE, waitsFor, borrows: [], autocommit: true, stage, ...(awaits.length > 0 ? { awaits } : {}) });
  };
  for (const one of ordered) {
    if (one.opening.length === 0) continue;
    opened.set(one.principal, transactions.length);
    const earlier = trusts(one).flatMap((other) => opened.get(other) ?? []);
    add(
      one.opening,
      2,
      [...new Set(earlier)].filter((index) => index < transactions.length).sort((a, b) => a - b),
      one.gains,
    );
  }
  for (const one of ordered) {
    const own = opened.get(one.principal);
    if (one.closing.length > 0) add(one.closing, 4, own === undefined ? [] : [own], one.loses);
  }
  return { steps, transactions, lapses: work.filter(({ lapse }) => lapse).map(({ principal }) => principal) };
};

const isCreation = ({ operation }: Draft): boolean => operation === 'CreateRole';
