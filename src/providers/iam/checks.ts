import { callerName } from '../../core/aws.ts';
import { nearest } from '../../core/nearest.ts';
import type { Declared } from '../../model/declared.ts';
import type { Finding, Position } from '../../model/finding.ts';
import type { Policy } from '../../model/iam.ts';
import { connectsByPrincipal } from './logins.ts';
import { isOurs, isUnderPath, stackOf } from './marks.ts';
import { policyName } from './pack.ts';
import type { IamIdentity, ManagedPolicy, Snapshot } from './snapshot.ts';

/** What keeps the policies from being as they shall be: all of it is found before anything is written. */
export const checkAccount = (
  snapshot: Snapshot,
  declared: Declared,
  own: readonly ManagedPolicy[],
  desired: readonly Policy[],
): readonly Finding[] => [
  ...missingPrincipals(snapshot, declared),
  ...othersUnderPath(snapshot, declared),
  ...takenNames(snapshot, declared, own, desired),
  ...leftBehind(snapshot, declared, desired),
  ...fullPrincipals(snapshot, declared, own, desired),
  ...fullAccount(snapshot, declared, own, desired),
  ...partRead(snapshot, declared),
];

/** Declared principals that are not there, and are not made either. */
export const missingPrincipals = (snapshot: Snapshot, { iam }: Declared): readonly Finding[] => {
  const made = new Set(iam!.roles.map(({ name }) => `role/${name}`));
  const unread = new Set(snapshot.unread.map(({ what }) => what));
  return [...connectsByPrincipal(iam!)].flatMap(([principal, [connect]]) => {
    if (made.has(principal) || snapshot.identities.has(principal) || unread.has(`'${principal}'`)) return [];
    const { kind, name } = connect!.principal;
    const meant = nearest(
      name,
      [...snapshot.identities.values()].filter((one) => one.kind === kind).map((one) => one.name),
    );
    return [
      {
        severity: 'error' as const,
        code: 'iam/unknown-principal',
        message: `there is no IAM ${kind} '${name}' in account ${snapshot.account}`,
        hint:
          meant === undefined
            ? `create it${kind === 'role' ? " (or declare it under 'iam.roles')" : ': we create neither IAM users nor groups'}, or correct 'principals'`
            : `did you mean '${kind}/${meant}'?`,
        source: connect!.source,
      },
    ];
  });
};

/** Under our path, and not of this stack: never touched. */
const othersUnderPath = (snapshot: Snapshot, declared: Declared): readonly Finding[] =>
  [...snapshot.policies.values()]
    .filter((policy) => isUnderPath(policy, declared) && !isOurs(policy, declared))
    .map((policy) => {
      const stack = stackOf(policy);
      const whose = stack === null ? 'without our mark' : stack === declared.stack ? 'with half of our mark' : `of stack '${stack}'`;
      return {
        severity: 'warning',
        code: 'iam/not-ours',
        message: `policy '${policy.name}' under '${policy.path}' is ${whose}: it is left alone`,
        hint: 'move it to another path, or delete it',
        source: declared.target.source,
      };
    });

const sourceOf = (declared: Declared, principal: string): Position =>
  connectsByPrincipal(declared.iam!).get(principal)?.[0]?.source ?? declared.target.source;

/** IAM names are unique in an account whatever their path and case. */
const takenNames = (
  snapshot: Snapshot,
  declared: Declared,
  own: readonly ManagedPolicy[],
  desired: readonly Policy[],
): readonly Finding[] => {
  const ours = new Set(own.map(({ name }) => name));
  const taken = new Map(
    [...snapshot.policies.values()].filter((policy) => !isOurs(policy, declared)).map((policy) => [policy.name.toLowerCase(), policy]),
  );
  return desired.flatMap(({ name, principal }) => {
    const other = ours.has(name) ? undefined : taken.get(name.toLowerCase());
    // The name holds the stack and the principal: nobody else's has it by chance.
    if (other?.name === name && !isUnderPath(other, declared)) return [elsewhere(other, principal, declared, 'error')];
    return other && !/^arn:[\w-]+:iam::aws:/.test(other.arn)
      ? [
          {
            severity: 'error' as const,
            code: other.name === name ? 'iam/policy-not-ours' : 'iam/name-case',
            message: `policy '${name}' cannot be made: there is '${other.path}${other.name}', which is not ours, and IAM names are unique whatever their path and case`,
            hint: 'delete that policy, or rename it by making it anew',
            source: sourceOf(declared, principal),
          },
        ]
      : [];
  });
};

