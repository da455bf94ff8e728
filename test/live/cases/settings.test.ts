import { beforeAll, expect, test } from 'vitest';
import { isError } from '../../../src/model/finding.ts';
import { eachMajor } from '../../lab/majors.ts';
import type { Postgres } from '../../lab/postgres.ts';
import { applyOn, changesOf, planOn, sqlOf } from '../scenario.ts';
import { asMaster, settle } from './settle.ts';

const configOf = async (server: Postgres, role: string, database: string | null = null): Promise<unknown> =>
  (
    await server.query(
      server.superuser,
      'postgres',
      `SELECT s.setconfig AS config FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase WHERE s.setrole = $1::text::regrole AND d.datname IS NOT DISTINCT FROM $2`,
      [role, database],
    )
  )[0]?.config;

eachMajor((server, major) => {
  const target = { target: 'databases: [app]' };
  beforeAll(async () => {
    process.env.SET = 'set-password';
    await asMaster(server(), ['postgres', 'CREATE DATABASE app'], ['postgres', 'CREATE DATABASE apart']);
  });
  const user = (name: string, rest: string) => `users:\n  ${name}: { auth: password, password: "\${env:SET}", ${rest} }`;

  test('a list that the server already has is no change, however it is quoted', async () => {
    const s = server();
    await asMaster(s, ['postgres', `CREATE ROLE lists LOGIN; ALTER ROLE lists SET search_path = a, b`]);
    const plan = await settle(s, user('lists', 'settings: { search_path: [a, b] }'), { ...target, stack: 'test/lists' });
    expect(changesOf(plan)).toEqual(['~ role lists']);
    expect(await configOf(s, 'lists')).toEqual(['search_path=a, b']);
  });

  test('the elements of a list are sent one by one: a comma or a quote in a name stays in it', async () => {
    const s = server();
    const own = { ...target, stack: 'test/quoted' };
    const names = ['a', 'B c', 'with, comma', 'quo"te', "apos'trophe", '$user', 'back\\slash'];
    const plan = await settle(s, user('quoted', `settings: { search_path: ${JSON.stringify(names)} }`), own);
    expect(sqlOf(plan).find((sql) => sql.includes('search_path'))).toContain(`SET "search_path" = 'a', 'B c', 'with, comma'`);
    expect(await s.query({ user: 'quoted', password: 'set-password' }, 'postgres', 'SHOW search_path')).toEqual([
      { search_path: `a, "B c", "with, comma", "quo""te", "apos'trophe", "$user", "back\\slash"` },
    ]);
  });

  test('an empty list is a search path of nothing', async () => {
    const s = server();
    const own = { ...target, stack: 'test/emptied' };
    await settle(s, user('emptied', 'settings: { search_path: [""] }'), own);
    expect(await s.query({ user: 'emptied', password: 'set-password' }, 'postgres', 'SHOW search_path')).toEqual([{ search_path: '""' }]);
  });

  test('settings are set, changed and reset, for the role and for the role in a database', async () => {
    const s = server();
    const own = { ...target, stack: 'test/scopes' };
    await settle(
      s,
      user('scopes', 'settings: { statement_timeout: 30s, work_mem: 8MB }, database_settings: { app: { work_mem: 16MB } }'),
      own,
    );
    expect(await configOf(s, 'scopes')).toEqual(['statement_timeout=30s', 'work_mem=8MB']);
    expect(await configOf(s, 'scopes', 'app')).toEqual(['work_mem=16MB']);
    expect(await s.query({ user: 'scopes', password: 'set-password' }, 'app', 'SHOW work_mem')).toEqual([{ work_mem: '16MB' }]);
    const plan = await settle(s, user('scopes', 'settings: { statement_timeout: 1min, lock_timeout: 2s }'), own);
    expect(sqlOf(plan)).toEqual([
      `ALTER ROLE "scopes" IN DATABASE "app" RESET "work_mem"`,
      `ALTER ROLE "scopes" RESET "work_mem"`,
      `ALTER ROLE "scopes" SET "lock_timeout" = '2s'`,
      `ALTER ROLE "scopes" SET "statement_timeout" = '1min'`,
    ]);
    expect(await configOf(s, 'scopes')).toEqual(['statement_timeout=1min', 'lock_timeout=2s']);
    expect(await configOf(s, 'scopes', 'app')).toBeUndefined();
  });

  test('settings in databases that are not managed, of the database, and of everybody are left alone', async () => {
    const s = server();
    await asMaster(s, [
      'postgres',
      `CREATE ROLE outside LOGIN; ALTER ROLE outside IN DATABASE apart SET work_mem = '9MB'; ALTER DATABASE app SET work_mem = '10MB'; ALTER ROLE ALL IN DATABASE apart SET work_mem = '11MB'`,
    ]);
    const plan = await settle(s, user('outside', 'settings: {}'), { ...target, stack: 'test/outside' });
    expect(changesOf(plan)).toEqual(['~ role outside']);
    expect(await configOf(s, 'outside', 'apart')).toEqual(['work_mem=9MB']);
  });

  test('booleans, numbers and odd texts come back as they were written', async () => {
    const s = server();
    const own = { ...target, stack: 'test/texts' };
    await settle(
      s,
      user(
        'texts',
        `settings: { default_transaction_read_only: true, enable_seqscan: false, geqo_threshold: 7, application_name: "o'ne \\\\ two" }`,
      ),
      own,
    );
    expect(await s.query({ user: 'texts', password: 'set-password' }, 'postgres', 'SHOW application_name')).toEqual([
      { application_name: `o'ne \\ two` },
    ]);
    expect(await s.query({ user: 'texts', password: 'set-password' }, 'postgres', 'SHOW enable_seqscan')).toEqual([
      { enable_seqscan: 'off' },
    ]);
  });

  test('role as a setting makes a creator own as its group', async () => {
    const s = server();
    const own = { ...target, stack: 'test/as-group' };
    await asMaster(s, ['app', 'CREATE SCHEMA lot']);
    await settle(s, `groups:\n  builders: { own: [app.lot] }\n${user('mason', 'groups: [builders], settings: { role: builders }')}`, own);
    await s.query({ user: 'mason', password: 'set-password' }, 'app', 'CREATE TABLE lot.wall (id int)');
    expect(await s.query(s.superuser, 'app', `SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'wall'`)).toEqual([
      { owner: 'builders' },
    ]);
  });

  test.each([
    ['no_such_setting: 1', 'setting/unknown', /'no_such_setting', which the server does not know · PostgreSQL 1\d.* pg_settings/],
    ['statement_timout: 1s', 'setting/unknown', /'statement_timout', which the server does not know · did you mean 'statement_timeout'\?/],
    ['log_statement: all', 'setting/not-permitted', /'master' may not set: only a superuser may set it · have a superuser/],
    ['app.theme: dark', 'setting/not-permitted', /'master' may not set: no library on the server defines it/],
    ['session_preload_libraries: [auto_explain]', 'setting/not-permitted', /only a superuser may set it/],
    ['shared_buffers: 1GB', 'setting/not-of-a-role', /no role can have: it is read when the server starts/],
    ['fsync: "off"', 'setting/not-of-a-role', /no role can have: it is set for the whole server/],
    ['log_connections: true', 'setting/not-of-a-role', /no role can have: it is fixed when a session starts/],
  ])('%s is an error of the plan', async (setting, code, said) => {
    const { findings } = await planOn(server(), user('refused', `settings: { ${setting} }`), { ...target, stack: 'test/refused' });
    expect(findings.filter(isError).map((finding) => finding.code)).toEqual([code]);
    expect(`${findings[0]?.message} · ${findings[0]?.hint}`).toMatch(said);
    expect(findings[0]?.source).toMatchObject({ file: 'access.yaml' });
  });

  test('a value that the server refuses rolls everything back, and says which', async () => {
    const s = server();
    const applied = await applyOn(s, user('refused', 'settings: { work_mem: plenty }'), { ...target, stack: 'test/refused' });
    expect(applied).toMatchObject({ exitCode: 1, result: { status: 'failed', applied: 0, failed: { sqlstate: '22023' } } });
    expect(applied.result.failed?.message).toMatch(/work_mem/);
    expect(await s.query(s.superuser, 'postgres', `SELECT 1 FROM pg_roles WHERE rolname = 'refused'`)).toEqual([]);
  });

  test('what only a superuser may set is no trouble where one did, and stays where the manifest does not want it', async () => {
    const s = server();
    const own = { ...target, stack: 'test/mightier' };
    const logged = user('logged', 'settings: { log_statement: ddl, app.theme: dark }');
    await settle(s, user('logged', 'settings: {}'), own);
    await s.query(s.superuser, 'postgres', `ALTER ROLE logged SET log_statement = 'ddl'; ALTER ROLE logged SET app.theme = 'dark'`);
    expect(await planOn(s, logged, own)).toMatchObject({ changes: [], findings: [] });
    const plan = await planOn(s, user('logged', 'settings: {}'), own);
    expect(plan.changes.map(({ blocked }) => blocked)).toEqual([
      "'master' may not reset 'app.theme': only a superuser may",
      "'master' may not reset 'log_statement': only a superuser may",
    ]);
    await expect(asMaster(s, ['postgres', 'ALTER ROLE logged RESET log_statement'])).rejects.toThrow(/permission denied/);
    await expect(asMaster(s, ['postgres', 'ALTER ROLE logged RESET app.theme'])).rejects.toThrow(/permission denied/);
  });

  test.runIf(major >= 15)('SET on a parameter is enough, from 15 on', async () => {
    const s = server();
    const own = { ...target, stack: 'test/parameters' };
    await s.query(s.superuser, 'postgres', 'GRANT SET ON PARAMETER log_min_duration_statement, app.tenant TO rds_superuser');
    await settle(s, user('tenant', 'settings: { log_min_duration_statement: 1s, app.tenant: acme }'), own);
    expect(await configOf(s, 'tenant')).toEqual(['app.tenant=acme', 'log_min_duration_statement=1s']);
  });

  test('what somebody else set for a declared user is drift', async () => {
    const s = server();
    const own = { ...target, stack: 'test/drift' };
    const body = user('drifter', 'settings: { work_mem: 8MB }');
    await settle(s, body, own);
    await asMaster(s, [
      'postgres',
      `ALTER ROLE drifter SET work_mem = '1GB'; ALTER ROLE drifter SET lock_timeout = '1s'; ALTER ROLE drifter IN DATABASE app SET work_mem = '2GB'`,
    ]);
    expect(changesOf(await planOn(s, body, own))).toEqual([
      '- setting drifter in app work_mem',
      '- setting drifter lock_timeout',
      '~ setting drifter work_mem',
    ]);
    await settle(s, body, own);
  });

  test('names that the server writes in mixed case, and lists of words, are no difference', async () => {
    const s = server();
    const own = { ...target, stack: 'test/mixed-case' };
    await settle(
      s,
      user('mixed', 'settings: { datestyle: "ISO, DMY", timezone: Europe/Berlin, intervalstyle: iso_8601, search_path: "a, b" }'),
      own,
    );
    expect(await s.query({ user: 'mixed', password: 'set-password' }, 'postgres', 'SHOW DateStyle')).toEqual([{ DateStyle: 'ISO, DMY' }]);
    expect(await s.query({ user: 'mixed', password: 'set-password' }, 'postgres', 'SHOW search_path')).toEqual([{ search_path: 'a, b' }]);
  });

  test('a setting for a database that the server does not have is told before any SQL', async () => {
    const s = server();
    const body = user('nowhere', 'database_settings: { no_such_database: { work_mem: 8MB } }');
    const plan = await planOn(s, body, { stack: 'test/no-database' });
    expect(plan.findings).toMatchObject([{ severity: 'error', code: 'setting/no-database' }]);
    expect((await applyOn(s, body, { stack: 'test/no-database' })).exitCode).toBe(3);
  });
});
