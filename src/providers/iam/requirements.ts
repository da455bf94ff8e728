import type { Partition } from '../../model/place.ts';
import { applyAlarmRequirements, planAlarmRequirements, type WatchScope } from './requirements-alarms.ts';

/** What somebody needs in AWS, and what for. `resources` are as narrow as IAM can have them. */
export type Requirement = {
  readonly sid: string;
  readonly why: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
};

/**
 * Whom the requirements are for. `servers`: RDS is asked where some target is.
 * `path`: of our policies, `/…/`; null: nothing of IAM is ours.
 * `roles`: paths of roles that the manifest makes; empty: it makes none.
 * `boundary`: ARN of a permissions boundary that every principal has which is changed; null: none is asked for.
 * `logins`: ARNs of what Rolecall itself logs in as. `secrets`: ARNs of those of Secrets Manager that are looked up.
 * `watch`: the alarms; null: there are none.
 */
export type Scope = {
  readonly partition: Partition;
  readonly account: string;
  readonly servers: boolean;
  readonly path: string | null;
  readonly roles: readonly string[];
  readonly boundary: string | null;
  readonly logins: readonly string[];
  readonly secrets: readonly string[];
  readonly watch: WatchScope | null;
};

/** What `plan` needs: nothing of it changes anything. */
export const planRequirements = (scope: Scope): readonly Requirement[] => {
  const { partition, account, servers, path, logins, secrets, watch } = scope;
  const arn = (service: string, resource: string): string => `arn:${partition}:${service}:${resource}`;
  return [
    ...(servers || watch !== null ? findServers(arn, account) : []),
    ...(path === null ? [] : readAccount(path, arn, account)),
    ...(watch === null ? [] : planAlarmRequirements(watch, scope)),
    ...(logins.length === 0
      ? []
      : [{ sid: 'LogIn', why: 'logs in to the servers by IAM', actions: ['rds-db:connect'], resources: logins }]),
    ...(secrets.length === 0
      ? []
      : [
          {
            sid: 'ReadSecrets',
            why: 'looks up passwords. Of secrets under a KMS key of your own it needs kms:Decrypt on that key besides, which the manifest does not name',
            actions: ['secretsmanager:GetSecretValue'],
            resources: secrets.map(secretResource),
          },
        ]),
  ];
};

/** Alarms ask RDS for the servers that they watch, however a target names its own. */
const findServers = (arn: (service: string, resource: string) => string, account: string): readonly Requirement[] => [
  {
    sid: 'FindServers',
    why: 'finds endpoints, resource ids and whether IAM authentication is on; wider than the targets, so that a mistyped name finds the right one',
    actions: [
      'rds:DescribeDBClusters',
      'rds:DescribeDBInstances',
      'rds:DescribeDBProxies',
      'rds:DescribeDBProxyTargets',
      'rds:DescribeGlobalClusters',
    ],
    resources: [
      arn('rds', `*:${account}:cluster:*`),
      arn('rds', `*:${account}:db:*`),
      arn('rds', `*:${account}:db-proxy:*`),
      arn('rds', `*:${account}:target-group:*`),
      arn('rds', `:${account}:global-cluster:*`),
    ],
  },
];

/** Who can log in, and by which policies. */
const readAccount = (path: string, arn: (service: string, resource: string) => string, account: string): readonly Requirement[] => [
  {
    sid: 'ReadAccount',
    why: 'reads the whole account in one go: who else can log in. Without it only the declared principals are read',
    actions: ['iam:GetAccountAuthorizationDetails', 'iam:GetAccountSummary', 'iam:ListPolicies'],
    resources: ['*'],
  },
  {
    sid: 'ReadPrincipals',
    why: 'reads the declared principals',
    actions: [
      'iam:GetGroup',
      'iam:GetGroupPolicy',
      'iam:GetRole',
      'iam:GetRolePolicy',
      'iam:GetUser',
      'iam:GetUserPolicy',
      'iam:ListAttachedGroupPolicies',
      'iam:ListAttachedRolePolicies',
      'iam:ListAttachedUserPolicies',
      'iam:ListGroupPolicies',
      'iam:ListGroupsForUser',
      'iam:ListRolePolicies',
      'iam:ListUserPolicies',
    ],
    resources: ['role', 'user', 'group'].map((kind) => arn('iam', `:${account}:${kind}/*`)),
  },
  {
    sid: 'ReadPolicies',
    why: `reads our policies under ${path}, and those that the principals have besides`,
    actions: ['iam:GetPolicy', 'iam:GetPolicyVersion', 'iam:ListEntitiesForPolicy', 'iam:ListPolicyTags', 'iam:ListPolicyVersions'],
    resources: [arn('iam', `:${account}:policy/*`), arn('iam', ':aws:policy/*')],
  },
];

/** The ARN of a secret ends with six characters that AWS adds; in a reference they may be left out. */
const secretResource = (arn: string): string => (/-[A-Za-z0-9]{6}$/.test(arn) ? arn : `${arn}-??????`);

