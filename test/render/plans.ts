import type { ObjectSet } from '../../src/model/access.ts';
import { actionOf, type Cause, type Change, type ChangeOf, type Risk } from '../../src/model/change.ts';
import { byCodeUnit } from '../../src/model/key.ts';
import type { Counts, Plan, PlanTarget, Step, Transaction } from '../../src/model/plan.ts';
import type { Bodies, DefaultPrivilege, Kind, Membership, Role } from '../../src/model/state.ts';

/* Plans written by hand: what the renderers get, without an engine behind them. */

const FILE = 'access/orders.yaml';
const at = (line: number, column = 3, file = FILE) => ({ file, line, column });

let keys = 0;
const nextKey = (): number => {
  keys += 1;
  return keys;
};
/** `${env:NAME}`, as it is written in a manifest. */
const reference = (what: string): string => `\${${what}}`;
type Rest = {
  readonly risk?: Risk;
  readonly cause?: Cause;
  readonly line?: number;
  readonly file?: string;
  readonly blocked?: string;
} & Pick<Change, 'until' | 'reason'>;
export const change = <K extends Kind>(kind: K, before: Bodies[K] | null, after: Bodies[K] | null, rest: Rest = {}): Change =>
  ({
    kind,
    key: `${kind}.${nextKey()}`,
    before,
    after,
    risk: rest.risk ?? (before === null ? 'grants' : after === null ? 'removes' : 'safe'),
    cause: rest.cause ?? 'declared',
    ...(rest.line === undefined ? {} : { source: at(rest.line, 3, rest.file) }),
    ...(rest.blocked === undefined ? {} : { blocked: rest.blocked }),
    ...(rest.until === undefined ? {} : { until: rest.until }),
    ...(rest.reason === undefined ? {} : { reason: rest.reason }),
  }) as ChangeOf<K> as Change;

export const role = (name: string, more: Partial<Role> = {}): Role => ({
  name,
  login: true,
  inherit: true,
  createdb: false,
  createrole: false,
  superuser: false,
  replication: false,
  bypassrls: false,
  connectionLimit: -1,
  validUntil: null,
  description: '',
  mark: { stack: 'acme/access/prod' },
  ...more,
});
export const member = (of: string, who: string, more: Partial<Membership> = {}): Membership => ({
  role: of,
  member: who,
  grantor: 'rolecall',
  admin: false,
  inherit: true,
  set: true,
  ...more,
});
export const on = (kind: ObjectSet['kind'], database: string | null, schema: string | null, ...names: string[]): ObjectSet => ({
  kind,
  database,
  schema,
  names: [...names].sort(byCodeUnit),
});
export const grant = (grantee: string, privileges: string[], set: ObjectSet) => ({ on: set, grantee, grantor: 'orders_owner', privileges });
const later = (grantee: string, objects: DefaultPrivilege['objects'], privileges: string[]): DefaultPrivilege => ({
  database: 'orders',
  creator: 'orders_owner',
  schema: 'sales',
  objects,
  grantee,
  privileges,
});

const SALES = [
  'customers',
  'discounts',
  'invoice_lines',
  'invoices',
  'items',
  'orders',
  'payments',
  'prices',
  'refunds',
  'returns',
  'shipments',
  'stock',
  'taxes',
  'vouchers',
];

export const countsOf = (changes: readonly Change[]): Counts => {
  const counts = { add: 0, change: 0, remove: 0, blocked: 0 };
  for (const each of changes) counts[each.blocked === undefined ? actionOf(each) : 'blocked'] += 1;
  return counts;
};

const step = (id: number, transaction: number, phase: Step['phase'], sql: string, changes: number[], database = 'orders'): Step => ({
  id,
  database,
  transaction,
  phase,
  sql,
  changes,
});
const transaction = (database: string, waitsFor: number[] = [], autocommit = false): Transaction => ({
  database,
  waitsFor,
  borrows: [],
  autocommit,
});

