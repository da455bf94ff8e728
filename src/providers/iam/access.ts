import type { Change } from '../../model/change.ts';
import type { Declared } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
import type { DeclaredIam, IamRole, Policy } from '../../model/iam.ts';
import { byCodeUnit, distinct } from '../../model/key.ts';
import type { AccessDelta, AccessItem } from '../../model/plan.ts';
import { connectDocument } from './document.ts';
import { describeWhy, type Evaluation, evaluateConnect } from './evaluate.ts';
import { connectsByPrincipal, namingOf } from './logins.ts';
import type { IamIdentity, ManagedPolicy, Snapshot } from './snapshot.ts';

/** One ARN for one principal, before and after. */
type Verdict = {
  readonly principal: string;
  readonly arn: string;
  readonly login: string;
  readonly before: Evaluation;
  readonly after: Evaluation;
};

/** Who may log in as whom afterwards and not before, or the reverse: by all policies, not by ours alone. Losses first. */
export const access = (snapshot: Snapshot, declared: Declared, changes: readonly Change[]): readonly AccessDelta[] => {
  const verdicts = judge(snapshot, declared, changes);
  const item = (names: readonly string[]): AccessItem[] =>
    names.length === 0 ? [] : [{ what: 'login', privileges: [], names, count: names.length, via: ['direct'] }];
  const folded = new Map<string, AccessDelta>();
  for (const principal of distinct(verdicts.map((one) => one.principal))) {
    const own = verdicts.filter((one) => one.principal === principal);
    const gains = item(distinct(own.filter(({ before, after }) => may(after) && !surely(before)).map(({ login }) => login)));
    const loses = item(distinct(own.filter(({ before, after }) => may(before) && !surely(after)).map(({ login }) => login)));
    if (gains.length + loses.length === 0) continue;
    const key = JSON.stringify([gains, loses]);
    folded.set(key, { users: [...(folded.get(key)?.users ?? []), principal], gains, loses });
  }
  const weight = ({ loses }: AccessDelta): number => (loses.length > 0 ? 0 : 1);
  return [...folded.values()].sort((a, b) => weight(a) - weight(b) || byCodeUnit(a.users[0]!, b.users[0]!));
};

/** Logins that these changes take away and somebody else's policy still gives. */
export const stillAllowed = (snapshot: Snapshot, declared: Declared, changes: readonly Change[]): readonly Finding[] =>
  judge(
    snapshot,
    declared,
    changes.filter(({ risk }) => risk === 'removes' || risk === 'destructive'),
  ).flatMap(({ principal, arn, login, before, after }) =>
    may(before) && surely(after) && !declared.iam!.connects.some(({ arns }) => arns.includes(arn))
      ? [
          {
            severity: 'warning' as const,
            code: 'iam/still-allowed',
            message: `'${principal}' can still log in as '${login}' afterwards: ${after.why.map(describeWhy).join('; ')}`,
            hint: 'that policy is not ours: take it out there',
            source: declared.target.source,
          },
        ]
      : [],
  );

const surely = ({ verdict }: Evaluation): boolean => verdict === 'allowed';
const may = ({ verdict }: Evaluation): boolean => verdict === 'allowed' || verdict === 'unknown';

/** Both sides for every ARN that stands in what changes. */
const judge = (snapshot: Snapshot, declared: Declared, changes: readonly Change[]): readonly Verdict[] => {
  const done = changes.filter((change) => change.blocked === undefined);
  const left = overlay(snapshot, declared, done);
  const naming = namingOf(declared.iam!);
  return [...concerned(snapshot, left, declared.iam!, done)].flatMap(([principal, arns]) => {
    const [before, after] = [snapshot.identities.get(principal), left.identities.get(principal)];
    return distinct(arns).map((arn) => ({
      principal,
      arn,
      login: naming.entry(arn).login ?? arn,
      before: before ? evaluateConnect(before, snapshot, arn) : NOTHING,
      after: after ? evaluateConnect(after, left, arn) : NOTHING,
    }));
  });
};

