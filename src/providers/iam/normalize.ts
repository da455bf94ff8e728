import { canonicalJson } from '../../core/canonical.ts';
import type { Cause } from '../../model/change.ts';
import type { Declared } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
import { type Attachment, type DeclaredIam, type IamRole, type Policy, principalKey } from '../../model/iam.ts';
import { byCodeUnit, distinct } from '../../model/key.ts';
import type { About, Normal } from '../../model/normal.ts';
import { checkAccount } from './checks.ts';
import { readConnectDocument, sameDocument } from './document.ts';
import { expiryOf, type IsExpired, isExpiry, stillAttached, withoutExpired } from './expired.ts';
import { connectsByPrincipal, isForgotten, linesByPrincipal, type Naming, namingOf } from './logins.ts';
import { foreignTags, isOurs, principalOf, stackOf } from './marks.ts';
import { packEntries } from './pack.ts';
import type { IamIdentity, ManagedPolicy, Snapshot } from './snapshot.ts';
import { trustDocument } from './trust.ts';
import { verified } from './verified.ts';

/**
 * Policies, attachments and roles of ours as they are and as they shall be; nothing of anybody else's is compared. With `only: 'expired'`
 * policies shall lose the logins whose `until` has passed, and nothing else shall be otherwise than it is.
 */
export const normalize = (snapshot: Snapshot, declared: Declared, only?: Cause): Normal => {
  const { iam } = declared;
  if (!iam) return nothing([]);
  if (iam.mode !== 'manage') return nothing([...verified(snapshot, declared)]);
  const own = ownPolicies(snapshot, declared);
  const naming = namingOf(iam);
  const roles = rolesOf(snapshot, declared, iam);
  const actual = {
    policy: byName(own.map((policy) => actualPolicy(policy, naming))),
    attachment: actualAttachments(snapshot, own),
    iam_role: roles.actual,
  };
  const isExpired = expiryOf(iam);
  const wanted =
    only === 'expired'
      ? withoutExpired(actual.policy.values(), isExpired)
      : desiredPolicies(snapshot, declared, iam, own, actual.policy.values(), naming);
  const policy = byName(wanted);
  const desired =
    only === 'expired'
      ? { policy, attachment: stillAttached(actual.attachment, policy), iam_role: roles.actual }
      : { policy, attachment: byPair(wanted.map(({ name, principal }) => ({ policy: name, principal }))), iam_role: roles.desired };

  return {
    ...nothing([...checkAccount(snapshot, declared, own, wanted), ...roles.findings, ...staying(iam, wanted)]),
    actual,
    desired,
    about: aboutOf(snapshot, iam, { actual, desired }, roles, isExpired),
  };
};

/** What stays of users that are forgotten, and how it goes. */
const staying = (iam: DeclaredIam, policies: readonly Policy[]): Finding[] =>
  (iam.forgotten ?? []).flatMap((one) => {
    const lines = policies.filter(({ entries }) => entries.some((entry) => isForgotten({ ...iam, forgotten: [one] }, entry)));
    if (lines.length === 0) return [];
    const principals = distinct(lines.map(({ principal }) => principal)).join(', ');
    return [
      {
        severity: 'note',
        code: 'iam/forgotten',
        message: `'${one.user}' on target '${one.target}' is forgotten, and policies of ours still let in as it: ${principals}`,
        hint: "whoever takes the user over declares its principals; after that apply take it out of 'removed', and these lines go",
        source: one.source,
      },
    ];
  });

const nothing = (findings: readonly Finding[]): Normal => ({
  actual: {},
  desired: {},
  about: new Map(),
  reality: { roles: new Map(), memberships: [], objects: [] },
  findings,
  matches: [],
});

/** Our policies of the account, by name. */
const ownPolicies = (snapshot: Snapshot, declared: Declared): readonly ManagedPolicy[] =>
  [...snapshot.policies.values()].filter((policy) => isOurs(policy, declared)).sort((a, b) => byCodeUnit(a.name, b.name));

