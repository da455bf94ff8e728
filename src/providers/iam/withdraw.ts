import type * as Iam from '@aws-sdk/client-iam';
import type { Declared } from '../../model/declared.ts';
import { Failure, type Finding, failure } from '../../model/finding.ts';
import { byCodeUnit } from '../../model/key.ts';
import type { PolicyLock, WithdrawnLine } from '../../model/lock.ts';
import { LostReply } from '../aws-calls.ts';
import { codeOf } from '../aws-trouble.ts';
import { each } from '../lanes.ts';
import { named } from '../named.ts';
import type { Timeouts } from '../provider.ts';
import { type Connected, connect } from './connect.ts';
import { CONNECT, decodeDocument, listOf, readDocument } from './document.ts';
import { covers } from './glob.ts';
import { isOurs, principalOf, stackOf } from './marks.ts';
import type { ManagedPolicy, RawDocument } from './snapshot.ts';
import { holdersOf, listAll, orNothing, readPolicy } from './targeted.ts';

/** Lines that shall leave our policies, at once. `anyStack`: those of every stack, since no manifest says whose. */
export type Withdrawal = {
  readonly declared: Declared;
  readonly arns: ReadonlySet<string>;
  readonly anyStack: boolean;
  readonly timeouts?: Timeouts;
};

/**
 * Takes lines out of our policies, and nothing else: what else they allow stays, and policies of others are named and left alone. A
 * policy that is left without a statement goes. Throws a Failure where the policies cannot be read.
 */
export const withdraw = async ({ declared, arns, anyStack, timeouts }: Withdrawal): Promise<PolicyLock> => {
  const connected = await connect(declared, timeouts);
  try {
    const { policies, others } = await naming(connected, arns, (arn) => anyStack || arn.includes(`:policy${declared.iam!.path}`));
    const ours = policies.filter((policy) =>
      anyStack ? stackOf(policy) !== null && principalOf(policy) !== null : isOurs(policy, declared),
    );
    const foreigners = [...others, ...policies.filter((policy) => !ours.includes(policy)).map(({ name }) => name)];
    const settled = await each(ours, (policy) => takeOut(connected, policy, arns));
    const findings = [...settled.flatMap(({ failed }) => failed), ...foreign(foreigners)];
    const removed = settled.flatMap((one) => one.removed).sort((a, b) => byCodeUnit(a.policy, b.policy) || byCodeUnit(a.arn, b.arn));
    const failed = settled.some((one) => one.failed.length > 0);
    return { status: failed ? (removed.length > 0 ? 'partial' : 'failed') : removed.length > 0 ? 'done' : 'unchanged', removed, findings };
  } finally {
    connected.close();
  }
};

/**
 * Customer-managed policies that allow one of the ARNs by name: with their tags where they may be ours, else (`others`) their names. Only
 * what may be ours is asked for one by one: nothing else need be permitted.
 */
const naming = async (connected: Connected, arns: ReadonlySet<string>, mayBeOurs: (arn: string) => boolean) => {
  const candidates = (await allDocuments(connected)) ?? (await allArns(connected));
  const wanted = candidates.filter(({ document }) => document === undefined || linesIn(document, arns).length > 0);
  const read = await each(
    wanted.filter(({ arn }) => mayBeOurs(arn)),
    ({ arn }) => readPolicy(connected, arn),
  );
  return {
    policies: read.flatMap((policy) => (policy && linesIn(policy.document, arns).length > 0 ? [policy] : [])),
    others: wanted.flatMap(({ arn, document }) => (mayBeOurs(arn) || document === undefined ? [] : [arn.slice(arn.lastIndexOf('/') + 1)])),
  };
};

type Candidate = { readonly arn: string; readonly document?: RawDocument };

/** In one list of the account; null where that may not be read. */
const allDocuments = async (connected: Connected): Promise<readonly Candidate[] | null> => {
  try {
    const details = await listAll(
      connected,
      'GetAccountAuthorizationDetails',
      { Filter: ['LocalManagedPolicy'], MaxItems: 1000 },
      ({ Policies }: Iam.GetAccountAuthorizationDetailsCommandOutput) => Policies,
    );
    return details.map(({ Arn: arn = '', PolicyVersionList = [] }) => {
      const text = PolicyVersionList.find(({ IsDefaultVersion }) => IsDefaultVersion)?.Document;
      return text === undefined ? { arn } : { arn, document: decodeDocument(text).document };
    });
  } catch (error) {
    if (codeOf(error) === 'AccessDenied') return null;
    throw error;
  }
};

const allArns = async (connected: Connected): Promise<readonly Candidate[]> => {
  const listed = await listAll(connected, 'ListPolicies', { Scope: 'Local' }, ({ Policies }: Iam.ListPoliciesCommandOutput) => Policies);
  return listed.map(({ Arn: arn = '' }) => ({ arn }));
};