const NOTHING: Evaluation = { verdict: 'not-allowed', why: [] };

/** ARNs for which something may change, by principal. */
const concerned = (
  snapshot: Snapshot,
  left: Snapshot,
  iam: DeclaredIam,
  changes: readonly Change[],
): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, string[]>();
  const add = (principal: string, policies: readonly (Policy | null)[]): void => {
    found.set(principal, [...(found.get(principal) ?? []), ...policies.flatMap((policy) => policy?.entries.map(({ arn }) => arn) ?? [])]);
  };
  const policies = new Map(changes.flatMap((change) => (change.kind === 'policy' ? [[change.key, change] as const] : [])));
  for (const { before, after } of policies.values()) add((after ?? before)!.principal, [before, after]);
  const connects = connectsByPrincipal(iam);
  for (const change of changes) {
    // A boundary limits what policies give that stay as they are.
    if (change.kind === 'iam_role' && change.before?.boundary !== change.after?.boundary) {
      const key = `role/${change.key}`;
      found.set(key, [...(found.get(key) ?? []), ...(connects.get(key) ?? []).flatMap(({ arns }) => arns)]);
    }
    if (change.kind !== 'attachment') continue;
    const { policy, principal } = (change.after ?? change.before)!;
    const changed = policies.get(policy);
    if (changed) add(principal, [changed.before, changed.after]);
    else found.set(principal, [...(found.get(principal) ?? []), ...arnsOf(snapshot, left, policy)]);
  }
  return found;
};

/** Of a policy whose document stays. */
const arnsOf = (snapshot: Snapshot, left: Snapshot, name: string): readonly string[] => {
  const policy = [...left.policies.values(), ...snapshot.policies.values()].find((one) => one.name === name);
  const statements = (policy?.document as { readonly Statement?: readonly { readonly Resource?: unknown }[] } | null)?.Statement;
  return (Array.isArray(statements) ? statements : []).flatMap(({ Resource }) =>
    (Array.isArray(Resource) ? Resource : [Resource]).map(String),
  );
};

/** The account as the changes leave it. */
const overlay = (snapshot: Snapshot, { iam }: Declared, changes: readonly Change[]): Snapshot => {
  const policies = new Map(snapshot.policies);
  const identities = new Map(snapshot.identities);
  const arnOf = (name: string): string => `arn:${snapshot.partition}:iam::${snapshot.account}:policy${iam!.path}${name}`;
  for (const change of changes) {
    if (change.kind === 'policy') {
      if (change.after) policies.set(arnOf(change.key), policyAfter(arnOf(change.key), change.after, snapshot));
      else policies.delete(arnOf(change.key));
    }
    if (change.kind === 'iam_role') {
      const key = `role/${change.key}`;
      if (!change.after) identities.delete(key);
      else identities.set(key, { ...(identities.get(key) ?? freshRole(change.after)), boundary: change.after.boundary });
    }
  }
  for (const change of changes) {
    if (change.kind !== 'attachment') continue;
    const { policy, principal } = (change.after ?? change.before)!;
    const identity = identities.get(principal);
    if (!identity) continue;
    const others = identity.attached.filter((arn) => arn !== arnOf(policy));
    identities.set(principal, { ...identity, attached: change.after ? [...others, arnOf(policy)] : others });
  }
  return { ...snapshot, policies, identities };
};

const policyAfter = (arn: string, { name, path, entries }: Policy, { policies }: Snapshot): ManagedPolicy => ({
  ...(policies.get(arn) ?? { name, path, arn, versions: [], attachments: 0, tags: {} }),
  document: connectDocument(entries),
});

/** A role as it is when it is made. */
export const freshRole = ({ name, path, boundary, tags }: Pick<IamRole, 'name' | 'path' | 'boundary' | 'tags'>): IamIdentity => ({
  kind: 'role',
  name,
  path,
  arn: '',
  id: '',
  inline: [],
  attached: [],
  boundary,
  groups: [],
  trust: null,
  description: '',
  maxSessionSeconds: null,
  tags,
});