const byName = (policies: readonly Policy[]): ReadonlyMap<string, Policy> => new Map(policies.map((policy) => [policy.name, policy]));

const attachmentKey = ({ policy, principal }: Attachment): string => `${policy} on ${principal}`;
const byPair = (pairs: readonly Attachment[]): ReadonlyMap<string, Attachment> => new Map(pairs.map((pair) => [attachmentKey(pair), pair]));

const actualPolicy = (policy: ManagedPolicy, naming: Naming): Policy => {
  const { arns, foreign } = readConnectDocument(policy.document);
  return { name: policy.name, path: policy.path, principal: principalOf(policy)!, entries: arns.map(naming.entry), foreign };
};

const actualAttachments = (snapshot: Snapshot, own: readonly ManagedPolicy[]): ReadonlyMap<string, Attachment> => {
  const names = new Map(own.map(({ arn, name }) => [arn, name]));
  return byPair(
    [...snapshot.identities.values()].flatMap((identity) =>
      identity.attached.flatMap((arn) => (names.has(arn) ? [{ policy: names.get(arn)!, principal: principalKey(identity) }] : [])),
    ),
  );
};

const desiredPolicies = (
  { quotas }: Snapshot,
  { stack }: Declared,
  iam: DeclaredIam,
  own: readonly ManagedPolicy[],
  actual: Iterable<Policy>,
  naming: Naming,
): readonly Policy[] => {
  const existing = new Map<string, Set<string>>();
  for (const policy of own) {
    const principal = principalOf(policy)!;
    existing.set(principal, (existing.get(principal) ?? new Set()).add(policy.name));
  }
  return [...linesByPrincipal(iam, actual, naming)].flatMap(([principal, entries]) => {
    return packEntries(principal, entries, {
      stack,
      path: iam.path,
      policySize: quotas.policySize,
      existing: existing.get(principal) ?? new Set(),
    });
  });
};

type Roles = {
  readonly actual: ReadonlyMap<string, IamRole>;
  readonly desired: ReadonlyMap<string, IamRole>;
  readonly findings: readonly Finding[];
};

/** Roles with our mark, and those that shall be. One of that name without our mark stays whose it is. */
const rolesOf = (snapshot: Snapshot, declared: Declared, iam: DeclaredIam): Roles => {
  const ours = [...snapshot.identities.values()].filter((one) => one.kind === 'role' && stackOf(one) === declared.stack);
  const desired = iam.roles.map(
    (role): IamRole => ({
      name: role.name,
      path: role.path,
      trust: canonicalJson(trustDocument(role.trust, snapshot.account, snapshot.partition)),
      boundary: role.boundary,
      description: role.description,
      maxSessionSeconds: role.maxSessionSeconds,
      tags: role.tags,
    }),
  );
  const wanted = new Map(desired.map((role) => [role.name, role]));
  return {
    actual: new Map(ours.map((role) => [role.name, actualRole(role, wanted.get(role.name))])),
    desired: wanted,
    findings: iam.roles.flatMap((role) => {
      const there = snapshot.identities.get(`role/${role.name}`);
      const refuse = (slug: string, message: string, hint: string): Finding[] => [
        { severity: 'error', code: `iam/${slug}`, message, hint, source: role.source },
      ];
      if (there && stackOf(there) !== declared.stack)
        return refuse(
          'role-not-ours',
          `role '${role.name}' exists and ${stackOf(there) === null ? 'is not ours' : `belongs to stack '${stackOf(there)}'`}: IAM roles are never taken over`,
          "take it out of 'iam.roles' (a principal need not be declared there), or choose another name",
        );
      if (there && there.path !== role.path)
        return refuse(
          'role-path',
          `role '${role.name}' has the path '${there.path}', '${role.path}' is declared, and a role cannot be moved`,
          `write path: ${there.path}, or choose another name`,
        );
      const other = [...snapshot.identities.values()].find(
        (one) => one.kind === 'role' && one.name !== role.name && one.name.toLowerCase() === role.name.toLowerCase(),
      );
      return other
        ? refuse(
            'name-case',
            `role '${role.name}' cannot be made: there is '${other.name}', and IAM names differ by more than case`,
            'choose another name',
          )
        : [];
    }),
  };
};