export const target = (name: string, changes: readonly Change[], more: Partial<PlanTarget> = {}): PlanTarget => ({
  name,
  engine: 'postgres',
  identity: { endpoint: `${name}.example.test:5432`, system: '7312345678901234567', version: '16.4', login: 'rolecall' },
  counts: countsOf(changes),
  access: [],
  changes,
  transactions: [],
  steps: [],
  findings: [],
  matches: [],
  unmanaged: { users: [], groups: [] },
  unread: [],
  read: { roles: 41, databases: 2, objects: 212, grants: 163 },
  roles: {},
  nextExpiry: null,
  ...more,
});

export const plan = (...targets: PlanTarget[]): Plan => ({
  formatVersion: '1.0',
  stack: 'acme/access/prod',
  asOf: '2026-09-20T09:14:03Z',
  command: 'plan',
  targets,
  digest: 'v1:7be2a94c51d03f86e7b1c2d94f5a60718e92b3c4d5f60718293a4b5c6d7e8f90',
});

const mixedChanges: Change[] = [
  change('role', role('j.doe'), null, { cause: 'removed', line: 41, risk: 'destructive' }),
  change('sessions', { role: 'j.doe' }, null, { cause: 'removed', line: 41 }),
  change('membership', member('orders_reader', 'jane'), null, { cause: 'expired', line: 44 }),
  change(
    'grant',
    grant('contractors', ['INSERT', 'SELECT', 'UPDATE'], on('table', 'orders', 'sales', ...SALES)),
    grant('contractors', ['SELECT'], on('table', 'orders', 'sales', ...SALES)),
    {
      risk: 'removes',
      line: 18,
    },
  ),
  change(
    'role',
    role('etl_loader', { connectionLimit: 10, validUntil: '2026-12-31T00:00:00Z' }),
    role('etl_loader', { connectionLimit: 25, validUntil: '2027-06-30T00:00:00Z' }),
    { line: 27 },
  ),
  change(
    'setting',
    { role: 'etl_loader', database: 'orders', name: 'statement_timeout', value: '10s' },
    { role: 'etl_loader', database: 'orders', name: 'statement_timeout', value: '30s' },
    { line: 29 },
  ),
  change('role', null, role('reporting_ro', { login: false }), { line: 33, risk: 'safe' }),
  change('grant', null, grant('reporting_ro', ['CONNECT'], on('database', null, null, 'orders')), { line: 35 }),
  change('grant', null, grant('reporting_ro', ['USAGE'], on('schema', 'orders', null, 'sales')), { line: 35 }),
  change('grant', null, grant('reporting_ro', ['SELECT'], on('table', 'orders', 'sales', ...SALES.slice(0, 9))), { line: 35 }),
  change('grant', null, grant('reporting_ro', ['SELECT'], on('table', 'orders', 'sales', ...SALES.slice(9))), { line: 35 }),
  change('grant', null, grant('reporting_ro', ['SELECT'], on('sequence', 'orders', 'sales', 'orders_id_seq', 'items_id_seq')), {
    line: 35,
  }),
  change('default', null, later('reporting_ro', 'table', ['SELECT']), { line: 35 }),
  change('role', null, role('maria.k', { connectionLimit: 5, description: 'Maria, finance' }), { line: 52 }),
  change('membership', null, member('rds_iam', 'maria.k', { set: false }), { line: 53, risk: 'authentication' }),
  change('membership', null, member('reporting_ro', 'maria.k'), { line: 54, until: '2026-12-31', reason: 'OPS-1234' }),
  change('role', null, role('nightly'), { line: 60 }),
  change('password', null, { role: 'nightly', version: 1, reference: reference('env:NIGHTLY_PASSWORD') }, { line: 62 }),
  change('grant', null, grant('nightly', ['EXECUTE'], on('routine', 'orders', 'sales', 'refund(integer, text)')), { line: 64 }),
];

