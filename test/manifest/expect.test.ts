import { expect, test } from 'vitest';
import { expectationsOf } from '../../src/manifest/expect.ts';
import { readManifest } from '../../src/manifest/validate.ts';
import type { Expectation } from '../../src/model/proof.ts';

const manifest = (lines: readonly string[], engine = 'postgres'): string => `version: 1
stack: acme/access
targets:
  one: { engine: ${engine}, rds: { cluster: one, region: eu-west-1 }, login: { user: rolecall, auth: iam }${engine === 'postgres' ? ', databases: [orders]' : ''} }
iam: { account: "123456789012" }
existing: [dbt]
users:
  api: { auth: iam, principals: [role/api] }
  jane: { auth: password, password: "\${env:JANE}" }
${engine === 'postgres' ? 'removed: { former: { drop: true } }' : ''}
expect:
${lines.map((line) => `  - ${line}\n`).join('')}`;

const read = (lines: readonly string[], engine?: string): readonly Expectation[] => {
  const { manifest: content, findings } = readManifest([{ path: 'a.yaml', text: manifest(lines, engine) }]);
  if (content === null) return expect.fail(JSON.stringify(findings));
  return expectationsOf(content, ['one']);
};
const part = (text: string, literal = true) => ({ text, literal });

test.each([
  ['insert on public.orders', 'INSERT', 'table', part('public'), part('orders'), []],
  ['SELECT ON public.*', 'SELECT', 'table', part('public'), part('*', false), []],
  ['update (status, "a b") on public.orders', 'UPDATE', 'table', part('public'), part('orders'), ['status', 'a b']],
  ['select on table "odd.schema"."odd ""name"', 'SELECT', 'table', part('odd.schema'), part('odd "name'), []],
  ['usage on public', 'USAGE', 'schema', null, part('public'), []],
  ['usage on public.orders_id_seq', 'USAGE', null, part('public'), part('orders_id_seq'), []],
  ['usage on sequence public.orders_id_seq', 'USAGE', 'sequence', part('public'), part('orders_id_seq'), []],
  ['execute on public.refund(integer, text)', 'EXECUTE', 'routine', part('public'), part('refund(integer, text)'), []],
  ['own on function public.refund(integer)', 'OWN', 'routine', part('public'), part('refund(integer)'), []],
  ['own on public.orders', 'OWN', 'table', part('public'), part('orders'), []],
  ['own on public', 'OWN', 'schema', null, part('public'), []],
  ['create on database orders', 'CREATE', 'database', null, part('orders'), []],
  ['create on public', 'CREATE', 'schema', null, part('public'), []],
  ['temp on orders', 'TEMPORARY', 'database', null, part('orders'), []],
  ['set on log_statement', 'SET', 'parameter', null, part('log_statement'), []],
  ['alter system on work_mem', 'ALTER SYSTEM', 'parameter', null, part('work_mem'), []],
  ['usage on foreign server archive', 'USAGE', 'foreign_server', null, part('archive'), []],
])('%s', (text, privilege, kind, schema, name, columns) => {
  const [{ probes } = expect.fail()] = read([`{ user: jane, can: [${JSON.stringify(text)}] }`]);
  expect(probes).toMatchObject([{ text, can: true, privilege, kind, schema, name, columns }]);
});

test.each([
  ['an IAM user', '{ user: api }', { by: 'iam', as: null, login: 'allowed', database: 'orders' }],
  ['somebody as it', '{ as: role/other, user: api, login: denied }', { by: 'iam', as: { kind: 'role', name: 'other' }, login: 'denied' }],
  [
    'an ARN with a path',
    '{ as: "arn:aws:iam::123456789012:role/apps/other", user: api, login: denied }',
    { as: { kind: 'role', name: 'other', arn: 'arn:aws:iam::123456789012:role/apps/other' } },
  ],
  ['a password', '{ user: jane }', { by: 'password', as: null, password: { source: 'env', name: 'JANE' } }],
  ['somebody with a token as who has a password', '{ as: role/api, user: jane, login: denied }', { by: 'iam' }],
  ['who is removed', '{ as: role/api, user: former, login: denied }', { removed: true, by: 'iam' }],
  ['who is there', '{ user: dbt, cannot: [login] }', { login: 'denied', by: 'password', removed: false }],
  ['no object in a database', '{ user: jane, can: [connect on orders] }', { database: null }],
])('%s logs in as is expected', (_name, line, came) => {
  expect(read([line])).toMatchObject([came]);
});