/** Policies of this stack where the manifest had its path before: nothing there is changed, and whom they let in they let in. */
const leftBehind = (snapshot: Snapshot, declared: Declared, desired: readonly Policy[]): readonly Finding[] => {
  const told = new Set(desired.map(({ name }) => name));
  return [...snapshot.identities].flatMap(([key, { attached }]) => {
    const name = policyName(key, declared.stack);
    return attached.flatMap((arn) => {
      const policy = snapshot.policies.get(arn);
      const named = policy?.name === name || policy?.name.startsWith(`${name}-`);
      return policy && named && !told.has(policy.name) && !isUnderPath(policy, declared)
        ? [elsewhere(policy, key, declared, 'warning')]
        : [];
    });
  });
};

const elsewhere = ({ name, path }: ManagedPolicy, principal: string, declared: Declared, severity: 'error' | 'warning'): Finding => ({
  severity,
  code: 'iam/other-path',
  message: `policy '${name}' of '${principal}' is at '${path}', and 'iam.path' is '${declared.iam!.path}': it is of this stack by its name, and ${severity === 'error' ? 'cannot be made here as well' : 'is left alone, whatever it allows'}`,
  hint: `write iam.path: ${path}, or take the policies there away first: rolecall destroy --target iam with that path`,
  source: severity === 'error' ? sourceOf(declared, principal) : declared.target.source,
});

const LIMITS = { role: 'attachedPerRole', user: 'attachedPerUser', group: 'attachedPerGroup' } as const;

/** Policies on a principal are few: what it has and what it gets must fit together, as new ones come before old ones go. */
const fullPrincipals = (
  snapshot: Snapshot,
  declared: Declared,
  own: readonly ManagedPolicy[],
  desired: readonly Policy[],
): readonly Finding[] => {
  const ours = new Map(own.map(({ arn, name }) => [arn, name]));
  const wanted = new Map<string, string[]>();
  for (const { principal, name } of desired) wanted.set(principal, [...(wanted.get(principal) ?? []), name]);
  return [...wanted].flatMap(([principal, names]) => {
    const identity = snapshot.identities.get(principal);
    const attached = identity?.attached ?? [];
    const held = attached.flatMap((arn) => ours.get(arn) ?? []);
    const foreign = attached.length - held.length;
    const kind = (identity?.kind ?? principal.split('/')[0]) as IamIdentity['kind'];
    const limit = snapshot.quotas[LIMITS[kind]];
    const peak = foreign + new Set([...held, ...names]).size;
    const added = names.filter((name) => !held.includes(name)).length;
    if (added === 0 || peak <= limit) return [];
    return [
      {
        severity: 'error' as const,
        code: 'iam/attachments-full',
        message: `'${principal}' has ${attached.length} managed policies, at most ${limit} are allowed, and ${added} of ours ${added === 1 ? 'is' : 'are'} to be added`,
        hint: 'merge some of its policies or make them inline, or ask for a higher quota (AttachedPoliciesPer…)',
        source: sourceOf(declared, principal),
      },
    ];
  });
};

const fullAccount = (
  { quotas: { policies } }: Snapshot,
  { target }: Declared,
  own: readonly ManagedPolicy[],
  desired: readonly Policy[],
): readonly Finding[] => {
  const names = new Set(own.map(({ name }) => name));
  const added = desired.filter(({ name }) => !names.has(name)).length;
  if (policies === null || added === 0 || policies.used + added <= policies.limit) return [];
  return [
    {
      severity: 'error',
      code: 'iam/policies-full',
      message: `the account has ${policies.used} policies, at most ${policies.limit} are allowed, and ${added} of ours ${added === 1 ? 'is' : 'are'} to be added`,
      hint: 'delete policies that nobody has, or ask for a higher quota (PoliciesQuota)',
      source: target.source,
    },
  ];
};

/** What of the account was read, where that is not all of it. */
export const partRead = (snapshot: Snapshot, { target }: Declared): readonly Finding[] =>
  snapshot.whole
    ? []
    : [
        {
          severity: 'note',
          code: 'iam/part-read',
          message: `only the declared principals and our own policies were read: ${callerName(snapshot.caller)} may not do iam:GetAccountAuthorizationDetails`,
          hint: 'allow it to see who else can log in: {"Effect":"Allow","Action":"iam:GetAccountAuthorizationDetails","Resource":"*"}',
          source: target.source,
        },
      ];
