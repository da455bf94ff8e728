import type { Declared } from '../../../src/model/declared.ts';
import type { DeclaredConnect, DeclaredIam } from '../../../src/model/iam.ts';
import type { Place } from '../../../src/model/place.ts';
import type { IamIdentity, ManagedPolicy, Snapshot } from '../../../src/providers/iam/snapshot.ts';
import { declaredOf, targetOf } from '../declared.ts';

export const ACCOUNT = '123456789012';

/** An identity without anything, and what is different about it. */
export const identity = (key: string, rest: Partial<IamIdentity> = {}): IamIdentity => {
  const [kind, name] = key.split('/') as [IamIdentity['kind'], string];
  const path = rest.path ?? '/';
  return {
    kind,
    name,
    path,
    arn: `arn:aws:iam::${ACCOUNT}:${kind}${path}${name}`,
    id: `${{ role: 'AROA', user: 'AIDA', group: 'AGPA' }[kind]}EXAMPLE${name.toUpperCase()}`,
    inline: [],
    attached: [],
    boundary: null,
    groups: [],
    trust: null,
    description: '',
    maxSessionSeconds: null,
    tags: {},
    ...rest,
  };
};

/** The ARN of a customer-managed policy. */
export const policyArn = (name: string, path = '/'): string => `arn:aws:iam::${ACCOUNT}:policy${path}${name}`;

export const managed = (name: string, document: unknown, path = '/'): ManagedPolicy => ({
  name,
  path,
  arn: policyArn(name, path),
  document,
  versions: [{ id: 'v1', isDefault: true }],
  attachments: 1,
  tags: {},
});

/** An account of these identities and policies. */
export const account = (
  identities: readonly IamIdentity[],
  policies: readonly ManagedPolicy[] = [],
  rest: Partial<Snapshot> = {},
): Snapshot => ({
  partition: 'aws',
  account: ACCOUNT,
  caller: `arn:aws:iam::${ACCOUNT}:role/rolecall`,
  whole: true,
  identities: new Map(identities.map((each) => [`${each.kind}/${each.name}`, each])),
  policies: new Map(policies.map((each) => [each.arn, each])),
  quotas: { policySize: 6144, versionsPerPolicy: 5, attachedPerRole: 10, attachedPerUser: 10, attachedPerGroup: 10, policies: null },
  unread: [],
  ...rest,
});

/** A statement, Allow of rds-db:connect unless said otherwise. */
export const statement = (resource: unknown, rest: object = {}): object => ({
  Effect: 'Allow',
  Action: 'rds-db:connect',
  Resource: resource,
  ...rest,
});

export const policy = (...statements: object[]): object => ({ Version: '2012-10-17', Statement: statements });

export const inline = (...statements: object[]): Partial<IamIdentity> => ({
  inline: [{ name: 'inline', document: policy(...statements) }],
});

/** An Aurora cluster in eu-west-1. */
export const place = (id: string, rest: Partial<Place> = {}): Place => ({
  kind: 'cluster',
  identifier: 'orders-prod',
  partition: 'aws',
  region: 'eu-west-1',
  account: ACCOUNT,
  resources: [{ id, region: 'eu-west-1' }],
  proxies: [],
  members: {},
  iamAuthentication: true,
  iamPending: false,
  masterUser: 'postgres',
  masterIam: false,
  engine: 'aurora-postgresql',
  version: '17.4',
  certificates: [],
  ...rest,
});

export const connect = (principal: string, target: string, user: string, arns: readonly string[]): DeclaredConnect => {
  const [kind, name] = principal.split('/') as [DeclaredConnect['principal']['kind'], string];
  return { principal: { kind, name }, target, user, arns, source: { file: 'access.yaml', line: 7, column: 3 } };
};

const declaredIam = (rest: Partial<DeclaredIam> = {}): DeclaredIam => ({
  account: ACCOUNT,
  path: '/rolecall/acme/access/prod/',
  mode: 'manage',
  roles: [],
  connects: [],
  places: new Map([['orders', place('cluster-ABC')]]),
  logins: null,
  flips: new Set(),
  expired: [],
  ...rest,
});

/** The manifest, for the IAM account. */
export const declared = (rest: Partial<DeclaredIam> = {}, rules: Declared['guards']['rules'] = {}): Declared => {
  const target = targetOf({ name: 'iam', engine: 'iam', endpoint: { kind: 'aws' }, login: { auth: 'iam' }, maintenanceDatabase: '' });
  const guards = { protected: [], maxRemovals: null, rules };
  return declaredOf(target, { stack: 'acme/access/prod', iam: declaredIam(rest), guards });
};

/** The ARN of a user of the cluster `cluster-ABC`, or of another resource. */
export const dbuser = (user: string, resource = 'cluster-ABC', region = 'eu-west-1'): string =>
  `arn:aws:rds-db:${region}:${ACCOUNT}:dbuser:${resource}/${user}`;