const mixed = plan(
  target('orders-prod', mixedChanges, {
    access: [
      {
        users: ['ada', 'bob', 'carl'],
        gains: [],
        loses: [
          {
            what: 'privileges',
            privileges: ['INSERT', 'UPDATE'],
            kind: 'table',
            database: 'orders',
            schema: 'sales',
            names: SALES.slice(0, 3),
            count: 14,
            via: ['contractors'],
          },
        ],
      },
      { users: ['j.doe'], gains: [], loses: [{ what: 'login', privileges: [], names: [], count: 0, via: ['direct'] }] },
      {
        users: ['maria.k'],
        gains: [
          { what: 'login', privileges: [], names: [], count: 0, via: [] },
          {
            what: 'privileges',
            privileges: ['SELECT'],
            kind: 'table',
            database: 'orders',
            schema: 'sales',
            names: SALES.slice(0, 3),
            count: 14,
            via: ['reporting_ro'],
          },
        ],
        loses: [],
      },
    ],
    transactions: [transaction('postgres'), transaction('postgres', [0], true), transaction('orders', [0])],
    steps: [
      step(0, 0, 'close', 'ALTER ROLE "j.doe" NOLOGIN', [0], 'postgres'),
      step(1, 0, 'create', 'CREATE ROLE "reporting_ro" NOLOGIN', [6], 'postgres'),
      step(2, 0, 'create', 'CREATE ROLE "nightly" LOGIN', [16], 'postgres'),
      {
        ...step(3, 0, 'create', `ALTER ROLE "nightly" PASSWORD ${reference('env:NIGHTLY_PASSWORD')}`, [17], 'postgres'),
        secret: reference('env:NIGHTLY_PASSWORD'),
      },
      step(4, 0, 'alter', 'ALTER ROLE "etl_loader" CONNECTION LIMIT 25 VALID UNTIL \'2027-06-30T00:00:00Z\'', [4], 'postgres'),
      step(
        5,
        1,
        'close',
        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = 'j.doe'",
        [1],
        'postgres',
      ),
      {
        ...step(6, 2, 'grant', `GRANT SELECT ON TABLE ${SALES.map((name) => `"sales"."${name}"`).join(', ')} TO "reporting_ro"`, [9, 10]),
        as: 'orders_owner',
      },
      step(7, 2, 'revoke', 'REVOKE INSERT, UPDATE ON TABLE "sales"."orders" FROM "contractors"', [3]),
      step(8, 2, 'drop', 'DROP ROLE "j.doe"', [0]),
    ],
    findings: [
      {
        severity: 'warning',
        code: 'guard/still-effective',
        message: "revoking UPDATE from 'contractors' changes nothing for 'bob', who is in 'orders_writer' too",
        hint: "take 'bob' out of one of the groups",
        target: 'orders-prod',
        source: at(18),
      },
    ],
    matches: [
      { selector: 'orders.sales', database: 'orders', kind: 'table', count: 14, source: at(35) },
      { selector: 'orders.sales', database: 'orders', kind: 'sequence', count: 2, source: at(35) },
      { selector: 'sales.refund(integer, text)', database: 'orders', kind: 'routine', count: 1, source: at(64) },
    ],
    unmanaged: { users: ['legacy_job', 'dba_tmp'], groups: [] },
    nextExpiry: '2026-12-31T23:59:59Z',
  }),
);

const nothing = plan(target('orders-prod', []), target('billing-prod', [], { unmanaged: { users: ['legacy'], groups: ['dba'] } }));

const blocked = plan(
  target(
    'orders-prod',
    [
      change('grant', grant('jane', ['SELECT'], on('table', 'orders', 'hr', 'salaries')), null, {
        line: 12,
        blocked: '\'SELECT\' was granted by \'postgres\', which rolecall may not act as; run: GRANT "postgres" TO "rolecall"',
      }),
      change('membership', member('orders_writer', 'jane'), null, { line: 12 }),
      change('role', role('olduser'), null, {
        cause: 'removed',
        line: 70,
        risk: 'destructive',
        blocked: "'olduser' owns objects in database 'archive', which could not be read",
      }),
    ],
    {
      unread: [{ database: 'archive', reason: 'permission denied for database "archive"' }],
      findings: [
        {
          severity: 'warning',
          code: 'inspect/unread',
          message: `database 'archive' was not read (permission denied for database "archive"): what it holds is not planned, and nothing there is changed`,
          hint: "let the login in, or take the database out of 'databases'",
          target: 'orders-prod',
          source: at(3),
        },
        {
          severity: 'note',
          code: 'plan/orphan',
          message: "group 'leftovers' carries our mark and is no longer declared",
          target: 'orders-prod',
        },
      ],
    },
  ),
);

