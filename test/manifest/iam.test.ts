import { describe, expect, test } from 'vitest';
import { declaredPlace } from '../../src/core/declared-place.ts';
import { declareIam } from '../../src/manifest/declare-iam.ts';
import { type DeclaredIamRole, principalKey } from '../../src/model/iam.ts';
import { declared, valid, withoutSources } from './small.ts';

const AS_OF = { asOf: '2026-07-01T12:00:00Z' };
const TWO = `version: 1
stack: acme/access
targets:
  main: { engine: postgres, rds: { cluster: orders, region: eu-west-1 }, proxies: [front], login: { user: rolecall }, databases: [orders] }
  other: { engine: postgres, rds: { instance: billing, region: eu-west-1 }, login: { user: rolecall } }
`;
const account = (text: string, options = AS_OF) => declareIam(valid(text), options);
const logins = (users: string, options = AS_OF): string[] =>
  (account(`${TWO}iam: {}\nusers:\n${users}`, options)?.iam.connects ?? []).map(
    ({ principal, target, user, via }) => `${principalKey(principal)} → ${target}/${user}${via === 'direct' ? '' : ` ${via}`}`,
  );

describe('a target', () => {
  const on = (target: string, iam = '') =>
    declared(
      `version: 1\nstack: acme/access\n${iam}targets:\n  main: { engine: postgres, ${target}, login: { user: x } }\nusers:\n  jane: {}\n`,
    ).target;

  test.each<[string, string, object]>([
    ['cluster', 'rds: { cluster: orders, region: eu-west-1 }', { kind: 'cluster', identifier: 'orders', region: 'eu-west-1', proxies: [] }],
    [
      'instance with proxies, of an account',
      'rds: { instance: orders, region: eu-west-1, account: "123456789012" }, proxies: [b, a]',
      { kind: 'instance', identifier: 'orders', region: 'eu-west-1', account: '123456789012', proxies: ['a', 'b'] },
    ],
    [
      'proxy behind a tunnel, with an authority of its own',
      'rds: { proxy: orders, region: eu-west-1, via: { host: localhost, port: 15432 }, ca: ./ca.pem }',
      { kind: 'proxy', identifier: 'orders', region: 'eu-west-1', proxies: [], via: { host: 'localhost', port: 15432 }, ca: './ca.pem' },
    ],
    [
      'cluster that a role is assumed for',
      'rds: { cluster: orders, region: eu-west-1, assume_role: "arn:aws:iam::123456789012:role/plan" }',
      {
        kind: 'cluster',
        identifier: 'orders',
        region: 'eu-west-1',
        account: '123456789012',
        assumeRole: { arn: 'arn:aws:iam::123456789012:role/plan' },
        proxies: [],
      },
    ],
    [
      'cluster that a role with an ExternalId is assumed for',
      'rds: { cluster: orders, region: eu-west-1, assume_role: { arn: "arn:aws:iam::123456789012:role/plan", external_id: acme } }',
      {
        kind: 'cluster',
        identifier: 'orders',
        region: 'eu-west-1',
        account: '123456789012',
        assumeRole: { arn: 'arn:aws:iam::123456789012:role/plan', externalId: 'acme' },
        proxies: [],
      },
    ],
  ])('of rds is a %s', (_name, written, expected) => {
    const { endpoint, rds, place } = on(written);
    expect(endpoint).toEqual({ kind: 'rds' });
    expect(rds).toEqual(expected);
    expect(place).toBeUndefined();
  });

  test('is in the account of the manifest, unless it says one', () => {
    expect(on('rds: { cluster: orders, region: eu-west-1 }', 'iam: { account: "123456789012" }\n').rds?.account).toBe('123456789012');
  });

  test('at an endpoint has a place where region, account and resource are known', () => {
    const target = on(
      'endpoint: { host: db, region: cn-north-1, resource_id: db-ABC, via: { host: h, port: 1 } }',
      'iam: { account: "123456789012" }\n',
    );
    expect(target.endpoint).toEqual({
      kind: 'explicit',
      host: 'db',
      port: 5432,
      tls: 'verify-full',
      via: { host: 'h', port: 1 },
      aws: { region: 'cn-north-1', account: '123456789012', resourceId: 'db-ABC' },
    });
    expect(declaredPlace(target)).toMatchObject({
      kind: 'instance',
      identifier: 'db',
      partition: 'aws-cn',
      region: 'cn-north-1',
      account: '123456789012',
      resources: [{ id: 'db-ABC', region: 'cn-north-1' }],
      iamAuthentication: null,
    });
  });

  test.each([
    ['endpoint: env', 'env', undefined],
    ['endpoint: { host: db.example.com }', 'explicit', undefined],
    ['endpoint: { host: Orders.cluster-c1.EU-West-1.rds.amazonaws.com }', 'explicit', { region: 'eu-west-1' }],
    ['endpoint: { host: orders.c1.cn-north-1.rds.amazonaws.com.cn }', 'explicit', { region: 'cn-north-1' }],
    ['endpoint: { host: orders.c1.rds.cn-north-1.amazonaws.com.cn }', 'explicit', { region: 'cn-north-1' }],
    ['endpoint: { host: db, region: eu-west-1, resource_id: prx-0a }', 'explicit', { region: 'eu-west-1', resourceId: 'prx-0a' }],
  ])('at %s has no place, and says of it what is known', (written, kind, aws) => {
    const target = on(written);
    expect(target.endpoint.kind).toBe(kind);
    expect(target.endpoint.kind === 'explicit' ? target.endpoint.aws : undefined).toEqual(aws);
    expect(declaredPlace(target)).toBeNull();
  });
});