test('each has its line, and those of the manifest keep their order', () => {
  const lines = ['{ user: jane, can: [login, select on s.t] }', '{ user: api, login: allowed, cannot: [select on s.t] }'];
  const first =
    manifest(lines)
      .split('\n')
      .findIndex((line) => line.startsWith('  - ')) + 1;
  const [jane, api] = read(lines);
  expect([jane!.source.line, jane!.loginSource.column, jane!.probes[0]!.source.column]).toEqual([first, 25, 32]);
  expect([api!.loginSource.line, api!.loginSource.column]).toEqual([first + 1, 25]);
});

test("words of another engine are its provider's", () => {
  const [{ probes, database } = expect.fail()] = read(['{ user: jane, can: [show view on invoices.lines] }'], 'mysql');
  expect({ probes, database }).toMatchObject({
    database: null,
    probes: [{ privilege: 'SHOW VIEW', kind: 'table', schema: part('invoices'), name: part('lines') }],
  });
});

test.each([
  ['select on shop.orders', 'SELECT', 'table', part('shop'), part('orders'), []],
  ['insert (id, `a b`) on view shop.shown', 'INSERT', 'table', part('shop'), part('shown'), ['id', 'a b']],
  ['delete on shop.*', 'DELETE', 'table', part('shop'), part('*', false), []],
  ['create temporary tables on shop', 'CREATE TEMPORARY TABLES', 'schema', null, part('shop'), []],
  ['own on database "odd.name"', 'OWN', 'schema', null, part('odd.name'), []],
  ['execute on shop.refund', 'EXECUTE', 'routine', part('shop'), part('refund'), []],
  ['own on function shop.tax', 'OWN', 'function', part('shop'), part('tax'), []],
  ['process on *.*', 'PROCESS', 'global', part('*', false), part('*', false), []],
  ['connection_admin on *.*', 'CONNECTION_ADMIN', 'global', part('*', false), part('*', false), []],
])('MySQL: %s', (text, privilege, kind, schema, name, columns) => {
  const [{ probes } = expect.fail()] = read([`{ user: jane, can: [${JSON.stringify(text)}] }`], 'mysql');
  expect(probes).toMatchObject([{ text, can: true, privilege, kind, schema, name, columns }]);
});

test.each([
  ['usage on shop.orders', 'manifest/unknown-privilege', /means none at all/],
  ['process on shop', 'manifest/unknown-privilege', /'process' is unknown for schemas/],
  ['truncate on shop.orders', 'manifest/unknown-privilege', /'truncate' is unknown for tables/],
  ['delete (id) on shop.orders', 'manifest/unknown-privilege', /'delete' is unknown for columns/],
  ['all on shop', 'manifest/unknown-privilege', /'all' is many privileges/],
  ['select (id) on shop', 'manifest/expect', /columns are of tables/],
  ['select on a.b.c', 'manifest/selector', /has 3 parts, expected the form schema\.object/],
  ['select shop.orders', 'manifest/expect', /is none of PRIVILEGE on OBJECT/],
])('MySQL refuses: %s', (text, code, message) => {
  const { findings } = readManifest([{ path: 'a.yaml', text: manifest([`{ user: jane, can: [${JSON.stringify(text)}] }`], 'mysql') }]);
  expect(findings.filter(({ severity }) => severity === 'error')).toMatchObject([{ code, message: expect.stringMatching(message) }]);
});
