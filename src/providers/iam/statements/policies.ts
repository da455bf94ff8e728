import type { Policy, PolicyEntry } from '../../../model/iam.ts';
import { byCodeUnit } from '../../../model/key.ts';
import type { Phase } from '../../../model/plan.ts';
import { connectDocument, documentSize } from '../document.ts';
import { policyTags } from '../marks.ts';
import type { ManagedPolicy, Snapshot } from '../snapshot.ts';
import type { Draft, Drafts } from './draft.ts';

/** A policy of a principal: what it was and shall be (the same where nothing of it changes), and who has it and shall. */
export type Shard = {
  readonly name: string;
  readonly before: Policy | null;
  readonly after: Policy | null;
  /** Index of its change; null: its document stays. */
  readonly change: number | null;
  /** Principals that have it now, and of these changes those that come and go, with the index of each. */
  readonly held: ReadonlySet<string>;
  readonly attach: ReadonlyMap<string, number>;
  readonly detach: ReadonlyMap<string, number>;
};

export type Account = Pick<Snapshot, 'partition' | 'account' | 'quotas' | 'policies'> & { readonly stack: string; readonly path: string };

/**
 * The policies of one principal in two parts: everything that gives, then everything that takes. An entry that moves to another
 * policy is allowed there before it is taken from here. `lapse`: there is no room for that, and it goes for a moment.
 */
export const policyDrafts = (principal: string, shards: readonly Shard[], account: Account): Drafts & { readonly lapse: boolean } => {
  const work = shards.map((shard): Work => ({ shard, versions: versionsOf(shard, account), document: null, detached: false, drafts: [] }));
  const live = new Set(work.flatMap(({ shard }) => (shard.held.has(principal) ? kept(shard) : [])));
  let lapse = false;
  // What is new takes up entries first: only then is there room where they were.
  for (const one of [...work].sort((a, b) => rank(a) - rank(b) || byCodeUnit(a.shard.name, b.shard.name))) {
    lapse = open(one, principal, work, live, account) || lapse;
    for (const arn of arnsOf(one.shard.after)) live.add(arn);
  }
  const inOrder = [...work].sort((a, b) => rank(a) - rank(b) || byCodeUnit(a.shard.name, b.shard.name));
  const opening = inOrder.flatMap(({ drafts }) => drafts.splice(0));
  for (const one of work) close(one, principal, account);
  return { opening, closing: work.flatMap(({ drafts }) => drafts), lapse };
};

/** A policy while its calls are written: `document` holds the ARNs that it has by then, null: those from before. */
type Work = {
  readonly shard: Shard;
  readonly drafts: Draft[];
  versions: ManagedPolicy['versions'];
  document: readonly PolicyEntry[] | null;
  detached: boolean;
};

const rank = ({ shard }: Work): number => (shard.before === null ? 0 : 1);
const arnsOf = (policy: Policy | null): readonly string[] => policy?.entries.map(({ arn }) => arn) ?? [];

/** What a policy allows throughout. */
const kept = ({ before, after }: Shard): string[] => {
  const has = new Set(arnsOf(after));
  return arnsOf(before).filter((arn) => has.has(arn));
};

const versionsOf = (shard: Shard, { policies, ...account }: Account): ManagedPolicy['versions'] =>
  policies.get(arnOf(shard.name, { policies, ...account }))?.versions ?? [];

const arnOf = (name: string, { partition, account, path }: Account): string => `arn:${partition}:iam::${account}:policy${path}${name}`;

/** Returns true where an entry that stays goes for a moment. */
const open = (work: Work, principal: string, all: readonly Work[], live: ReadonlySet<string>, account: Account): boolean => {
  const { shard } = work;
  const { before, after } = shard;
  if (!after) return false;
  if (!before) {
    work.drafts.push(create(shard, account));
    attach(work, account);
    return false;
  }
  const had = new Set(arnsOf(before));
  const adds = after.entries.some(({ arn }) => !had.has(arn));
  const idle = !shard.held.has(principal);
  // Nobody is to get through a policy that is wider than it shall be, nor somebody who shall not have it.
  if (adds || idle) detach(work, account);
  const wanted = new Set(all.flatMap((other) => arnsOf(other.shard.after)));
  const document = adds || idle ? (idle ? after.entries : opened(before, after, wanted, live, account)) : null;
  if (document && !sameEntries(document, before.entries, before.foreign)) write(work, document, 'open', account);
  if (before.principal !== after.principal) work.drafts.push(tag(shard, account));
  attach(work, account);
  const has = new Set(document?.map(({ arn }) => arn) ?? arnsOf(before));
  return arnsOf(before).some((arn) => !has.has(arn) && wanted.has(arn) && !live.has(arn) && !arnsOf(after).includes(arn));
};