describe('a user', () => {
  test('has the principals that may log in as it, in order, and the way its clients come', () => {
    const { roles } = declared(
      `${TWO}iam: {}\nusers:\n  jane: { targets: [main], auth: iam, principals: [user/jane, "arn:aws:iam::123456789012:role/team/app", group/dba] }\n  app: { targets: [main], via: proxy-secret, principals: [role/app] }\n`,
    );
    expect(roles.get('jane')).toMatchObject({
      via: 'direct',
      principals: [
        { kind: 'group', name: 'dba' },
        { kind: 'role', name: 'app' },
        { kind: 'user', name: 'jane' },
      ],
    });
    expect(roles.get('app')).toMatchObject({ via: 'proxy-secret', auth: 'password', principals: [{ kind: 'role', name: 'app' }] });
  });

  test('has no principals on a target where it has a password', () => {
    const { roles } = declared(
      `${TWO}iam: {}\nusers:\n  jane: { auth: iam, principals: [user/jane], targets: { other: {}, main: { auth: password } } }\n`,
    );
    expect(roles.get('jane')).toMatchObject({ auth: 'password', principals: [] });
  });
});

describe('the account', () => {
  test.each([
    ['nothing of it', '', 'jane: { targets: [main], auth: iam }', false],
    ['a section', 'iam: {}\n', 'jane: { targets: [main], auth: iam }', true],
    ['principals', '', 'jane: { targets: [main], auth: iam, principals: [user/jane] }', true],
    ['principals of one target', '', 'jane: { targets: { main: { auth: iam, principals: [user/jane] } } }', true],
  ])('is part of a manifest that has %s', (_name, section, user, expected) => {
    expect(account(`${TWO}${section}users:\n  ${user}\n`) !== null).toBe(expected);
  });

  test('is a target of its own', () => {
    const found = account(
      `${TWO}iam: { account: "123456789012", mode: verify }\nguard: { max_removals: 3 }\nusers:\n  jane: { targets: [main] }\n`,
    );
    expect(withoutSources(found)).toEqual({
      stack: 'acme/access',
      asOf: '2026-07-01T12:00:00Z',
      target: {
        name: 'iam',
        engine: 'iam',
        endpoint: { kind: 'aws' },
        login: { auth: 'iam' },
        databases: null,
        maintenanceDatabase: '',
        defaultsFor: {},
        manage: 'exact',
      },
      roles: [],
      memberships: [],
      settings: [],
      grants: [],
      ownerships: [],
      defaults: [],
      publics: [],
      removed: [],
      existing: [],
      iam: { account: '123456789012', path: '/rolecall/acme/access/', mode: 'verify', roles: [], connects: [], expired: [] },
      guards: { protected: [], maxRemovals: 3, rules: {} },
      nextExpiry: null,
      findings: [],
    });
  });

  test.each([
    ['nothing', 'iam: {}', 'role/app', null],
    ['its section', 'iam: { account: "123456789012" }', 'role/app', '123456789012'],
    ['an ARN', 'iam: {}', '"arn:aws:iam::210987654321:role/app"', '210987654321'],
  ])('is the one that %s says', (_name, section, principal, expected) => {
    const text = `${TWO}${section}\nusers:\n  app: { targets: [main], auth: iam, principals: [${principal}] }\n`;
    expect(account(text)?.iam.account).toBe(expected);
  });

  test('has one login for each principal, target and user, by principal', () => {
    expect(
      logins(
        `  jane: { targets: [main, other], auth: iam, principals: [user/jane, role/dba] }\n  app: { targets: [main], via: proxy-secret, principals: [role/app] }\n  job: { targets: [main], auth: iam, via: proxy-iam, principals: [role/app] }\n`,
      ),
    ).toEqual([
      'role/app → main/app proxy-secret',
      'role/app → main/job proxy-iam',
      'role/dba → main/jane',
      'role/dba → other/jane',
      'user/jane → main/jane',
      'user/jane → other/jane',
    ]);
  });

  test('has no login of a user that is not enabled, has a password there, or has ended', () => {
    const users = `  off: { targets: [main], auth: iam, enabled: false, principals: [role/a] }
  mixed: { auth: iam, principals: [role/a], targets: { main: {}, other: { auth: password } } }
  ended: { targets: [main], auth: iam, until: 2026-06-30, principals: [role/a] }
  lasting: { targets: [main], auth: iam, until: 2026-07-01, principals: [role/a] }
`;
    expect(logins(users)).toEqual(['role/a → main/lasting', 'role/a → main/mixed']);
    expect(logins(users, { asOf: '2026-07-02T00:00:00Z' })).toEqual(['role/a → main/mixed']);
  });

  test('forgets a user on the targets where that is said, once whatever its hosts', () => {
    const removed = 'removed:\n  app: { targets: [main], forget: true }\n  old: { targets: [main], drop: true }\n';
    expect(account(`${TWO}iam: {}\nusers:\n  jane: { targets: [main] }\n${removed}`)?.iam.forgotten).toMatchObject([
      { target: 'main', user: 'app' },
    ]);
    const mysql = TWO.replaceAll('engine: postgres', 'engine: mysql').replace(', databases: [orders]', '');
    const hosts = 'removed:\n  app: { targets: [main], forget: true, hosts: ["%", "10.%"] }\n';
    expect(account(`${mysql}iam: {}\nusers:\n  jane: { targets: [main] }\n${hosts}`)?.iam.forgotten).toMatchObject([
      { target: 'main', user: 'app' },
    ]);
  });

  test('knows when the next login ends', () => {
    const text = `${TWO}iam: {}\nusers:\n  a: { targets: [main], auth: iam, until: 2026-12-31, principals: [role/a] }\n  b: { targets: [main], auth: iam, until: 2026-08-31, principals: [role/a] }\n  c: { targets: [main], auth: iam, until: 2026-07-31 }\n`;
    expect(account(text)?.nextExpiry).toBe('2026-09-01T00:00:00Z');
  });

  test('says where each login is written', () => {
    const [login] = account(`${TWO}iam: {}\nusers:\n  jane: { targets: [main], auth: iam, principals: [user/jane] }\n`)!.iam.connects;
    expect(login?.source).toEqual({ file: '0.yaml', line: 8, column: 52 });
  });

  test('is judged at an instant', () => {
    expect(() => account(`${TWO}iam: {}\nusers:\n  jane: { targets: [main] }\n`, { asOf: 'tomorrow' })).toThrow(/no RFC 3339 instant/);
  });
});

