import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { declareIam } from '../../src/manifest/declare-iam.ts';
import type { Declared, DeclaredGrant } from '../../src/model/declared.ts';
import { declared, valid, withoutSources } from './small.ts';

const HEAD = `version: 1
stack: acme/access
targets:
  my: { engine: mysql, endpoint: { host: localhost }, login: { user: rolecall } }
  ma: { engine: mariadb, endpoint: { host: db.local }, login: { user: rolecall } }
  pg: { engine: postgres, endpoint: { host: localhost }, login: { user: rolecall }, databases: [orders] }
`;
const on = (target: string, text: string): Declared => declared(`${HEAD}${text}`, { target });
const users = (target: string, entry: string): Declared => on(target, `users:\n  app: { targets: [${target}], ${entry} }\n`);
const rights = (target: string, entry: string): string[] =>
  on(target, `groups:\n  g: { targets: [${target}], ${entry} }\n`).grants.map(short);

const short = ({ grantee, kind, privileges, database, schema, name, columns, profile }: DeclaredGrant): string =>
  [
    grantee,
    profile ?? '-',
    kind,
    privileges.join('+').replaceAll(' ', '_'),
    ...[database, schema, name].map((one) => (one ? `${one.text}${one.literal ? '' : '~'}` : '-')),
    ...(columns ?? []),
  ].join(' ');

describe('accounts', () => {
  test('a user is one role for each of its hosts, in lower case, and a group is one', () => {
    const { roles, target } = on(
      'my',
      'groups:\n  g: { targets: [my] }\nusers:\n  app: { targets: [my], hosts: [LocalHost, "10.%", "%"] }\n  j@e.com: { targets: [my] }\n',
    );
    expect([...roles].map(([key, { name, kind, account }]) => [key === name, name, kind, account?.user, account?.host])).toEqual([
      [true, 'app', 'user', 'app', '%'],
      [true, 'app@10.%', 'user', 'app', '10.%'],
      [true, 'app@localhost', 'user', 'app', 'localhost'],
      [true, 'g', 'group', 'g', '%'],
      [true, 'j@e.com@%', 'user', 'j@e.com', '%'],
    ]);
    expect(target).toMatchObject({ engine: 'mysql', endpoint: { port: 3306 }, databases: null, maintenanceDatabase: '' });
  });

  test('roles of MariaDB have no host', () => {
    const { roles } = on('ma', 'groups:\n  g: { targets: [ma] }\n  g@h: { targets: [ma] }\n');
    expect([...roles.values()].map(({ name, account }) => [name, account])).toEqual([
      ['g', { user: 'g', host: '' }],
      ['g@h@', { user: 'g@h', host: '' }],
    ]);
  });

  test('memberships and grants of a user are those of each account, in order', () => {
    const { memberships, grants } = on(
      'my',
      'groups:\n  g: { targets: [my] }\nusers:\n  app: { targets: [my], hosts: ["%", "10.%"], groups: [g, "boss@10.%"], read: [shop] }\n  app-x: { targets: [my], groups: [g] }\nexisting: ["boss@10.%"]\n',
    );
    expect(memberships.map(({ role, member }) => `${member} in ${role}`)).toEqual([
      'app in boss@10.%',
      'app@10.% in boss@10.%',
      'app in g',
      'app-x in g',
      'app@10.% in g',
    ]);
    expect(grants.map(({ grantee }) => grantee)).toEqual(['app', 'app@10.%']);
  });

  test('a renamed user is renamed at each host, and a removed one goes from those that are named', () => {
    const { roles, removed } = on(
      'my',
      'users:\n  app: { targets: [my], hosts: ["%", "10.%"], renamed_from: old }\nremoved:\n  etl: { targets: [my], drop: true, hosts: ["%", "10.%"] }\n  ops: { targets: [my], forget: true }\n',
    );
    expect([...roles.values()].map(({ renamedFrom }) => renamedFrom)).toEqual(['old', 'old@10.%']);
    expect(removed.map(({ name, action }) => `${action} ${name}`)).toEqual(['drop etl', 'drop etl@10.%', 'forget ops']);
  });

  test('existing accounts are named as those of a plan', () => {
    const { existing } = on('my', 'users:\n  app: { targets: [my] }\nexisting: ["dba@%", "dba@10.%", ops, ops@LOCALHOST]\n');
    expect([...existing]).toEqual(['dba', 'dba@10.%', 'ops', 'ops@localhost']);
  });
});