/** What `prove` needs: to find servers, to read who is expected to log in, and to be them. `assumes`: ARNs of the roles that `expect` names. */
export const proveRequirements = (scope: Scope, assumes: readonly string[]): readonly Requirement[] => {
  const { partition } = scope;
  const shared = planRequirements({ ...scope, watch: null });
  const of = (...sids: readonly string[]): readonly Requirement[] => shared.filter(({ sid }) => sids.includes(sid));
  return [
    ...of('FindServers', 'ReadPrincipals'),
    {
      sid: 'ReadPolicies',
      why: 'reads the policies that these principals have: why somebody was kept out, or let in',
      actions: ['iam:GetPolicy', 'iam:GetPolicyVersion', 'iam:ListPolicyVersions'],
      resources: [`arn:${partition}:iam::${scope.account}:policy/*`, `arn:${partition}:iam::aws:policy/*`],
    },
    ...(assumes.length === 0
      ? []
      : [
          {
            sid: 'AssumePrincipals',
            why: "logs in as the principals that 'expect' names; their trust policies have to name whoever runs this as well",
            actions: ['sts:AssumeRole'],
            resources: assumes,
          },
        ]),
    ...of('LogIn', 'ReadSecrets'),
  ];
};

/** What `apply` needs: what `plan` does, and to change what is ours. */
export const applyRequirements = (scope: Scope): readonly Requirement[] => {
  const { path, watch } = scope;
  return [
    ...planRequirements(scope),
    ...(path === null ? [] : writeAccount(path, scope)),
    ...(watch === null ? [] : applyAlarmRequirements(watch, scope)),
  ];
};

/** Our policies, who has them, and our roles. */
const writeAccount = (path: string, scope: Scope): readonly Requirement[] => {
  const { partition, account, boundary } = scope;
  const iam = (resource: string): string => `arn:${partition}:iam::${account}:${resource}`;
  const bounded = boundary === null ? {} : { StringEquals: { 'iam:PermissionsBoundary': boundary } };
  // a group has no boundary: where one is asked for, nothing is attached to groups
  const kinds = boundary === null ? (['Role', 'User', 'Group'] as const) : (['Role', 'User'] as const);
  return [
    {
      sid: 'WritePolicies',
      why: `makes and changes policies under ${path}, and nowhere else`,
      actions: ['iam:CreatePolicy', 'iam:CreatePolicyVersion', 'iam:DeletePolicy', 'iam:DeletePolicyVersion', 'iam:TagPolicy'],
      resources: [iam(`policy${path}*`)],
    },
    {
      sid: 'AttachPolicies',
      why: 'gives our policies, and no others, to principals',
      actions: kinds.flatMap((kind) => [`iam:Attach${kind}Policy`, `iam:Detach${kind}Policy`]),
      resources: kinds.map((kind) => iam(`${kind.toLowerCase()}/*`)),
      conditions: { ArnLike: { 'iam:PolicyARN': iam(`policy${path}*`) }, ...bounded },
    },
    ...roleRequirements(scope, iam, bounded),
  ];
};

/** The document of a policy with these requirements. */
export const requirementsDocument = (requirements: readonly Requirement[]): object => ({
  Version: '2012-10-17',
  Statement: requirements.map(({ sid, actions, resources, conditions }) => ({
    Sid: sid,
    Effect: 'Allow',
    Action: actions,
    Resource: resources,
    ...(conditions ? { Condition: conditions } : {}),
  })),
});

/** What the path of a policy cannot keep anybody from: said wherever the requirements of apply are shown. */
export const applyCaveat = ({ boundary }: Pick<Scope, 'boundary'>): string =>
  boundary === null
    ? 'whoever may apply is an administrator in effect: what a policy under our path says is not restricted, and it can be attached to any principal, the one that applies among them. Only a permissions boundary on the principals sets a limit'
    : `whoever may apply can give principals whatever the boundary '${boundary}' allows: it must not allow to change IAM, and the role that applies must not be able to change or leave the boundary; nothing is attached to groups, which have no boundary`;

const roleRequirements = (
  { roles, boundary }: Scope,
  iam: (resource: string) => string,
  bounded: Requirement['conditions'] & object,
): readonly Requirement[] => {
  if (roles.length === 0) return [];
  const resources = roles.map((path) => iam(`role${path}*`));
  const made = ['iam:CreateRole', 'iam:PutRolePermissionsBoundary'];
  const changed = ['iam:DeleteRole', 'iam:TagRole', 'iam:UntagRole', 'iam:UpdateAssumeRolePolicy', 'iam:UpdateRole'];
  const free = boundary === null ? ['iam:DeleteRolePermissionsBoundary'] : [];
  return [
    {
      sid: 'MakeRoles',
      why: boundary === null ? 'makes the roles of the manifest' : 'makes the roles of the manifest, with the boundary and not without',
      actions: made,
      resources,
      ...(boundary === null ? {} : { conditions: bounded }),
    },
    { sid: 'ChangeRoles', why: 'changes and removes the roles of the manifest', actions: [...changed, ...free].sort(), resources },
  ];
};
