import fs from 'node:fs';
import path from 'node:path';
import { PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { ModifyDBClusterCommand, RDSClient } from '@aws-sdk/client-rds';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { prove as proveHere } from '../../src/index.ts';
import type { Failure } from '../../src/model/finding.ts';
import type { Proof, Proofs } from '../../src/model/proof.ts';
import { proofsText } from '../../src/render/proofs.ts';
import { awsEnvironment, clientConfig, REGION } from '../lab/aws/moto.ts';
import { withMoto } from '../lab/aws/suite.ts';
import { issueCertificate } from '../lab/certificate.ts';
import { type AwsWorld, startAwsWorld } from './aws-world.ts';

/** Printed nowhere: parts of a token, and the passwords that the command is given. */
const SECRETS = /X-Amz-|Action=connect|DBUser=|jane-password|rolecall-master|SecretAccessKey|ASIA[A-Z0-9]{8}/;

withMoto('proofs', (moto) => {
  let world: AwsWorld;
  const printed: string[] = [];

  beforeAll(async () => {
    world = await startAwsWorld(moto());
    for (const role of ['orders-api', 'reports', 'nobody', 'elsewhere', 'denied']) await world.makeRole(role);
    const { server } = world.rds;
    await server.query(server.master, 'postgres', 'CREATE DATABASE app');
    await server.query(server.master, 'postgres', 'CREATE DATABASE closed');
    await server.query(server.master, 'postgres', 'REVOKE CONNECT ON DATABASE closed FROM PUBLIC');
    await server.query(server.master, 'app', OBJECTS);
    const { code, stdout, stderr } = await world.run('apply', '-m', world.manifest(USERS), '--auto-approve');
    expect({ code, out: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, out: '' });
    await server.query(server.master, 'postgres', 'REVOKE rds_iam FROM unmarked');
    await server.query(server.superuser, 'postgres', 'ALTER ROLE nologin NOLOGIN');
    await server.query(server.superuser, 'postgres', 'ALTER ROLE full CONNECTION LIMIT 0');
    await server.query(server.superuser, 'postgres', "ALTER ROLE jim PASSWORD 'another one'");
    await server.query(server.superuser, 'postgres', 'GRANT rds_iam TO joe');
    await server.query(server.superuser, 'postgres', "GRANT rds_ad TO ada; ALTER ROLE ada PASSWORD 'another one'");
    await allow('elsewhere', 'Allow', world.rds.arn('orders_api').replace(/cluster-[^/]*/, 'cluster-FORMER'));
    await allow('denied', 'Allow', '*');
    await allow('denied', 'Deny', world.rds.arn('orders_api'));
  });
  afterEach(() => world.refuse(null));
  afterAll(() => world?.close());

  const allow = async (role: string, effect: 'Allow' | 'Deny', resource: string) => {
    const statement = { Effect: effect, Action: 'rds-db:connect', Resource: resource };
    const document = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    await world.iam.send(
      new PutRolePolicyCommand({ RoleName: role, PolicyName: `some-${effect.toLowerCase()}`, PolicyDocument: document }),
    );
  };

  const OBJECTS = `
    CREATE SCHEMA s;
    CREATE TABLE s.orders (id serial PRIMARY KEY, status text, amount numeric DEFAULT 0, total numeric GENERATED ALWAYS AS (amount * 2) STORED);
    CREATE TABLE s.secrets (id int, body text);
    CREATE VIEW s.open_orders AS SELECT id, status FROM s.orders WHERE status = 'open';
    CREATE FUNCTION s.refund(n integer, why character varying) RETURNS integer LANGUAGE sql AS 'SELECT n';
    REVOKE EXECUTE ON FUNCTION s.refund(integer, character varying) FROM PUBLIC;
    CREATE SCHEMA owned;
    CREATE TABLE owned.kept (id int)`;

  const USERS = `iam: { account: "123456789012" }
groups:
  owners: { targets: [orders], grants: [{ privileges: [create], schemas: owned, database: app }] }
users:
  orders_api: { targets: [orders], auth: iam, principals: [role/orders-api], write: [app.s] }
  reports:
    targets: [orders]
    auth: iam
    principals: [role/reports]
    grants:
      - { privileges: [select], tables: s.orders, columns: [id, status], database: app }
      - { privileges: [insert], tables: s.orders, database: app }
      - { privileges: [usage], schemas: s, database: app }
      - { privileges: [execute], routines: "s.refund(int, varchar)", database: app }
  unmarked: { targets: [orders], auth: iam, principals: [role/reports] }
  nologin: { targets: [orders], auth: iam, principals: [role/reports] }
  full: { targets: [orders], auth: iam, principals: [role/reports] }
  jane: { targets: [orders], auth: password, password: "\${env:JANE}", read: [app.s] }
  jim: { targets: [orders], auth: password, password: "\${env:JANE}" }
  joe: { targets: [orders], auth: password, password: "\${env:JANE}" }
  ada: { targets: [orders], auth: password, password: "\${env:JANE}" }
`;
  const MISSING = '  not_made: { targets: [orders], auth: iam, principals: [role/reports] }\n';

  const run = async (file: string, ...args: readonly string[]) => {
    const ended = await world.run('prove', '-m', file, ...args);
    printed.push(ended.stdout, ended.stderr);
    return ended;
  };
  const manifest = (expected: readonly string[]): string =>
    world.manifest(`${USERS}${MISSING}expect:\n${expected.map((line) => `  - ${line}\n`).join('')}`);
  const prove = async (file: string) => {
    const { code, stdout, stderr } = await run(file, '--json');
    if (stdout === '') expect.fail(stderr);
    const result = JSON.parse(stdout) as Proofs;
    const text = proofsText(result, { width: 1000, colour: false, unicode: false });
    printed.push(text);
    for (const { status, cause } of result.proofs) if (status !== 'passed') expect(text).toContain(`[${cause}]`);
    return { code, proofs: result.proofs };
  };

  test('pass where all is as it is expected', async () => {
    const { code, proofs } = await prove(
      manifest([
        '{ target: orders, as: role/orders-api, user: orders_api, can: [select on s.orders, insert on s.orders, update on s.orders, delete on s.orders, select on s.open_orders, usage on schema s, usage on s.orders_id_seq, connect on app], cannot: [truncate on s.orders, own on s.orders, create on s, "execute on s.refund(integer, varchar)", "set on log_statement"] }',
        '{ target: orders, as: role/reports, user: reports, can: ["select (id, status) on s.orders", "execute on s.refund(int, character varying)"], cannot: [select on s.secrets, "select (amount) on s.orders", delete on s.*] }',
        '{ target: orders, as: role/reports, user: orders_api, login: denied }',
        '{ target: orders, as: role/nobody, user: orders_api, cannot: [login] }',
        '{ target: orders, as: role/denied, user: orders_api, login: denied }',
        '{ target: orders, as: role/orders-api, user: jane, login: denied }',
        '{ target: orders, as: role/reports, user: nologin, login: denied }',
        '{ target: orders, user: jane, can: [select on s.*], cannot: [insert on s.*] }',
      ]),
    );
    expect(proofs.filter(({ status }) => status !== 'passed')).toEqual([]);
    expect({ code, count: proofs.length }).toEqual({ code: 0, count: 28 });
    const why = proofs.flatMap(({ what, expected, cause }) => (what === 'login' && expected === 'denied' ? [cause] : []));
    expect(why).toEqual(['policy', 'policy', 'policy', 'no-iam-user', 'no-login']);
  });

  /** What is expected, and what it comes to. */
  type Case = readonly [name: string, line: string, came: readonly [Proof['status'], Proof['cause'], RegExp]];

  const check = async (cases: readonly Case[], file: string): Promise<number | null> => {
    const { code, proofs } = await prove(file);
    const came = cases.map(([name], index) => {
      const { status, cause, message, source } = proofs.filter(({ what }) => what === 'login')[index]!;
      const line = fs.readFileSync(file, 'utf8').split('\n')[source.line - 1]!;
      return [name, line.trim().replace(/^- /, ''), [status, cause, message]];
    });
    expect(came).toEqual(cases.map(([name, line, [status, cause, said]]) => [name, line, [status, cause, expect.stringMatching(said)]]));
    return code;
  };

  test('name the cause of every login that is not as it is expected', async () => {
    const cases: readonly Case[] = [
      ['no policy', '{ target: orders, as: role/nobody, user: orders_api }', ['failed', 'policy', /^no policy allows rds-db:connect on arn:aws:rds-db:eu-central-1:123456789012:dbuser:cluster-\w+\/orders_api$/]],
      ['a policy of another server', '{ target: orders, as: role/elsewhere, user: orders_api }', ['failed', 'resource-id', /allow arn:\S+:cluster-FORMER\/orders_api, and the server is arn:\S+:cluster-\w+\/orders_api$/]],
      ['a policy that denies', '{ target: orders, as: role/denied, user: orders_api }', ['failed', 'policy', /^a policy denies rds-db:connect on .*'some-deny', statement 1, denies$/]],
      ['no rds_iam', '{ target: orders, as: role/reports, user: unmarked }', ['failed', 'no-iam-user', /not marked for IAM/]],
      ['NOLOGIN', '{ target: orders, as: role/reports, user: nologin }', ['failed', 'no-login', /is not permitted to log in/]],
      ['no such user', '{ target: orders, as: role/reports, user: not_made }', ['failed', 'no-user', /^there is no user 'not_made' on the server$/]],
      ['no such user, denied', '{ target: orders, as: role/reports, user: not_made, login: denied }', ['failed', 'no-user', /^denied for another reason than is meant: /]],
      ['connection limit', '{ target: orders, as: role/reports, user: full }', ['failed', 'limit', /^too many connections/]],
      ['connection limit, denied', '{ target: orders, as: role/reports, user: full, login: denied }', ['failed', 'limit', /^denied for another reason than is meant: too many/]],
      ['wrong password', '{ target: orders, user: jim }', ['failed', 'password', /password of 'jim' is wrong/]],
      ['wrong password, denied', '{ target: orders, user: jim, login: denied }', ['failed', 'password', /^denied for another reason/]],
      ['password of an IAM user', '{ target: orders, user: joe }', ['failed', 'iam-only', /it is marked for IAM/]],
      ['password of a Kerberos user', '{ target: orders, user: ada }', ['failed', 'kerberos', /^it is under rds_ad/]],
      ['let in and not to be', '{ target: orders, as: role/orders-api, user: orders_api, login: denied }', ['failed', 'let-in', /^'role\/orders-api' was let in as 'orders_api': policy '.*', allows$/]],
      ['an IAM user', '{ target: orders, as: user/kim, user: orders_api, login: denied }', ['unproven', 'not-assumed', /it is an IAM user; its policies, as far as they are read, do not let it in$/]],
      ['no such role', '{ target: orders, as: role/imagined, user: orders_api, login: denied }', ['unproven', 'not-assumed', /there is no such role in account 123456789012/]],
      ['no CONNECT', '{ target: orders, as: role/orders-api, user: orders_api, database: closed }', ['failed', 'no-connect', /may not connect to the database 'closed'/]],
      ['no CONNECT, denied', '{ target: orders, as: role/orders-api, user: orders_api, database: closed, login: denied }', ['failed', 'no-connect', /^denied for another reason/]],
    ]; // biome-ignore format: a table
    const file = manifest(cases.map(([, line]) => line));
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('databases: [app]', 'databases: [app, closed]'));
    expect(await check(cases, file)).toBe(1);
  });

  test('tell a network, TLS and a certificate from a login that is kept out', async () => {
    const { rds } = world;
    const other = path.join(world.command.home, 'other-ca.pem');
    fs.writeFileSync(other, issueCertificate({}).authority);
    const wrong: readonly (readonly [Proof['cause'], RegExp, string, string])[] = [
      ['tls', /does not speak TLS/, `port: ${rds.via.port}`, `port: ${rds.server.port}`],
      ['certificate', /is signed by nobody who is trusted here/, rds.caFile, other],
      ['network', /nothing listens on port 9/, `port: ${rds.via.port}`, 'port: 9'],
    ];
    for (const [cause, said, from, to] of wrong) {
      const cases = ['allowed', 'denied'].map(
        (login): Case => [login, `{ target: orders, as: role/nobody, user: orders_api, login: ${login} }`, ['failed', cause, said]],
      );
      const file = manifest(cases.map(([, line]) => line));
      fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(from, to));
      expect(await check(cases, file)).toBe(1);
    }
  });

  test('fail where IAM authentication is off, also for who shall be kept out', async () => {
    const rds = new RDSClient({ ...clientConfig(moto()), region: REGION });
    const turn = (on: boolean) =>
      rds.send(
        new ModifyDBClusterCommand({
          DBClusterIdentifier: world.rds.identifier,
          EnableIAMDatabaseAuthentication: on,
          ApplyImmediately: true,
        }),
      );
    await turn(false);
    const cases: readonly Case[] = [
      [
        'who may',
        '{ target: orders, as: role/orders-api, user: orders_api }',
        ['failed', 'iam-off', /IAM authentication of the server is off/],
      ],
      [
        'who may not',
        '{ target: orders, as: role/nobody, user: orders_api, login: denied }',
        ['failed', 'iam-off', /another reason than is meant/],
      ],
      ['a password', '{ target: orders, user: jane }', ['passed', null, /logged in/]],
    ];
    expect(await check(cases, manifest(cases.map(([, line]) => line)))).toBe(1);
    await turn(true);
    rds.destroy();
  });

  test('are none where a role cannot be assumed, and say what its policies say', async () => {
    world.refuse('AssumeRole');
    const cases: readonly Case[] = [
      ['who may', '{ target: orders, as: role/orders-api, user: orders_api }', ['unproven', 'not-assumed', /cannot be assumed: sts:AssumeRole .* its policies, as far as they are read, let it in \(policy '.*', allows\)$/]],
      ['who may not', '{ target: orders, as: role/nobody, user: orders_api, login: denied }', ['unproven', 'not-assumed', /do not let it in$/]],
    ]; // biome-ignore format: a table
    const file = manifest(cases.map(([, line]) => line));
    expect(await check(cases, file)).toBe(3);
    expect((await run(file, '--allow-unproven')).code).toBe(0);
  });

  test('say what AWS did not tell, and prove what can be proven without it', async () => {
    const may = '{ target: orders, as: role/orders-api, user: orders_api }';
    const mayNot = '{ target: orders, as: role/nobody, user: orders_api, login: denied }';
    const file = manifest([may, mayNot]);
    world.refuse('GetRole');
    const unread: readonly Case[] = [
      ['who may', may, ['passed', null, /logged in/]],
      [
        'who may not',
        mayNot,
        ['unproven', 'unexplained', /^denied, and why is not known: .* is not known \('role\/nobody': .*iam:GetRole/],
      ],
    ];
    expect(await check(unread, file)).toBe(3);
    world.refuse('DescribeDBClusters');
    const nowhere: readonly Case[] = [
      ['who may', may, ['unproven', 'target', /^rds:DescribeDBClusters .*is not allowed/]],
      ['who may not', mayNot, ['unproven', 'target', /^rds:DescribeDBClusters/]],
    ];
    expect(await check(nowhere, file)).toBe(3);
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(`cluster: ${world.rds.identifier}`, 'cluster: order-prod'));
    world.refuse(null);
    const unknown: readonly Case[] = [
      ['who may', may, ['failed', 'target', /^there is no cluster 'order-prod'/]],
      ['who may not', mayNot, ['failed', 'target', /^there is no cluster/]],
    ];
    expect(await check(unknown, file)).toBe(1);
  });

  describe('of rights', () => {
    test('fail with what is missing, and with what is there and should not be', async () => {
      const as = 'target: orders, as: role/reports, user: reports';
      const file = manifest([
        `{ ${as}, can: [insert on s.orders, update on s.orders, select on s.orders, select on owned.kept, select on s.missing, own on s.orders], cannot: [select on s.orders, insert on s.orders, "execute on s.refund", usage on s, select on s.nothing_*, select on s.missing] }`,
      ]);
      const { code, proofs } = await prove(file);
      const came = proofs.slice(1).map(({ what, status, cause, message }) => [what, status, cause, message]);
      expect(came).toEqual([
        ['insert on s.orders', 'failed', 'permission', expect.stringMatching(/take numbers from s\.orders_id_seq, which may not be used$/)],
        ['update on s.orders', 'failed', 'permission', 'denied: permission denied for table orders'],
        ['select on s.orders', 'failed', 'permission', 'denied: permission denied for table orders'],
        ['select on owned.kept', 'failed', 'permission', 'denied: permission denied for schema owned'],
        ['select on s.missing', 'failed', 'object', "there is no table 's.missing'"],
        ['own on s.orders', 'failed', 'permission', 'denied: s.orders is not owned'],
        ['select on s.orders', 'failed', 'permission', 'SELECT is held on the columns id, status'],
        ['insert on s.orders', 'failed', 'permission', 'INSERT on s.orders is permitted'],
        ['execute on s.refund', 'failed', 'permission', expect.stringContaining('is held')],
        ['usage on s', 'failed', 'permission', 'USAGE on s is held'],
        ['select on s.nothing_*', 'unproven', 'object', "no table matches 's.nothing_*'"],
        ['select on s.missing', 'failed', 'object', "there is no table 's.missing'"],
      ]);
      expect(code).toBe(1);
      const rows = await world.rds.server.query(world.rds.server.superuser, 'app', 'SELECT count(*)::int AS n FROM s.orders');
      expect(rows).toEqual([{ n: 0 }]);
    });
  });

  test('are told as text, as JUnit and as Markdown, and a file gets what is asked for', async () => {
    const file = manifest(['{ target: orders, as: role/nobody, user: orders_api }', '{ target: orders, user: jane }']);
    const text = await run(file);
    expect(text.stdout).toMatch(/^FAILED {3}role\/nobody as orders_api at orders\/app: login/m);
    expect(text.stdout).toMatch(/^passed {3}jane at orders\/app: login/m);
    expect(text.stdout).toMatch(/^Proofs: 1 passed, 1 failed, 0 unproven\.$/m);
    const out = path.join(world.command.home, 'proofs.xml');
    const junit = await run(file, '--format', 'junit', '--out', out);
    expect(junit.stdout).toMatch(/^Proofs: 1 passed/m);
    expect(fs.readFileSync(out, 'utf8')).toMatch(/<failure type="policy" message="no policy allows rds-db:connect on arn:/);
    printed.push(fs.readFileSync(out, 'utf8'), (await run(file, '--format', 'markdown')).stdout);
    expect(printed.at(-1)).toMatch(/^### ❌ Access proofs: 1 passed, 1 failed, 0 unproven$/m);
  });

  test('are a value to a program, and none where nothing is expected', async () => {
    const environment = { ...awsEnvironment(world.aws), ROLECALL_MASTER: world.rds.server.master.password, JANE: 'jane-password' };
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const file = manifest(['{ target: orders, as: role/orders-api, user: orders_api }', '{ target: orders, user: jane }']);
    expect(await proveHere({ manifest: [file], targets: ['orders'] })).toMatchObject({ summary: { passed: 2, failed: 0, unproven: 0 } });
    const refused = async (more: object) =>
      await proveHere({ manifest: [file], ...more }).then(
        () => 'proven',
        ({ findings }: Failure) => findings[0]!.code,
      );
    expect(await refused({ targets: ['order'] })).toBe('manifest/unknown-target');
    expect(await refused({ manifest: [world.manifest(USERS)] })).toBe('prove/nothing');
    expect(await refused({ signal: AbortSignal.abort() })).toBe('prove/interrupted');
    vi.unstubAllEnvs();
  });

  test('never show a token or a password', () => {
    expect(printed.length).toBeGreaterThan(10);
    expect(world.rds.server.master.password.length).toBeGreaterThan(5);
    expect(printed.filter((text) => SECRETS.test(text) || text.includes(world.rds.server.master.password))).toEqual([]);
  });
});