const linesIn = (document: RawDocument, arns: ReadonlySet<string>): readonly string[] =>
  readDocument(document)
    .statements.filter(
      ({ effect, action }) => effect === 'Allow' && action.patterns.some((pattern) => covers(pattern.toLowerCase(), CONNECT)),
    )
    .flatMap(({ resource }) => (resource && !resource.negated ? resource.patterns.filter((pattern) => arns.has(pattern)) : []));

/** The document without the lines; null: nothing is left of it. */
export const documentWithout = (document: RawDocument, arns: ReadonlySet<string>): object | null => {
  const { Statement, ...rest } = document as { readonly Statement?: unknown };
  const kept = (Array.isArray(Statement) ? Statement : [Statement]).flatMap((statement: Readonly<Record<string, unknown>>) => {
    if (statement.Effect !== 'Allow' || statement.Resource === undefined) return [statement];
    const resources = listOf(statement.Resource);
    const left = resources.filter((resource) => !arns.has(resource));
    if (left.length === resources.length) return [statement];
    return left.length === 0 ? [] : [{ ...statement, Resource: left }];
  });
  return kept.length === 0 ? null : { ...rest, Statement: kept };
};

type Taken = { readonly removed: readonly WithdrawnLine[]; readonly failed: readonly Finding[] };

/** Attempts at one policy: between them it is read again, since somebody else may have changed it, or the answer was lost. */
const ATTEMPTS = 3;

const takeOut = async (connected: Connected, policy: ManagedPolicy, arns: ReadonlySet<string>): Promise<Taken> => {
  const lines = linesIn(policy.document, arns);
  const done: Taken = { removed: lines.map((arn) => ({ policy: policy.name, principal: principalOf(policy)!, arn })), failed: [] };
  let now: ManagedPolicy | null = policy;
  for (let attempt = 1; ; attempt++) {
    try {
      await rewrite(connected, now, arns);
      return done;
    } catch (error) {
      if (!(error instanceof Failure) && !(error instanceof LostReply)) throw error;
      const again = error instanceof LostReply || /^(LimitExceeded|DeleteConflict|NoSuchEntity)$/.test(codeOf(error));
      if (!again || attempt === ATTEMPTS) return { removed: [], failed: error instanceof Failure ? error.findings : [lost(policy)] };
      now = await readPolicy(connected, policy.arn);
      if (now === null || linesIn(now.document, arns).length === 0) return done;
    }
  }
};

const lost = ({ name }: ManagedPolicy): Finding => ({
  severity: 'error',
  code: 'aws/lost',
  message: `whether policy '${name}' was changed is not known: AWS did not answer`,
  hint: 'lock once more',
});

const rewrite = async (connected: Connected, policy: ManagedPolicy, arns: ReadonlySet<string>): Promise<void> => {
  const document = documentWithout(policy.document, arns);
  if (document === null) return await remove(connected, policy);
  if (linesIn(document, arns).length > 0)
    throw failure('iam/malformed-policy', `policy '${policy.name}' was written by somebody else, in a form that is not edited`, {
      hint: 'take the line out by hand',
    });
  const PolicyArn = policy.arn;
  const oldest = policy.versions.find(({ isDefault }) => !isDefault);
  if (policy.versions.length >= VERSIONS && oldest) await connected.call('DeletePolicyVersion', { PolicyArn, VersionId: oldest.id });
  await connected.call('CreatePolicyVersion', { PolicyArn, PolicyDocument: JSON.stringify(document), SetAsDefault: true });
};

/** IAM User Guide, "IAM and AWS STS quotas": not to be raised. */
const VERSIONS = 5;

const WORDS = { role: 'Role', user: 'User', group: 'Group' } as const;

/** Nobody has it, then it has one version, then it goes. */
const remove = async (connected: Connected, { arn: PolicyArn, versions }: ManagedPolicy): Promise<void> => {
  for (const { kind, name } of await holdersOf(connected, PolicyArn)) {
    const word = WORDS[kind];
    await orNothing(() => connected.call(`Detach${word}Policy`, { [`${word}Name`]: name, PolicyArn }));
  }
  for (const { id, isDefault } of versions)
    if (!isDefault) await orNothing(() => connected.call('DeletePolicyVersion', { PolicyArn, VersionId: id }));
  await orNothing(() => connected.call('DeletePolicy', { PolicyArn }));
};

const foreign = (policies: readonly string[]): readonly Finding[] =>
  policies.length === 0
    ? []
    : [
        {
          severity: 'warning',
          code: 'lock/foreign-policy',
          message: `${policies.length === 1 ? 'a policy names' : 'policies name'} the user and ${policies.length === 1 ? 'is' : 'are'} not ours: ${named(policies)}; left alone`,
          hint: 'the closed login keeps everybody out all the same',
        },
      ];
