import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { proveManifest } from '../../../src/engine/prove.ts';
import type { Proof } from '../../../src/model/proof.ts';
import { scratchDir } from '../../lab/files.ts';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { settle } from './scenario.ts';

const PASSWORD = 'canary-password-of-jane';

eachMysql((server) => {
  const BODY = `users:
  jane: { auth: password, password: "\${env:JANE}", write: [shop], grants: [{ privileges: [execute], routines: shop.refund }, { privileges: [process], global: true }] }
  joe:
    auth: password
    password: "\${env:JANE}"
    groups: [readers]
    grants: [{ privileges: [select, update], tables: shop.orders, columns: [id, status] }, { privileges: [select], tables: shop.shown }]
  owner: { auth: password, password: "\${env:JANE}", groups: [owners] }
  shut: { auth: password, password: "\${env:JANE}", enabled: false }
  moved: { auth: password, password: "\${env:JANE}" }
  strict: { auth: password, password: "\${env:JANE}", require: ssl }
  far: { auth: password, password: "\${env:JANE}", hosts: ["10.%"] }
  full: { auth: password, password: "\${env:JANE}" }
  old: { auth: password, password: "\${env:JANE}" }
groups: { readers: { read: [hr] }, owners: { own: [shop] } }
`;
  const LATER = '  not_made: { auth: password, password: "${env:JANE}" }\n  JANE: { auth: password, password: "${env:JANE}" }\n';
  const dir = scratchDir({});
  const prove = async (expected: readonly string[]): Promise<readonly Proof[]> => {
    const text = `version: 1
stack: test/access
targets:
  t:
    engine: ${server().flavour}
    endpoint: { host: 127.0.0.1, port: ${server().port}, tls: disable }
    login: { user: master, password: "\${env:ROLECALL_TEST_MASTER}" }
${BODY.replace('groups: {', `${LATER}groups: {`)}expect:
${expected.map((line) => `  - { target: t, ${line} }\n`).join('')}`;
    fs.writeFileSync(path.join(dir, 'access.yaml'), text);
    const options = { manifest: [dir], target: [], signal: new AbortController().signal };
    return (await proveManifest(options, () => new Date('2026-06-01T00:00:00Z'))).proofs;
  };

  beforeAll(async () => {
    process.env.JANE = PASSWORD;
    const { query, superuser } = server();
    await query(
      superuser,
      'CREATE SCHEMA shop',
      'CREATE SCHEMA hr',
      'CREATE TABLE shop.orders (id int PRIMARY KEY, status varchar(9), amount int NOT NULL, total int AS (amount * 2) STORED, made datetime DEFAULT CURRENT_TIMESTAMP)',
      'CREATE TABLE shop.secrets (id int, body text)',
      'CREATE VIEW shop.shown AS SELECT id, status FROM shop.orders',
      'CREATE VIEW shop.counted AS SELECT COUNT(*) AS n FROM shop.orders',
      'CREATE VIEW shop.broken AS SELECT id FROM shop.secrets',
      'CREATE TABLE hr.people (id int)',
      'CREATE PROCEDURE shop.refund(n int) SELECT n',
      'CREATE FUNCTION shop.tax(n int) RETURNS int DETERMINISTIC RETURN n',
    );
    await settle(server(), BODY);
    await query(
      superuser,
      'DROP TABLE shop.secrets',
      'CREATE TABLE shop.secrets (another int)',
      "ALTER USER moved@'%' IDENTIFIED BY 'another-1234'",
      "ALTER USER full@'%' WITH MAX_USER_CONNECTIONS 1",
      "ALTER USER old@'%' PASSWORD EXPIRE",
    );
  });

  test('pass where all is as it is expected, and nothing is changed by it', async () => {
    const before = await server().query(server().superuser, 'CHECKSUM TABLE shop.orders, hr.people, mysql.db, mysql.tables_priv');
    const proofs = await prove([
      'user: jane, can: [select on shop.orders, insert on shop.orders, update on shop.orders, delete on shop.orders, select on shop.shown, execute on procedure shop.refund, show view on shop, process on *.*], cannot: [create on shop, own on shop.orders, own on shop, execute on function shop.tax, select on hr.*, select on mysql.user, reload on *.*]',
      'user: joe, can: ["select (id, status) on shop.orders", "update (status) on shop.orders", select on hr.people], cannot: ["select (amount) on shop.orders", insert on shop.orders, delete on shop.*, select on shop.secrets, insert on hr.people]',
      'user: owner, can: [own on shop.orders, own on shop, own on procedure shop.refund, create on shop, select on shop.orders], cannot: [own on hr, create on hr]',
      'user: shut, login: denied',
      'user: full, can: [login]',
    ]);
    expect(proofs.filter(({ status }) => status !== 'passed').map(({ what, status, message }) => [what, status, message])).toEqual([]);
    expect(proofs.length).toBe(35);
    expect(await server().query(server().superuser, 'CHECKSUM TABLE shop.orders, hr.people, mysql.db, mysql.tables_priv')).toEqual(before);
  });

  test('what is not so fails, with why', async () => {
    const proofs = await prove([
      'user: joe, can: [select on shop.orders, select on shop.secrets, insert on shop.counted, select on shop.*, create on hr], cannot: [select on shop.orders, select on hr, select on *.*, select on hr.people]',
      'user: jane, can: [select on shop.nothing, select on shop.broken, execute on shop.nothing, create on nothing, select on no*.*], cannot: [select on shop.nothing, show view on shop.orders, insert on shop.counted, process on *.*]',
    ]);
    expect(proofs.map(({ what, expected, status, cause, message }) => `${status} ${cause} ${expected} ${what}: ${message}`)).toEqual([
      'passed null allowed login: logged in',
      expect.stringMatching(
        /^failed permission allowed select on shop\.orders: denied: SELECT command denied to user 'joe'@'127\.0\.0\.1' for column/,
      ),
      expect.stringMatching(/^failed permission allowed select on shop\.secrets: denied: SELECT command denied/),
      expect.stringMatching(/^failed permission allowed insert on shop\.counted: /),
      expect.stringMatching(/^failed (object|permission) allowed select on shop\.\*: /),
      'failed permission allowed create on hr: denied: CREATE on hr is not held',
      'failed permission denied select on shop.orders: SELECT is permitted on the columns id, status',
      'failed permission denied select on hr: SELECT on hr is held (by readers)',
      'failed permission denied select on *.*: SELECT on hr is held (by readers)',
      'failed permission denied select on hr.people: SELECT on hr.people is permitted',
      'passed null allowed login: logged in',
      "failed object allowed select on shop.nothing: there is no table 'shop.nothing'",
      expect.stringMatching(/^failed object allowed select on shop\.broken: View 'shop\.broken' references invalid/),
      "failed object allowed execute on shop.nothing: there is no routine 'shop.nothing'",
      "failed object allowed create on nothing: there is no schema 'nothing'",
      "unproven object allowed select on no*.*: no table matches 'no*.*'",
      "failed object denied select on shop.nothing: there is no table 'shop.nothing'",
      'failed permission denied show view on shop.orders: SHOW VIEW on shop.orders is held',
      expect.stringMatching(/^passed null denied insert on shop\.counted: nobody can: /),
      'failed permission denied process on *.*: PROCESS on *.* is held',
    ]);
  });

  test('a login that is denied says the cause, and passes as denied where it is this login that is kept out', async () => {
    const held = await server().connect({ user: 'full', password: PASSWORD });
    const proofs = await prove([
      'user: moved, login: allowed',
      'user: shut, login: allowed',
      'user: strict, login: denied',
      'user: far, login: denied',
      'user: full, login: denied',
      'user: not_made, login: denied',
      'user: JANE, login: allowed',
      'user: old, login: allowed',
      'user: jane, login: denied',
    ]);
    await held.end();
    expect(proofs.map(({ user, status, cause }) => `${user} ${status} ${cause}`)).toEqual([
      'moved failed password',
      'shut failed no-login',
      'strict failed not-admitted',
      'far failed not-admitted',
      'full failed limit',
      'not_made failed no-user',
      'JANE failed no-user',
      'old failed no-login',
      'jane failed let-in',
    ]);
    expect(proofs[2]!.message).toContain('TLS (REQUIRE SSL)');
    expect(proofs[3]!.message).toContain("an account for '127.0.0.1', and has those for '10.%'");
    expect(proofs[6]!.message).toContain("but one called 'jane'");
    expect(JSON.stringify(proofs)).not.toContain(PASSWORD);
  });

  test('what Rolecall cannot look up is unproven, and no pass', async () => {
    const { query, superuser, master } = server();
    await query(superuser, "ALTER USER master@'%' ACCOUNT LOCK");
    const proofs = await prove(['user: jane, cannot: [select on shop.nothing]']);
    await query(superuser, "ALTER USER master@'%' ACCOUNT UNLOCK");
    expect(proofs.map(({ status, cause }) => [status, cause])).toEqual([
      ['passed', null],
      ['unproven', 'other'],
    ]);
    expect(JSON.stringify(proofs)).not.toContain(master.password);
  });

  afterAll(() => {
    delete process.env.JANE;
    fs.rmSync(dir, { recursive: true, force: true });
  });
});
