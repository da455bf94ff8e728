import { describe, expect, test } from 'vitest';
import { declare } from '../../src/manifest/declare.ts';
import type { DeclaredGrant } from '../../src/model/declared.ts';
import { declared, HEAD, valid, withoutSources } from './small.ts';

const part = (text: string, literal = !text.includes('*')) => ({ text, literal });
const short = ({ grantee, kind, privileges, database, schema, name, columns, profile }: DeclaredGrant): string =>
  [
    grantee,
    profile ?? '-',
    kind,
    privileges.join('+'),
    ...[database, schema, name].map((one) => (one ? `${one.text}${one.literal ? '' : '~'}` : '-')),
    ...(columns ?? []),
  ].join(' ');

describe('roles', () => {
  test('what is left out is the default of the engine', () => {
    const { roles } = declared(`${HEAD}users:\n  jane: {}\ngroups:\n  reader: {}\n`);
    expect(withoutSources(roles.get('jane'))).toEqual({
      name: 'jane',
      kind: 'user',
      auth: 'password',
      enabled: true,
      inherit: true,
      createdb: false,
      createrole: false,
      connectionLimit: -1,
      validUntil: null,
      passwordVersion: 0,
      principals: [],
      via: 'direct',
      manage: 'exact',
      adoptFrom: [],
      expired: false,
    });
    expect(withoutSources(roles.get('reader'))).toMatchObject({ kind: 'group', auth: 'none', enabled: true });
    expect([...roles.keys()]).toEqual(['jane', 'reader']);
  });

  test('every attribute that is written is taken over, with its place', () => {
    const { roles } = declared(
      `${HEAD}users:\n  jane: { description: a, auth: password, password: "\${env:P}", password_version: 3, enabled: false, inherit: false, createdb: true, createrole: true, connection_limit: 5, manage: additive, adopt_from: [acme/old], renamed_from: joe }\n`,
    );
    expect(roles.get('jane')).toEqual({
      name: 'jane',
      kind: 'user',
      auth: 'password',
      enabled: false,
      description: 'a',
      inherit: false,
      createdb: true,
      createrole: true,
      connectionLimit: 5,
      validUntil: null,
      password: { source: 'env', name: 'P', text: '${env:P}', at: { file: '0.yaml', line: 6, column: 53 } },
      passwordVersion: 3,
      principals: [],
      via: 'direct',
      manage: 'additive',
      adoptFrom: ['acme/old'],
      renamedFrom: 'joe',
      expired: false,
      source: { file: '0.yaml', line: 6, column: 3 },
    });
  });

  test('a secret reference keeps its key apart', () => {
    const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:etl';
    const { roles } = declared(`${HEAD}users:\n  jane: { password: "\${secret:${arn}#pw}" }\n`);
    expect(roles.get('jane')).toMatchObject({ password: { source: 'secret', name: arn, key: 'pw', at: { line: 6 } }, passwordVersion: 1 });
  });

  test('additive on the target is the default of its roles', () => {
    const head = HEAD.replace('databases', 'manage: additive, databases');
    const { roles, target } = declared(`${head}users:\n  jane: {}\n  joe: { manage: exact }\n`);
    expect([target.manage, roles.get('jane')?.manage, roles.get('joe')?.manage]).toEqual(['additive', 'additive', 'exact']);
  });

  test('names that JavaScript knows are names like any other', () => {
    const { roles, memberships } = declared(
      `${HEAD}groups:\n  __proto__: {}\n  constructor: { groups: [__proto__] }\nusers:\n  toString: { groups: [constructor] }\n  PUBLIC: {}\n`,
    );
    expect([...roles.keys()]).toEqual(['PUBLIC', '__proto__', 'constructor', 'toString']);
    expect(memberships.map(({ role, member }) => `${member} in ${role}`)).toEqual(['constructor in __proto__', 'toString in constructor']);
  });
});

