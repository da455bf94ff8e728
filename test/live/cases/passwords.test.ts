import { beforeAll, expect, test } from 'vitest';
import { eachMajor } from '../../lab/majors.ts';
import { IAM_ONLY } from '../../lab/postgres.ts';
import { applyOn, changesOf, codesOf, planOn, sqlOf } from '../scenario.ts';
import { asMaster, loginOf, settle } from './settle.ts';

eachMajor((server, major) => {
  const target = { target: 'databases: [app]' };
  beforeAll(async () => {
    await asMaster(server(), ['postgres', 'CREATE DATABASE app']);
  });
  const user = (name: string, rest = '') => `users:\n  ${name}: { auth: password, password: "\${env:SECRET}"${rest} }`;

  test('a password is set at creation, as a verifier that hides it, and never again while its version stays', async () => {
    const s = server();
    const own = { ...target, stack: 'test/born' };
    process.env.SECRET = 'first-pässword-ﬁ';
    const plan = await settle(s, user('born'), own);
    expect(sqlOf(plan)[0]).toBe('CREATE ROLE "born" WITH LOGIN PASSWORD ${env:SECRET}');
    expect(JSON.stringify(plan)).not.toContain('pässword');
    expect(await loginOf(s, 'born', 'first-pässword-ﬁ')).toBe('in');
    const [stored] = await s.query(
      s.superuser,
      'postgres',
      `SELECT rolpassword LIKE 'SCRAM-SHA-256$4096:%' AS scram FROM pg_authid WHERE rolname = 'born'`,
    );
    expect(stored).toEqual({ scram: true });
    process.env.SECRET = 'second';
    expect((await planOn(s, user('born'), own)).changes).toEqual([]);
    expect(await loginOf(s, 'born', 'second')).toBe('28P01');
  });

  test('a higher password_version sets the password again; a lower one does nothing', async () => {
    const s = server();
    const own = { ...target, stack: 'test/rotated' };
    process.env.SECRET = 'one';
    await settle(s, user('rotated'), own);
    process.env.SECRET = 'two';
    const plan = await settle(s, user('rotated', ', password_version: 2'), own);
    expect(sqlOf(plan)).toEqual([
      `COMMENT ON ROLE "rotated" IS '[rolecall stack=test/rotated pw=2]'`,
      'ALTER ROLE "rotated" WITH PASSWORD ${env:SECRET}',
    ]);
    expect(await loginOf(s, 'rotated', 'one')).toBe('28P01');
    expect(await loginOf(s, 'rotated', 'two')).toBe('in');
    process.env.SECRET = 'three';
    expect((await planOn(s, user('rotated'), own)).changes).toEqual([]);
    expect(await loginOf(s, 'rotated', 'two')).toBe('in');
  });

  test('planning resolves no password: a missing variable is found by apply, before anything is changed for good', async () => {
    const s = server();
    const own = { ...target, stack: 'test/missing' };
    for (const value of [undefined, '']) {
      if (value === undefined) delete process.env.SECRET;
      else process.env.SECRET = value;
      const plan = await planOn(s, user('missing'), own);
      expect(plan.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
      const applied = await applyOn(s, user('missing'), own);
      expect(applied.exitCode).toBe(1);
      expect(JSON.stringify(applied.result)).toMatch(value === '' ? /SECRET' is empty/ : /SECRET' is not set/);
      expect(await s.query(s.superuser, 'postgres', `SELECT 1 FROM pg_roles WHERE rolname = 'missing'`)).toEqual([]);
    }
  });

  test('a missing variable changes nothing either where several databases are concerned', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE DATABASE more'], ['app', 'CREATE TABLE m (id int)'], ['more', 'CREATE TABLE m (id int)']);
    const own = { target: 'databases: [app, more]', stack: 'test/missing-many' };
    delete process.env.SECRET;
    const body = `groups:\n  gm: { read: [app.public, more.public] }\n${user('mm', ', groups: [gm]')}`;
    const applied = await applyOn(s, body, own);
    expect(applied).toMatchObject({ exitCode: 1, result: { status: 'failed', applied: 0 } });
    expect(await s.query(s.superuser, 'postgres', `SELECT 1 FROM pg_roles WHERE rolname IN ('mm', 'gm')`)).toEqual([]);
  });

  test('a password that looks like SQL, a verifier or a format is taken as it is', async () => {
    const s = server();
    const own = { ...target, stack: 'test/odd' };
    for (const [index, odd] of [
      `'; DROP ROLE master; --`,
      '$1 %s \\ "x"',
      'SCRAM-SHA-256$4096:AAAA$BBBB:CCCC',
      'md50123456789abcdef0123456789abcdef',
      ' leading and trailing ',
    ].entries()) {
      process.env.SECRET = odd;
      await settle(s, user('odd', `, password_version: ${index + 1}`), own);
      expect(await loginOf(s, 'odd', odd)).toBe('in');
    }
  });

  test('a user without a password reference is made without one, and cannot log in with any', async () => {
    const s = server();
    const own = { ...target, stack: 'test/without' };
    await settle(s, 'users:\n  without: { auth: password }\n  nologin: { auth: none }', own);
    expect(await loginOf(s, 'without', 'anything')).toBe('28P01');
    expect(await loginOf(s, 'nologin', 'anything')).toMatch(/^28/);
    await asMaster(s, ['postgres', `ALTER ROLE without PASSWORD 'by-hand'`]);
    expect((await planOn(s, 'users:\n  without: { auth: password }\n  nologin: { auth: none }', own)).changes).toEqual([]);
    expect(await loginOf(s, 'without', 'by-hand')).toBe('in');
  });

  test('several users that share one reference each get a verifier of their own', async () => {
    const s = server();
    const own = { ...target, stack: 'test/shared' };
    process.env.SECRET = 'shared-password';
    await settle(s, `${user('shared1')}\n  shared2: { auth: password, password: "\${env:SECRET}" }`, own);
    expect(await loginOf(s, 'shared1', 'shared-password')).toBe('in');
    expect(await loginOf(s, 'shared2', 'shared-password')).toBe('in');
    expect(
      await s.query(s.superuser, 'postgres', `SELECT count(DISTINCT rolpassword)::int AS n FROM pg_authid WHERE rolname LIKE 'shared_'`),
    ).toEqual([{ n: 2 }]);
  });

  test('going over to IAM takes the stored password away; coming back sets the declared one', async () => {
    const s = server();
    await s.setHba(IAM_ONLY);
    const own = { ...target, stack: 'test/flip' };
    process.env.SECRET = 'flip-password';
    await settle(s, user('flip'), own);
    const there = await settle(s, 'users:\n  flip: { auth: iam }', own);
    expect(there.changes.filter(({ risk }) => risk === 'authentication').map(({ kind }) => kind)).toEqual(['password', 'membership']);
    expect(await loginOf(s, 'flip', 'flip-password')).toBe('28000');
    expect(await s.query(s.superuser, 'postgres', `SELECT rolpassword IS NULL AS gone FROM pg_authid WHERE rolname = 'flip'`)).toEqual([
      { gone: true },
    ]);
    process.env.SECRET = 'back-password';
    const back = await settle(s, user('flip'), own);
    expect(sqlOf(back)).toEqual(['ALTER ROLE "flip" WITH PASSWORD ${env:SECRET}', expect.stringMatching(/^REVOKE "rds_iam" FROM "flip"/)]);
    expect(await loginOf(s, 'flip', 'back-password')).toBe('in');
  });

  test('an adopted user that logs in by IAM keeps no stored password of unknown origin', async () => {
    const s = server();
    const own = { ...target, stack: 'test/adopted-iam' };
    await asMaster(s, ['postgres', `CREATE ROLE adopted_iam LOGIN PASSWORD 'old-password'`]);
    const plan = await settle(s, 'users:\n  adopted_iam: { auth: iam }', own);
    expect(changesOf(plan)).toContain('- password adopted_iam');
    expect(
      await s.query(s.superuser, 'postgres', `SELECT rolpassword IS NULL AS gone FROM pg_authid WHERE rolname = 'adopted_iam'`),
    ).toEqual([{ gone: true }]);
  });

  test('until sets VALID UNTIL for a password user, and takes it off again; infinity is none', async () => {
    const s = server();
    const own = { ...target, stack: 'test/valid' };
    process.env.SECRET = 'valid-password';
    await settle(s, user('valid', ', until: "2026-12-31T12:30:00+02:00"'), own);
    expect(
      await s.query(s.superuser, 'postgres', `SELECT rolvaliduntil = '2026-12-31T10:30:00Z' AS same FROM pg_roles WHERE rolname = 'valid'`),
    ).toEqual([{ same: true }]);
    const plan = await settle(s, user('valid'), own);
    expect(sqlOf(plan)).toEqual([`ALTER ROLE "valid" WITH VALID UNTIL 'infinity'`]);
    await asMaster(s, ['postgres', `ALTER ROLE valid VALID UNTIL '2026-01-01'`]);
    expect(await loginOf(s, 'valid', 'valid-password')).toBe('28P01');
    await settle(s, user('valid'), own);
    expect(await loginOf(s, 'valid', 'valid-password')).toBe('in');
  });

  test('where only members of rds_password may set passwords, the plan says so before any SQL', async () => {
    const s = server();
    const own = { ...target, stack: 'test/restricted' };
    process.env.SECRET = 'restricted-password';
    await s
      .query(s.superuser, 'postgres', `ALTER ROLE master SET rds.restrict_password_commands = on; REVOKE rds_password FROM rds_superuser`)
      .catch(() => {});
    try {
      const plan = await planOn(s, user('restricted'), own);
      expect(codesOf(plan.findings)).toContain('guard/password-commands');
    } finally {
      await s.query(s.superuser, 'postgres', `ALTER ROLE master RESET ALL; GRANT rds_password TO rds_superuser WITH ADMIN OPTION`);
    }
  });

  test('no password ever reaches the log of a server that logs every statement', async () => {
    const s = server();
    await s.query(s.superuser, 'postgres', `ALTER ROLE master SET log_statement = 'all'`);
    const own = { ...target, stack: 'test/logged' };
    process.env.SECRET = 'canary-in-the-mine';
    try {
      await settle(s, user('logged'), own);
      process.env.SECRET = 'canary-in-the-coal';
      await settle(s, user('logged', ', password_version: 2'), own);
    } finally {
      await s.query(s.superuser, 'postgres', 'ALTER ROLE master RESET ALL');
    }
    expect(s.log()).toContain('ALTER ROLE "logged" WITH PASSWORD');
    expect(s.log()).not.toContain('canary');
    expect(await loginOf(s, 'logged', 'canary-in-the-coal')).toBe('in');
    expect(major).toBeGreaterThan(0);
  });
});