describe('an IAM role', () => {
  const role = (entry: string, section = ''): DeclaredIamRole =>
    account(`${TWO}iam: { ${section}roles: { app: ${entry} } }\nusers:\n  jane: { targets: [main] }\n`)!.iam.roles[0]!;

  test.each<[string, object]>([
    ['{ service: ecs-tasks.amazonaws.com }', { kind: 'service', services: ['ecs-tasks.amazonaws.com'] }],
    [
      '{ service: [lambda.amazonaws.com, ec2.amazonaws.com] }',
      { kind: 'service', services: ['ec2.amazonaws.com', 'lambda.amazonaws.com'] },
    ],
    ['{ account: "210987654321", external_id: acme }', { kind: 'account', account: '210987654321', externalId: 'acme' }],
    [
      '{ github: { repository: acme/orders, branches: [main, "release/*"], environments: [prod east], subjects: [pull_request, "repo:acme/orders:ref:refs/tags/v1"] } }',
      {
        kind: 'github',
        subjects: [
          'repo:acme/orders:environment:prod east',
          'repo:acme/orders:pull_request',
          'repo:acme/orders:ref:refs/heads/main',
          'repo:acme/orders:ref:refs/heads/release/*',
          'repo:acme/orders:ref:refs/tags/v1',
        ],
      },
    ],
    [
      '{ policy: { Version: 2012-10-17, Statement: [{ Effect: Allow, Principal: { Service: [ec2.amazonaws.com] }, Action: "sts:AssumeRole" }] } }',
      {
        kind: 'policy',
        document: {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Principal: { Service: ['ec2.amazonaws.com'] }, Action: 'sts:AssumeRole' }],
        },
      },
    ],
  ])('trusts %s', (trust, expected) => {
    expect(role(`{ trust: ${trust} }`).trust).toEqual(expected);
  });

  test('lives beside our policies for an hour a session, unless it says more', () => {
    expect(role('{ trust: { service: ec2.amazonaws.com } }', 'path: /ours/, ')).toMatchObject({
      name: 'app',
      boundary: null,
      path: '/ours/',
      description: '',
      maxSessionSeconds: 3600,
      tags: {},
    });
    expect(
      role(
        '{ trust: { service: ec2.amazonaws.com }, boundary: "arn:aws:iam::aws:policy/X", path: /services/, description: a, max_session: 4h, tags: { b: "1", a: "2" } }',
      ),
    ).toMatchObject({
      boundary: 'arn:aws:iam::aws:policy/X',
      path: '/services/',
      description: 'a',
      maxSessionSeconds: 14400,
      tags: { a: '2', b: '1' },
    });
    expect(role('{ trust: { service: ec2.amazonaws.com }, max_session: 7200 }').maxSessionSeconds).toBe(7200);
  });

  test('is enough for a manifest', () => {
    expect(account(`${TWO}iam: { roles: { app: { trust: { service: ec2.amazonaws.com } } } }\n`)?.iam.roles).toHaveLength(1);
  });
});