describe('until', () => {
  const text = `${HEAD}groups:
  reader: {}
users:
  jane: { until: 2026-12-31 }
  joe: { auth: iam, until: 2026-12-31, groups: [reader] }
  jim: { groups: [{ name: reader, until: "2026-09-01T12:00:00+02:00" }] }
`;
  test.each([
    ['2026-08-31T00:00:00Z', [], [], '2026-09-01T10:00:00Z'],
    ['2026-09-01T09:59:59.999Z', [], [], '2026-09-01T10:00:00Z'],
    ['2026-09-01T10:00:00Z', [], ['jim'], '2027-01-01T00:00:00Z'],
    ['2026-12-31T23:59:59Z', [], ['jim'], '2027-01-01T00:00:00Z'],
    ['2027-01-01T00:00:00Z', ['jane', 'joe'], ['jim', 'joe'], null],
  ])('at %s, users %j and memberships of %j have ended', (asOf, users, members, next) => {
    const { roles, memberships, nextExpiry } = declared(text, { asOf });
    expect([...roles.values()].flatMap(({ name, expired }) => (expired ? [name] : []))).toEqual(users);
    expect(memberships.flatMap(({ role, member, expired }) => (role === 'reader' && expired ? [member] : []))).toEqual(members);
    expect(nextExpiry).toBe(next);
  });

  test('and the reason of a membership stay as they are written', () => {
    const { memberships } = declared(
      `${HEAD}groups:\n  a: {}\nusers:\n  jane: { groups: [{ name: a, until: 2099-12-31, reason: OPS-1 }] }\n`,
    );
    expect(memberships).toMatchObject([{ until: '2099-12-31', reason: 'OPS-1' }]);
  });

  test('sets the validity of password users only', () => {
    const { roles } = declared(text);
    expect(roles.get('jane')?.validUntil).toBe('2027-01-01T00:00:00Z');
    expect(roles.get('joe')?.validUntil).toBeNull();
  });

  test('past it a user has no settings and no grants of its own, and stays in rds_iam or out of it', () => {
    const { settings, grants, memberships } = declared(
      `${HEAD}users:\n  joe: { auth: iam, until: 2026-01-01, settings: { work_mem: 4MB }, read: [orders.public] }\n`,
    );
    expect([settings, grants, memberships]).toEqual([[], [], []]);
  });
});

describe('memberships', () => {
  test('have options, and inherit and set unless written', () => {
    const { memberships } = declared(
      `${HEAD}groups:\n  a: {}\n  b: { groups: [{ name: a, admin: true, inherit: false, set: false }] }\nusers:\n  jane: { groups: [a, pg_monitor] }\n`,
    );
    expect(memberships.map(({ role, member, options }) => [role, member, options])).toEqual([
      ['a', 'b', { admin: true, inherit: false, set: false }],
      ['a', 'jane', { admin: false, inherit: true, set: true }],
      ['pg_monitor', 'jane', { admin: false, inherit: true, set: true }],
    ]);
  });

  test('auth: iam puts users into rds_iam, inheriting and without SET', () => {
    const { memberships } = declared(`${HEAD}users:\n  jane: { auth: iam }\n  joe: { auth: none }\n`);
    expect(withoutSources(memberships)).toEqual([
      { role: 'rds_iam', member: 'jane', options: { admin: false, inherit: true, set: false }, expired: false },
    ]);
  });

  const two = HEAD.replace('  main:', '  other: { engine: postgres, endpoint: env, databases: [orders] }\n  main:');
  test('apply where both the member and the group are', () => {
    const manifest = valid(
      `${two}existing: [owner]\ngroups:\n  reader: { targets: [main] }\nusers:\n  jane: { targets: [main, other], groups: [reader, owner] }\n`,
    );
    const on = (target: string) => declare(manifest, target, { asOf: '2026-01-01T00:00:00Z' });
    expect(on('main').memberships.map(({ role }) => role)).toEqual(['owner', 'reader']);
    expect(on('other').memberships.map(({ role }) => role)).toEqual(['owner']);
    expect([...on('other').roles.keys()]).toEqual(['jane']);
    expect([...on('other').existing]).toEqual(['owner']);
  });

  test('a map of targets overrides key by key', () => {
    const manifest = valid(
      `${two}users:\n  jane:\n    auth: iam\n    connection_limit: 3\n    settings: { work_mem: 1MB }\n    targets: { main: {}, other: { auth: password, password: "\${env:P}", settings: { work_mem: 2MB } } }\n`,
    );
    const on = (target: string) => declare(manifest, target, { asOf: '2026-01-01T00:00:00Z' });
    expect(on('main').roles.get('jane')).toMatchObject({ auth: 'iam', connectionLimit: 3 });
    expect(on('other').roles.get('jane')).toMatchObject({ auth: 'password', connectionLimit: 3, password: { name: 'P' } });
    expect([on('main').settings[0]?.value, on('other').settings[0]?.value]).toEqual(['1MB', '2MB']);
  });
});