const PEOPLE = Array.from({ length: 30 }, (_, index) => `user_${String(index + 1).padStart(2, '0')}`);
const removals = plan(
  target(
    'orders-prod',
    [
      ...PEOPLE.map((name) => change('role', role(name), role(name, { login: false }), { cause: 'absent', risk: 'removes' })),
      ...PEOPLE.map((name) => change('sessions', { role: name }, null, { cause: 'absent', risk: 'removes' })),
      ...PEOPLE.slice(0, 12).map((name) => change('membership', member('orders_reader', name), null, { line: 9 })),
      ...PEOPLE.slice(0, 6).map((name) =>
        change('grant', grant(name, ['SELECT', 'UPDATE*', 'UPDATE'], on('column', 'orders', 'sales', 'note', 'status')), null),
      ),
    ].map((each) =>
      each.kind === 'grant' && each.before ? { ...each, before: { ...each.before, on: { ...each.before.on, relation: 'orders' } } } : each,
    ),
    {
      access: [{ users: PEOPLE, gains: [], loses: [{ what: 'login', privileges: [], names: [], count: 0, via: ['direct'] }] }],
      findings: [
        {
          severity: 'error',
          code: 'guard/max-removals',
          message: "30 roles of target 'orders-prod' would lose something, 'max_removals' allows 10",
          hint: 'raise guard.max_removals or plan in smaller parts',
          target: 'orders-prod',
        },
      ],
    },
  ),
);

/** Names that attack a terminal, Markdown, HTML, workflow commands, SQL comments, and the eye. */
export const NASTY = [
  'esc\u001b[31mred\u001b[0m',
  'osc\u001b]0;title\u0007x',
  'bidi\u202egnp.exe',
  'zero\u200bwidth',
  'line\nbreak; DROP ROLE x; --',
  'tick```fence`one',
  '@octocat',
  '<img src=x onerror=alert(1)>',
  'pipe|cell',
  '::error file=x::boom',
  "quote\"s and 'apostrophes'",
  '日本語の役割',
  '../../etc/passwd#1',
  '--> *bold* [link](http://example.test)',
  'back\\slash',
  'lone\ud800surrogate',
  ' ',
];
const nasty = plan(
  target(
    'orders-prod',
    [
      ...NASTY.map((name, index) => change('role', null, role(name), { line: index + 1, file: 'access/a|b`c.yaml' })),
      ...NASTY.map((name) => change('membership', member(name, 'jane'), null, { line: 3 })),
      ...NASTY.map((name) => change('grant', null, grant(name, ['SELECT'], on('table', name, name, name)), { line: 4 })),
      change(
        'setting',
        null,
        { role: 'jane', database: NASTY[4] ?? '', name: 'search_path', value: [NASTY[0] ?? '', 'public'] },
        { line: 5 },
      ),
    ],
    {
      access: [
        {
          users: NASTY,
          gains: [],
          loses: [
            {
              what: 'privileges',
              privileges: ['SELECT'],
              kind: 'table',
              database: 'orders',
              schema: NASTY[7] ?? '',
              names: NASTY.slice(0, 3),
              count: 3,
              via: [NASTY[6] ?? ''],
            },
          ],
        },
      ],
      transactions: NASTY.slice(0, 5).map((name) => transaction(name)),
      steps: NASTY.slice(0, 5).map((name, index) =>
        step(index, index, 'create', `CREATE ROLE "${name.replaceAll('"', '""')}" LOGIN`, [index], name),
      ),
      unmanaged: { users: NASTY, groups: [] },
      unread: NASTY.slice(0, 3).map((name) => ({ database: name, reason: name })),
      findings: NASTY.map((name) => ({
        severity: 'warning' as const,
        code: 'plan/odd',
        message: `role '${name}' is odd`,
        hint: `see @octocat and ${name}`,
        target: name,
      })),
      matches: NASTY.map((name, index) => ({ selector: name, database: name, kind: 'table' as const, count: index })),
    },
  ),
);