/** The widest document that fits: all from before; without what is allowed elsewhere by now; only what must not lapse; what shall be. */
const opened = (
  before: Policy,
  after: Policy,
  wanted: ReadonlySet<string>,
  live: ReadonlySet<string>,
  { quotas }: Account,
): readonly PolicyEntry[] => {
  const has = new Set(arnsOf(after));
  const old = before.entries.filter(({ arn }) => !has.has(arn));
  const moving = ({ arn }: PolicyEntry): boolean => wanted.has(arn) && !live.has(arn);
  const candidates = [old, old.filter((entry) => moving(entry) || !wanted.has(entry.arn)), old.filter(moving), []];
  const fitting = candidates.find((extra) => documentSize(connectDocument([...after.entries, ...extra])) <= quotas.policySize) ?? [];
  return [...after.entries, ...fitting].sort((a, b) => byCodeUnit(a.arn, b.arn));
};

const sameEntries = (a: readonly PolicyEntry[], b: readonly PolicyEntry[], foreign: string | null): boolean =>
  foreign === null && a.length === b.length && a.every(({ arn }, index) => arn === b[index]?.arn);

const close = (work: Work, principal: string, account: Account): void => {
  const { shard } = work;
  const { before, after } = shard;
  if (!after) {
    detach(work, account);
    remove(work, account);
    return;
  }
  const now = work.document ?? before?.entries ?? after.entries;
  if (!sameEntries(now, after.entries, work.document ? null : (before?.foreign ?? null))) write(work, after.entries, 'revoke', account);
  if (shard.held.has(principal) || before === null) detach(work, account);
};

const create = (shard: Shard, account: Account): Draft => ({
  operation: 'CreatePolicy',
  input: {
    PolicyName: shard.name,
    Path: account.path,
    PolicyDocument: text(shard.after!.entries),
    Description: `Who may log in to databases as whom, kept by rolecall for ${account.stack}`.replace(/[^\x20-\x7e]/g, '?'),
    Tags: policyTags(account.stack, shard.after!.principal),
  },
  phase: 'create',
  changes: changesOf(shard),
});

const text = (entries: readonly PolicyEntry[]): string => JSON.stringify(connectDocument(entries));
const changesOf = ({ change }: Shard): readonly number[] => (change === null ? [] : [change]);

const tag = (shard: Shard, account: Account): Draft => ({
  operation: 'TagPolicy',
  input: { PolicyArn: arnOf(shard.name, account), Tags: policyTags(account.stack, shard.after!.principal) },
  phase: 'alter',
  changes: changesOf(shard),
});

/** A new default version; where there are as many as there may be, the oldest goes first. */
const write = (work: Work, entries: readonly PolicyEntry[], phase: Phase, account: Account): void => {
  const { shard, drafts } = work;
  const PolicyArn = arnOf(shard.name, account);
  const oldest = work.versions.find(({ isDefault }) => !isDefault);
  if (work.versions.length >= account.quotas.versionsPerPolicy && oldest) {
    drafts.push({ operation: 'DeletePolicyVersion', input: { PolicyArn, VersionId: oldest.id }, phase, changes: changesOf(shard) });
    work.versions = work.versions.filter(({ id }) => id !== oldest.id);
  }
  drafts.push({
    operation: 'CreatePolicyVersion',
    input: { PolicyArn, PolicyDocument: text(entries), SetAsDefault: true },
    phase,
    changes: changesOf(shard),
  });
  work.versions = [...work.versions.map(({ id }) => ({ id, isDefault: false })), { id: '', isDefault: true }];
  work.document = entries;
};

/** The words of the API for each kind. */
const WORDS: Readonly<Record<string, string>> = { role: 'Role', user: 'User', group: 'Group' };

const holding = (verb: 'Attach' | 'Detach', shard: Shard, holder: string, index: number, phase: Phase, account: Account): Draft => {
  const [kind = '', name = ''] = holder.split('/');
  return {
    operation: `${verb}${WORDS[kind]}Policy`,
    input: { [`${WORDS[kind]}Name`]: name, PolicyArn: arnOf(shard.name, account) },
    phase,
    changes: [index],
  };
};

const attach = ({ shard, drafts }: Work, account: Account): void => {
  for (const [holder, index] of shard.attach) drafts.push(holding('Attach', shard, holder, index, 'open', account));
};

/** Once: whatever was detached while opening is not detached again. */
const detach = (work: Work, account: Account): void => {
  if (work.detached) return;
  work.detached = true;
  for (const [holder, index] of work.shard.detach) work.drafts.push(holding('Detach', work.shard, holder, index, 'revoke', account));
};

/** A policy goes when nobody has it and it has no version but the default one. */
const remove = ({ shard, drafts, versions }: Work, account: Account): void => {
  const PolicyArn = arnOf(shard.name, account);
  for (const { id, isDefault } of versions) {
    if (!isDefault)
      drafts.push({ operation: 'DeletePolicyVersion', input: { PolicyArn, VersionId: id }, phase: 'drop', changes: changesOf(shard) });
  }
  drafts.push({ operation: 'DeletePolicy', input: { PolicyArn }, phase: 'drop', changes: changesOf(shard) });
};