describe('settings', () => {
  test('are text; lists keep their elements apart; true and false are on and off', () => {
    const { settings } = declared(
      `${HEAD}users:\n  jane: { settings: { statement_timeout: 30s, search_path: [public, "B c"], work_mem: 65536, jit: false, enable_seqscan: true }, database_settings: { orders: { work_mem: 1MB } } }\n`,
    );
    expect(settings.map(({ database, name, value }) => [database, name, value])).toEqual([
      [null, 'enable_seqscan', 'on'],
      [null, 'jit', 'off'],
      [null, 'search_path', ['public', 'B c']],
      [null, 'statement_timeout', '30s'],
      [null, 'work_mem', '65536'],
      ['orders', 'work_mem', '1MB'],
    ]);
  });
});

describe('profiles', () => {
  const grants = (groups: string, head = HEAD): string[] => declared(`${head}groups:\n${groups}`).grants.map(short);

  test('read is CONNECT, USAGE, and SELECT on tables and sequences', () => {
    expect(grants('  reader: { read: [orders.public] }\n')).toEqual([
      'reader read database CONNECT orders - -',
      'reader read schema USAGE orders public -',
      'reader read sequence SELECT orders public *~',
      'reader read table SELECT orders public *~',
    ]);
  });

  test('write is read and INSERT, UPDATE, DELETE on tables and USAGE on sequences', () => {
    expect(grants('  writer: { write: ["orders.*"] }\n')).toEqual([
      'writer write database CONNECT orders - -',
      'writer write schema USAGE orders *~ -',
      'writer write sequence SELECT+USAGE orders *~ *~',
      'writer write table DELETE+INSERT+SELECT+UPDATE orders *~ *~',
    ]);
  });

  test('own is ownership of the schema and nothing else', () => {
    const { grants: none, ownerships } = declared(`${HEAD}groups:\n  owner: { own: [orders.public] }\n`);
    expect(none).toEqual([]);
    expect(withoutSources(ownerships)).toEqual([
      { owner: 'owner', database: part('orders'), schema: part('public'), selector: 'orders.public' },
    ]);
  });

  test(`one's own profile expands as if it were written out for each schema`, () => {
    const head = `${HEAD}profiles:\n  support: [{ privileges: [select], tables: "tickets_*" }, { privileges: [update], tables: tickets, columns: [status] }, { privileges: [execute], routines: "close(integer)", grantable: true }]\n`;
    expect(grants('  agent: { use: { support: [orders.helpdesk, "orders.\\"Odd.One\\""] } }\n', head)).toEqual([
      'agent support column UPDATE orders Odd.One tickets status',
      'agent support column UPDATE orders helpdesk tickets status',
      'agent support routine EXECUTE* orders Odd.One close(integer)',
      'agent support routine EXECUTE* orders helpdesk close(integer)',
      'agent support table SELECT orders Odd.One tickets_*~',
      'agent support table SELECT orders helpdesk tickets_*~',
    ]);
  });

  test('schemas may be written by target', () => {
    const mixed = HEAD.replace('  main:', '  my: { engine: mysql, endpoint: { host: localhost }, login: { user: x } }\n  main:');
    const rows = grants('  reader: { targets: [my, main], read: { my: [invoices], main: [orders.public] } }\n', mixed);
    expect(rows).toHaveLength(4);
    expect(rows.every((row) => row.includes('orders'))).toBe(true);
  });
});