const LOGINS = Array.from({ length: 1200 }, (_, index) => `login_${String(index).padStart(4, '0')}`);
const SCHEMAS = Array.from({ length: 40 }, (_, index) => `s${String(index).padStart(2, '0')}`);
const TABLES = Array.from({ length: 100 }, (_, index) => `t${String(index).padStart(3, '0')}`);
const huge = plan(
  target(
    'warehouse',
    [
      ...LOGINS.map((name, index) => change('role', null, role(name), { line: 100 + index, file: 'access/people.yaml' })),
      ...LOGINS.map((name, index) =>
        change('membership', null, member('analysts', name), { line: 100 + index, file: 'access/people.yaml' }),
      ),
      ...SCHEMAS.map((schema) => change('grant', null, grant('analysts', ['SELECT'], on('table', 'dwh', schema, ...TABLES)), { line: 7 })),
      change('role', role('old_bi'), null, { cause: 'removed', line: 12, risk: 'destructive' }),
      change('grant', grant('analysts', ['SELECT'], on('table', 'dwh', 'hr', ...SALES.slice(0, 9))), null, { line: 7 }),
    ],
    {
      transactions: [transaction('dwh')],
      steps: SCHEMAS.map((schema, index) =>
        step(
          index,
          0,
          'grant',
          `GRANT SELECT ON TABLE ${TABLES.map((name) => `"${schema}"."${name}"`).join(', ')} TO "analysts"`,
          [2400 + index],
          'dwh',
        ),
      ),
      read: { roles: 10_000, databases: 1, objects: 100_000, grants: 1_100_000 },
    },
  ),
);

const flip = plan(
  target(
    'orders-prod',
    [
      change('membership', null, member('rds_iam', 'app', { set: false }), { line: 22, risk: 'authentication' }),
      change('membership', member('rds_iam', 'jane', { set: false }), null, { line: 31, risk: 'authentication' }),
      change(
        'password',
        { role: 'jane', version: 1, reference: '' },
        { role: 'jane', version: 2, reference: reference('secret:arn:aws:secretsmanager:eu-west-1:123456789012:secret:jane') },
        { line: 33 },
      ),
      change('role', role('deploy', { createrole: false }), role('deploy', { createrole: true, createdb: true }), {
        line: 40,
        risk: 'grants',
      }),
      change('membership', null, member('deployers', 'deploy', { admin: true }), { line: 41 }),
      change(
        'ownership',
        { on: on('table', 'orders', 'sales', ...SALES), owner: 'postgres' },
        { on: on('table', 'orders', 'sales', ...SALES), owner: 'orders_owner' },
        { line: 50, risk: 'destructive' },
      ),
      change('role', role('team_b', { mark: null }), role('team_b'), { line: 55 }),
      change('grant', null, grant('deploy', ['SELECT', 'SELECT*'], on('table', 'orders', 'sales', 'orders', 'items')), { line: 42 }),
    ],
    {
      transactions: [transaction('postgres')],
      steps: [step(0, 0, 'open', 'GRANT "rds_iam" TO "app" WITH INHERIT TRUE, SET FALSE', [0], 'postgres')],
    },
  ),
);

const failed = plan(
  mixed.targets[0] as PlanTarget,
  target('billing-prod', [], {
    identity: { endpoint: 'billing.example.test:5432', system: null, version: '', login: 'rolecall' },
    read: { roles: 0, databases: 0, objects: 0, grants: 0 },
    findings: [
      {
        severity: 'error',
        code: 'connect/denied',
        message: "sign-in refused for 'rolecall_plan' (28P01)",
        hint: 'rolecall doctor --target billing-prod repeats the checks from your machine',
        target: 'billing-prod',
      },
    ],
  }),
  target('scratch', []),
);

/** Every case that has golden outputs in fixtures/render. */
export const PLANS: Readonly<Record<string, Plan>> = { mixed, nothing, blocked, removals, nasty, huge, flip, failed };