describe('users', () => {
  test('have nothing that only PostgreSQL has', () => {
    const text =
      'groups:\n  r: { targets: [my, pg] }\nusers:\n  app: { targets: [my, pg], hosts: ["10.%"], inherit: false, createdb: true, createrole: true, until: 2099-12-31, settings: { work_mem: 1MB }, database_settings: { orders: { work_mem: 1MB } }, groups: [r, pg_monitor] }\n';
    const { roles, settings, memberships } = on('my', text);
    expect(roles.get('app@10.%')).toMatchObject({ inherit: true, createdb: false, createrole: false, validUntil: null });
    expect(settings).toEqual([]);
    expect(memberships.map(({ role }) => role)).toEqual(['r']);
    expect(withoutSources(on('pg', text).roles.get('app'))).toMatchObject({
      inherit: false,
      createdb: true,
      validUntil: '2100-01-01T00:00:00Z',
    });
    expect(on('pg', text).roles.get('app')).not.toHaveProperty('options');
  });

  test('that log in by IAM are in no group for it, and policies name them once', () => {
    const text =
      `${HEAD}iam: { account: "123456789012" }\nusers:\n  app: { targets: { rds: {} }, hosts: ["%", "10.%"], auth: iam, principals: [role/app] }\n`.replace(
        'targets:\n',
        'targets:\n  rds: { engine: mysql, rds: { cluster: c, region: eu-west-1 }, login: { user: rolecall } }\n',
      );
    expect(declared(text, { target: 'rds' }).memberships).toEqual([]);
    expect([...declared(text, { target: 'rds' }).roles.values()].map(({ auth, principals }) => [auth, principals.length])).toEqual([
      ['iam', 1],
      ['iam', 1],
    ]);
    const account = declareIam(valid(text), { asOf: '2026-01-01T00:00:00Z' });
    expect(account?.iam.connects.map(({ user, target }) => `${user} on ${target}`)).toEqual(['app on rds']);
  });

  test.each<[string, string, object]>([
    ['nothing', 'auth: none', {}],
    ['TLS', 'require: ssl', { require: 'ssl' }],
    ['no TLS', 'require: none', { require: 'none' }],
    [
      'a certificate',
      `require: { cipher: c, subject: "/CN=jo'e", issuer: "a\\\\b" }`,
      { require: `SUBJECT '/CN=jo''e' AND ISSUER 'a\\\\b' AND CIPHER 'c'` },
    ],
    [
      'limits',
      'limits: { queries_per_hour: 1, updates_per_hour: 2, connections_per_hour: 0 }',
      { queriesPerHour: 1, updatesPerHour: 2, connectionsPerHour: 0 },
    ],
    ['expiry in days', 'password_expire: 90', { passwordExpireDays: 90 }],
    ['no expiry', 'password_expire: never', { passwordExpireDays: 0 }],
    ["the server's expiry", 'password_expire: default', { passwordExpireDays: null }],
    ['a lock', 'failed_login_attempts: 3, password_lock_time: 2', { failedLoginAttempts: 3, passwordLockDays: 2 }],
    ['a lock for good', 'failed_login_attempts: 3, password_lock_time: unbounded', { failedLoginAttempts: 3, passwordLockDays: -1 }],
  ])('have the options that are written: %s', (_, entry, options) => {
    expect(users('my', entry).roles.get('app')?.options).toEqual(options);
  });

  test('of MariaDB have no options that it lacks', () => {
    const { roles } = on('ma', 'users:\n  app: { targets: [my, ma], failed_login_attempts: 3, password_lock_time: 2, require: x509 }\n');
    expect(roles.get('app')?.options).toEqual({ require: 'x509' });
  });
});

