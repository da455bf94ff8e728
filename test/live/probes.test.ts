import { beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { expectationsOf } from '../../src/manifest/expect.ts';
import { readManifest } from '../../src/manifest/validate.ts';
import type { Target } from '../../src/model/declared.ts';
import type { Came } from '../../src/model/proof.ts';
import { prove } from '../../src/providers/postgres/prove.ts';
import { eachMajor } from '../lab/majors.ts';

/* What a user can do, tried on every major as that user. */

const PASSWORD = 'jane-password';

eachMajor((server, major) => {
  beforeAll(async () => {
    await server().query(server().superuser, 'postgres', 'CREATE DATABASE app');
    await server().query(server().superuser, 'app', OBJECTS);
    if (major >= 15) await server().query(server().superuser, 'app', 'GRANT SET ON PARAMETER log_statement TO jane');
    if (major >= 17) await server().query(server().superuser, 'app', 'GRANT MAINTAIN ON s.orders TO jane');
  });
  beforeEach(() => {
    vi.stubEnv('JANE', PASSWORD);
    return () => vi.unstubAllEnvs();
  });

  const OBJECTS = `
    CREATE ROLE jane LOGIN PASSWORD '${PASSWORD}';
    CREATE ROLE owners; GRANT owners TO jane;
    CREATE SCHEMA s; CREATE SCHEMA hidden; CREATE SCHEMA hers AUTHORIZATION jane;
    CREATE TABLE s.orders (id serial, number int GENERATED ALWAYS AS IDENTITY, amount int, total int GENERATED ALWAYS AS (amount * 2) STORED);
    CREATE TABLE s.parts (id int) PARTITION BY LIST (id); CREATE TABLE s.part_1 PARTITION OF s.parts FOR VALUES IN (1);
    CREATE TABLE s.plain (a int, b int); CREATE TABLE s."od.d ""name" (a int);
    CREATE TABLE hidden.seen (a int); CREATE TABLE hers.others (a int);
    CREATE TABLE s.hers (a int); ALTER TABLE s.hers OWNER TO owners;
    CREATE VIEW s.sums AS SELECT count(*) AS n FROM s.orders; CREATE VIEW s.all_plain AS SELECT * FROM s.plain;
    CREATE MATERIALIZED VIEW s.kept AS SELECT 1 AS one;
    CREATE FUNCTION s.add(a int, b int) RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE FUNCTION s.add(a text) RETURNS int LANGUAGE sql AS 'SELECT 1';
    REVOKE EXECUTE ON FUNCTION s.add(text) FROM PUBLIC;
    CREATE TYPE s.colour AS ENUM ('red'); CREATE TYPE s.closed AS ENUM ('x'); REVOKE USAGE ON TYPE s.closed FROM PUBLIC;
    CREATE SEQUENCE s.numbers; CREATE SEQUENCE s.shut;
    CREATE FOREIGN DATA WRAPPER files; CREATE SERVER archive FOREIGN DATA WRAPPER files;
    GRANT USAGE ON SCHEMA s TO jane; GRANT USAGE ON FOREIGN SERVER archive TO jane;
    GRANT SELECT ON hidden.seen, s.sums, s.all_plain, s.kept, s.parts, s."od.d ""name" TO jane;
    GRANT SELECT, INSERT, UPDATE ON s.orders TO jane; GRANT USAGE ON s.orders_id_seq TO jane;
    GRANT INSERT ON s.all_plain TO jane; GRANT TRUNCATE, TRIGGER ON s.plain TO jane; GRANT SELECT (a), REFERENCES (a) ON s.plain TO jane;
    GRANT USAGE, SELECT ON s.numbers TO jane`;

  const target = (): Target => ({
    name: 'one',
    engine: 'postgres',
    endpoint: { kind: 'explicit', host: '127.0.0.1', port: server().port, tls: 'disable' },
    login: { user: 'jane', auth: 'password', password: { source: 'env', name: 'JANE', text: '${env:JANE}' } },
    databases: ['app'],
    maintenanceDatabase: 'postgres',
    defaultsFor: {},
    manage: 'exact',
    source: { file: 'a.yaml', line: 1, column: 1 },
  });
  const tried = async (can: readonly string[], cannot: readonly string[] = []): Promise<readonly (readonly [string, ...unknown[]])[]> => {
    const text = `version: 1
stack: acme/access
targets: { one: { engine: postgres, endpoint: { host: localhost }, databases: [app], login: { user: x } } }
users: { jane: { auth: password, password: "\${env:JANE}" } }
expect: [${JSON.stringify({ user: 'jane', can, cannot })}]`;
    const { manifest, findings } = readManifest([{ path: 'a.yaml', text }]);
    if (manifest === null) return expect.fail(JSON.stringify(findings));
    const [{ probes }] = expectationsOf(manifest, ['one']) as [ReturnType<typeof expectationsOf>[number]];
    const came = await prove.attempt({ target: target(), database: 'app', probes });
    if (!came.letIn) return expect.fail(came.message);
    return came.probes.map(({ status, message }: Came, index) => [probes[index]!.text, status, message] as const);
  };
  const passing = async (can: readonly string[], cannot: readonly string[] = []) => {
    const others = (await tried(can, cannot)).filter(([, status]) => status !== 'passed');
    expect(others).toEqual([]);
  };

  test('what is granted can be done, what is not cannot, and nothing is done', async () => {
    await passing(
      [
        'select on s.orders',
        'insert on s.orders',
        'update on s.orders',
        'select on s.parts',
        'select on s.sums',
        'select on s.kept',
        'insert on s.all_plain',
        'select on s."od.d ""name"',
        'select (a) on s.plain',
        'truncate on s.plain',
        'trigger on s.plain',
        'select on sequence s.numbers',
        'usage on s.numbers',
        'usage on s.colour',
        'execute on s.add(integer, int4)',
        'usage on s',
        'connect on app',
        'usage on language sql',
        'usage on foreign server archive',
        'own on hers',
        'own on s.hers',
        ...(major >= 15 ? ['set on log_statement'] : []),
        ...(major >= 17 ? ['maintain on s.orders'] : []),
      ],
      [
        'delete on s.orders',
        'delete on s.p*',
        'insert on s.plain',
        'update on s.sums',
        'select (b) on s.plain',
        'select on hidden.seen',
        'select on s.part_1',
        'update on sequence s.numbers',
        'usage on s.shut',
        'usage on s.closed',
        'execute on s.add(text)',
        'create on s',
        'create on database app',
        'usage on foreign data wrapper files',
        'create on tablespace pg_default',
        'own on s.orders',
        'own on database app',
        'own on function s.add(text)',
        ...(major >= 15 ? ['set on log_duration'] : []),
      ],
    );
    const rows = await server().query(
      server().superuser,
      'app',
      'SELECT (SELECT count(*)::int FROM s.orders) AS rows, (SELECT is_called FROM s.orders_id_seq) AS called',
    );
    expect(rows).toEqual([{ rows: 0, called: false }]);
  });

  test('what is held in part is neither', async () => {
    const came = await tried(
      ['select on s.plain', 'execute on s.add', 'select on s.*', 'own on hers.others'],
      ['select on s.plain', 'references on s.plain', 'execute on s.add', 'own on hers.others', 'update on s.*'],
    );
    expect(came.map(([, status]) => status)).toEqual(came.map(() => 'failed'));
    expect(came.slice(4).map(([, , message]) => message)).toEqual([
      'SELECT is held on the column a',
      'REFERENCES is held on the column a',
      expect.stringMatching(/^s\.add\(.*integer\): EXECUTE on s\.add\(.*integer\) is held$/),
      'hers.others is not owned, but its schema hers is: whoever owns that can drop it',
      expect.stringMatching(/^s\.hers: .*\(and \d more of \d+ objects\)$/),
    ]);
  });

  test('what cannot be asked is unproven, and what is not there is neither permitted nor denied', async () => {
    await server().query(server().superuser, 'app', 'SELECT lo_create(4711)');
    expect(
      await tried([], ['select on large object 4711', 'maintain on s.plain', 'select on s.none', 'usage on s.none', 'set on work_mem']),
    ).toEqual([
      major >= 18
        ? ['select on large object 4711', 'passed', 'denied: SELECT on "4711" is not held']
        : ['select on large object 4711', 'unproven', expect.stringContaining('before PostgreSQL 18')],
      major >= 17
        ? ['maintain on s.plain', 'passed', expect.stringContaining('is not held')]
        : ['maintain on s.plain', 'unproven', expect.stringContaining('MAINTAIN')],
      ['select on s.none', 'failed', "there is no table 's.none'"],
      ['usage on s.none', 'failed', "there is no sequence or type 's.none'"],
      major >= 15
        ? ['set on work_mem', 'passed', 'denied: SET on work_mem is not held']
        : ['set on work_mem', 'unproven', expect.stringContaining('before PostgreSQL 15')],
    ]);
  });
});