describe('grants', () => {
  const rows = (grants: string): string[] => declared(`${HEAD}groups:\n  g:\n    grants:\n${grants}`).grants.map(short);

  test.each([
    ['{ privileges: [select, INSERT], tables: public.t }', 'g - table INSERT+SELECT orders public t'],
    ['{ privileges: [select], tables: [public.t] , grantable: true }', 'g - table SELECT* orders public t'],
    ['{ privileges: [select, all], tables: public.t }', 'g - table ALL orders public t'],
    ['{ privileges: [all privileges], tables: public.t, grantable: true }', 'g - table ALL* orders public t'],
    ['{ privileges: [update], tables: public.t, columns: [b, a] }', 'g - column UPDATE orders public t a b'],
    ['{ privileges: [usage], sequences: "public.*" }', 'g - sequence USAGE orders public *~'],
    [
      '{ privileges: [execute], routines: "public.refund(integer, numeric(10,2))" }',
      'g - routine EXECUTE orders public refund(integer, numeric(10,2))',
    ],
    ['{ privileges: [execute], routines: \'public."a.b"(integer)\' }', 'g - routine EXECUTE orders public "a.b"(integer)'],
    ['{ privileges: [execute], routines: public.refund }', 'g - routine EXECUTE orders public refund'],
    ['{ privileges: [usage], schemas: public }', 'g - schema USAGE orders public -'],
    ['{ privileges: [connect, temp], databases: orders }', 'g - database CONNECT+TEMPORARY orders - -'],
    ['{ privileges: [connect], databases: "*" }', 'g - database CONNECT *~ - -'],
    ['{ privileges: [usage], types: public.status }', 'g - type USAGE orders public status'],
    ['{ privileges: [usage], languages: plpgsql }', 'g - language USAGE orders - plpgsql'],
    ['{ privileges: [usage], foreign_data_wrappers: postgres_fdw }', 'g - foreign_data_wrapper USAGE orders - postgres_fdw'],
    ['{ privileges: [usage], foreign_servers: warehouse }', 'g - foreign_server USAGE orders - warehouse'],
    ['{ privileges: [create], tablespaces: fast }', 'g - tablespace CREATE - - fast'],
    ['{ privileges: [select], large_objects: 16402 }', 'g - large_object SELECT orders - 16402'],
    ['{ privileges: [set, alter  system], parameters: my.setting }', 'g - parameter ALTER SYSTEM+SET - - my.setting'],
    ['{ privileges: [select], tables: "public.*", database: "*" }', 'g - table SELECT *~ public *~'],
    [`{ privileges: [select], tables: 'public."a*"' }`, 'g - table SELECT orders public a*'],
  ])('%s', (grant, row) => {
    expect(rows(`      - ${grant}\n`)).toEqual([row]);
  });

  test('on the same objects are one, and a grant option on either side stays', () => {
    expect(
      rows(
        '      - { privileges: [select, insert], tables: public.t }\n      - { privileges: [select], tables: [public.t, public.u], grantable: true }\n',
      ),
    ).toEqual(['g - table INSERT+SELECT* orders public t', 'g - table SELECT* orders public u']);
  });

  test('have the selector as it is written and its place', () => {
    const [grant] = declared(`${HEAD}groups:\n  g:\n    grants:\n      - privileges: [select]\n        tables: [public.a]\n`).grants;
    expect(grant).toMatchObject({ selector: 'public.a', source: { file: '0.yaml', line: 9, column: 18 } });
  });
});