describe('privileges', () => {
  test.each<[string, string, string[]]>([
    ['read', 'read: [shop]', ['g read schema SELECT+SHOW_VIEW - shop -']],
    ['write', 'write: ["s*"]', ['g write schema DELETE+INSERT+SELECT+SHOW_VIEW+UPDATE - s*~ -']],
    ['own', 'own: [shop]', ['g own schema ALL - shop -']],
    ['a quoted schema', `read: ['"a.*"']`, ['g read schema SELECT+SHOW_VIEW - a.* -']],
    [
      'schemas',
      'grants: [{ privileges: [create view, "lock  tables"], schemas: [a, "b_*"], grantable: true }]',
      ['g - schema CREATE_VIEW*+LOCK_TABLES* - a -', 'g - schema CREATE_VIEW*+LOCK_TABLES* - b_*~ -'],
    ],
    ['tables', 'grants: [{ privileges: [all privileges], tables: shop.t }]', ['g - table ALL - shop t']],
    ['columns', 'grants: [{ privileges: [select], tables: shop.t, columns: [b, a] }]', ['g - column SELECT - shop t a b']],
    ['routines', 'grants: [{ privileges: [execute], routines: shop.f }]', ['g - routine EXECUTE - shop f']],
    ['functions', 'grants: [{ privileges: [execute], functions: "shop.*" }]', ['g - function EXECUTE - shop *~']],
    ['procedures', 'grants: [{ privileges: [alter routine], procedures: shop.f }]', ['g - procedure ALTER_ROUTINE - shop f']],
    [
      'the whole server',
      `grants: [{ privileges: [process, role_admin, '"my_own"'], global: true }]`,
      ['g - global MY_OWN+PROCESS+ROLE_ADMIN - - -'],
    ],
  ])('%s', (_, entry, expected) => {
    expect(rights('my', entry)).toEqual(expected);
  });

  test('of MariaDB go by the word that the server shows', () => {
    expect(rights('ma', 'grants: [{ privileges: [replication client, replica monitor, read_only admin], global: true }]')).toEqual([
      'g - global BINLOG_MONITOR+READ_ONLY_ADMIN+SLAVE_MONITOR - - -',
    ]);
  });

  test('of a profile are those on each schema that it is used on', () => {
    const { grants } = on(
      'my',
      'profiles:\n  p: [{ privileges: [execute], schema: true }, { privileges: [select], tables: "t_*" }]\ngroups:\n  g: { targets: [my], use: { p: [shop] } }\n',
    );
    expect(grants.map(short)).toEqual(['g p schema EXECUTE - shop -', 'g p table SELECT - shop t_*~']);
  });

  test('of PROXY on a user are on each of its accounts', () => {
    const { grants } = on(
      'my',
      'users:\n  app: { targets: [my], hosts: ["%", "10.%"] }\n  p: { targets: [my], grants: [{ privileges: [proxy], accounts: [app, "x@h"] }] }\nexisting: [x@h]\n',
    );
    expect(grants.map(short)).toEqual(['p - proxy PROXY - - app@10.%', 'p - proxy PROXY - - app', 'p - proxy PROXY - - x@h']);
  });
});

const user = fc.record({
  targets: fc.constant(['my', 'ma']),
  hosts: fc.shuffledSubarray(['%', '10.%', 'LocalHost', 'db.example.com'], { minLength: 1 }),
  groups: fc.shuffledSubarray([
    { name: 'reader', inherit: false },
    { name: 'writer', until: '2026-12-31' },
  ]),
  grants: fc.shuffledSubarray([
    { privileges: ['select', 'INSERT'], schemas: ['shop', 'a_*'] },
    { privileges: ['update'], tables: ['shop.t', '"a.b".t'], columns: ['b', 'a'] },
    { privileges: ['execute'], procedures: 'shop.p' },
  ]),
});

test('order and case do not change what is declared, and every name in it is an account of it', () => {
  fc.assert(
    fc.property(fc.tuple(user, user, user), fc.nat(), ([app, job, mail], turn) => {
      const turned = <T>(values: readonly T[]): T[] => (turn % 2 ? [...values].reverse() : [...values]);
      const text = (mixed: boolean): string => {
        const entry = (one: typeof app) => ({
          ...one,
          hosts: mixed ? turned(one.hosts).map((host) => host.toUpperCase()) : one.hosts,
          groups: mixed ? turned(one.groups) : one.groups,
          grants: mixed ? turned(one.grants) : one.grants,
        });
        const users = Object.entries({ app: entry(app), 'app-2': entry(job), 'j@e.com': entry(mail) });
        return `${HEAD}groups:\n  writer: { targets: [ma, my] }\n  reader: { targets: [my, ma] }\nusers: ${JSON.stringify(Object.fromEntries(mixed ? turned(users) : users))}\n`;
      };
      for (const target of ['my', 'ma']) {
        const one = declared(text(false), { target });
        expect(withoutSources(declared(text(true), { target }))).toEqual(withoutSources(one));
        const named = [...one.memberships.flatMap(({ role, member }) => [role, member]), ...one.grants.map(({ grantee }) => grantee)];
        expect(named.filter((name) => !one.roles.has(name))).toEqual([]);
        for (const names of [[...one.roles.keys()], one.grants.map(({ grantee }) => grantee)]) expect(names).toEqual([...names].sort());
      }
    }),
    { numRuns: 100 },
  );
});