/** Documents that mean the same are the same; what only GetRole tells, and may not be read, is taken as it shall be. */
const actualRole = (role: IamIdentity, wanted: IamRole | undefined): IamRole => ({
  name: role.name,
  path: role.path,
  trust: wanted && sameDocument(role.trust, JSON.parse(wanted.trust)) ? wanted.trust : canonicalJson(role.trust),
  boundary: role.boundary,
  description: role.maxSessionSeconds === null ? (wanted?.description ?? '') : role.description,
  maxSessionSeconds: role.maxSessionSeconds ?? wanted?.maxSessionSeconds ?? 3600,
  tags: foreignTags(role.tags),
});

type Compared = Pick<Normal, 'actual' | 'desired'>;

/** Where each change is written, that it comes from what is no longer declared, and what stands in its way. */
const aboutOf = (
  snapshot: Snapshot,
  iam: DeclaredIam,
  { actual, desired }: Compared,
  roles: Roles,
  isExpired: IsExpired,
): ReadonlyMap<string, About> => {
  const connects = connectsByPrincipal(iam);
  const expired = new Map([...iam.expired].reverse().map((login) => [principalKey(login.principal), login.source]));
  const unread = new Map(snapshot.unread.map(({ what, reason }) => [what, reason]));
  const about = new Map<string, About>();
  const hasExpired = (policy: string): boolean => isExpiry(actual.policy?.get(policy), desired.policy?.get(policy), isExpired);
  const principalAbout = (principal: string, because: boolean): About => {
    const reason = unread.get(`'${principal}'`);
    const [first] = connects.get(principal) ?? [];
    return {
      ...(because
        ? { cause: 'expired' as const, source: expired.get(principal)! }
        : first
          ? { source: first.source }
          : { cause: 'absent' as const }),
      ...(reason === undefined ? {} : { blocked: `'${principal}' could not be read: ${reason}` }),
    };
  };
  for (const policies of [actual.policy, desired.policy]) {
    for (const { name, principal } of policies?.values() ?? []) about.set(`policy ${name}`, principalAbout(principal, hasExpired(name)));
  }
  for (const pairs of [actual.attachment, desired.attachment]) {
    for (const pair of pairs?.values() ?? []) {
      const owner = (desired.policy?.get(pair.policy) ?? actual.policy?.get(pair.policy))?.principal ?? pair.principal;
      const goes = !desired.policy?.has(pair.policy);
      about.set(`attachment ${attachmentKey(pair)}`, principalAbout(owner, goes && hasExpired(pair.policy)));
    }
  }
  for (const { name, source } of iam.roles) about.set(`iam_role ${name}`, { source });
  for (const name of roles.actual.keys()) {
    if (roles.desired.has(name)) continue;
    const blocked = heldBy(snapshot, name, new Set(actual.policy?.keys()));
    about.set(`iam_role ${name}`, { cause: 'absent', ...(blocked === null ? {} : { blocked }) });
  }
  return about;
};

/** What is on a role of ours that is not ours: it would go with the role, or keep it from going. */
const heldBy = (snapshot: Snapshot, name: string, own: ReadonlySet<string>): string | null => {
  const role = snapshot.identities.get(`role/${name}`)!;
  const attached = role.attached.map((arn) => arn.slice(arn.lastIndexOf('/') + 1)).filter((policy) => !own.has(policy));
  const foreign = [...attached, ...role.inline.map((policy) => policy.name)];
  if (foreign.length === 0) return null;
  return `role '${name}' has ${foreign.length === 1 ? 'a policy' : 'policies'} of somebody else: ${foreign.slice(0, 5).join(', ')}${foreign.length > 5 ? ', …' : ''}`;
};