describe('defaults, public, removed and guard', () => {
  test('defaults name creators, by default those of the target', () => {
    const head = HEAD.replace('databases', 'defaults_for: { orders: [owner, dbt] }, databases');
    const { defaults, target } = declared(
      `${head}existing: [owner, dbt]\ngroups:\n  reader: {}\ndefaults:\n  - { schema: public, created_by: [owner], to: reader, privileges: [select], objects: tables }\n  - { to: public, privileges: [execute], objects: routines }\n`,
    );
    expect(withoutSources(defaults)).toEqual([
      {
        action: 'grant',
        database: 'orders',
        schema: 'public',
        createdBy: ['owner'],
        to: 'reader',
        objects: 'table',
        privileges: ['SELECT'],
      },
      {
        action: 'grant',
        database: 'orders',
        schema: null,
        createdBy: ['dbt', 'owner'],
        to: { public: true },
        objects: 'routine',
        privileges: ['EXECUTE'],
      },
    ]);
    expect({ ...target.defaultsFor }).toEqual({ orders: ['dbt', 'owner'] });
  });

  test('later objects can be closed to PUBLIC', () => {
    const { defaults } = declared(
      `${HEAD}existing: [owner]\ndefaults:\n  - { created_by: [owner], from: public, privileges: [execute], objects: routines }\n`,
    );
    expect(withoutSources(defaults)).toEqual([
      {
        action: 'revoke',
        database: 'orders',
        schema: null,
        createdBy: ['owner'],
        to: { public: true },
        objects: 'routine',
        privileges: ['EXECUTE'],
      },
    ]);
  });

  test('public is about the database unless it names objects', () => {
    const { publics } = declared(`${HEAD}public:\n  - { revoke: [connect, temp] }\n  - { grant: [usage], schemas: "*" }\n`);
    expect(withoutSources(publics)).toEqual([
      { action: 'grant', kind: 'schema', privileges: ['USAGE'], database: part('orders'), schema: part('*'), name: null, selector: '*' },
      {
        action: 'revoke',
        kind: 'database',
        privileges: ['CONNECT', 'TEMPORARY'],
        database: part('orders'),
        schema: null,
        name: null,
        selector: 'orders',
      },
    ]);
  });

  test('removed drops or forgets, sessions end unless kept', () => {
    const { removed } = declared(
      `${HEAD}existing: [owner]\nremoved:\n  b: { drop: true, reassign_to: owner, sessions: keep }\n  a: { forget: true }\n`,
    );
    expect(withoutSources(removed)).toEqual([
      { name: 'a', action: 'forget', sessions: 'end' },
      { name: 'b', action: 'drop', reassignTo: 'owner', sessions: 'keep' },
    ]);
  });

  test('what leaves one target may stay on another', () => {
    const two = HEAD.replace('  main:', '  other: { engine: postgres, endpoint: env }\n  main:');
    const manifest = valid(`${two}users:\n  jane: { targets: [main] }\nremoved:\n  jane: { targets: [other], drop: true }\n`);
    expect(declare(manifest, 'other', { asOf: '2026-01-01T00:00:00Z' }).removed).toHaveLength(1);
    expect(declare(manifest, 'main', { asOf: '2026-01-01T00:00:00Z' }).removed).toEqual([]);
  });

  test('guards are taken over', () => {
    const { guards } = declared(
      `${HEAD}users:\n  jane: {}\nguard: { protected: [b, a], max_removals: 0, rules: { no-superuser: error } }\n`,
    );
    expect(guards).toEqual({ protected: ['a', 'b'], maxRemovals: 0, rules: { 'no-superuser': 'error' } });
    expect(declared(`${HEAD}users:\n  jane: {}\n`).guards).toEqual({ protected: [], maxRemovals: null, rules: {} });
  });

  test('a target by libpq’s variables has no login of its own', () => {
    const { target } = declared(
      `version: 1\nstack: acme/access\ntargets:\n  main: { engine: postgres, endpoint: env, maintenance_database: admin }\nusers:\n  jane: {}\n`,
    );
    expect(withoutSources(target)).toEqual({
      name: 'main',
      engine: 'postgres',
      endpoint: { kind: 'env' },
      login: { auth: 'password' },
      databases: null,
      maintenanceDatabase: 'admin',
      defaultsFor: {},
      manage: 'exact',
    });
  });

  test('an unknown target and an instant that is none stop the work', () => {
    const manifest = valid(`${HEAD}users:\n  jane: {}\n`);
    expect(() => declare(manifest, 'man', { asOf: '2026-01-01T00:00:00Z' })).toThrow(`target 'man' is not in the manifest`);
    expect(() => declare(manifest, 'main', { asOf: 'now' })).toThrow(`'now' is no RFC 3339 instant`);
  });
});
