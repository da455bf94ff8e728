import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { EXIT, Failure } from '../../src/model/finding.ts';
import { postgres } from '../../src/providers/postgres/index.ts';
import type { LockOptions, RunLock } from '../../src/providers/provider.ts';
import { startChaos } from '../lab/chaos.ts';
import { eachMajor } from '../lab/majors.ts';
import { startPooler } from '../lab/pooler.ts';
import { applyOn, declaredOf, type ScenarioOptions } from './scenario.ts';

const BODY = 'groups: { locked: { grants: [{ privileges: [select], tables: public.t }] } }\n';
const TARGET = 'databases: [app]';

eachMajor((server) => {
  beforeAll(async () => {
    await server().query(server().master, 'postgres', 'CREATE DATABASE app');
    await server().query(server().master, 'app', 'CREATE TABLE t (i int)');
  });

  const held: RunLock[] = [];
  afterEach(async () => {
    for (const lock of held.splice(0)) await lock.release();
  });
  const take = async (options: Partial<LockOptions> & ScenarioOptions = {}): Promise<RunLock> => {
    const lock = await postgres.lock(declaredOf(server(), BODY, { target: TARGET, ...options }), {
      timeoutMs: 0,
      signal: new AbortController().signal,
      onWait: () => {},
      timeouts: { connectMs: 3_000, answerMs: 1_000 },
      ...options,
    });
    held.push(lock);
    return lock;
  };
  const findingOf = async (promise: Promise<unknown>) => {
    const error = await promise.then(
      () => null,
      (reason: unknown) => reason,
    );
    if (!(error instanceof Failure)) throw new Error(`expected a Failure, got ${String(error)}`);
    return { ...error.findings[0]!, exitCode: error.exitCode };
  };

  test('it is one advisory lock in the maintenance database, the name of the program in two halves', async () => {
    const lock = await take();
    const rows = await server().query(
      server().superuser,
      'app',
      "SELECT classid, objid, objsubid, (SELECT datname FROM pg_database d WHERE d.oid = l.database) FROM pg_locks l WHERE locktype = 'advisory'",
    );
    expect(rows).toEqual([
      { classid: Buffer.from('role').readUInt32BE(), objid: Buffer.from('call').readUInt32BE(), objsubid: 1, datname: 'postgres' },
    ]);
    await lock.release();
    expect(await server().query(server().superuser, 'postgres', "SELECT FROM pg_locks WHERE locktype = 'advisory'")).toEqual([]);
  });

  test('who finds it taken is told by whom, exit 6; whatever the stack', async () => {
    const first = await take({ stack: 'first/stack' });
    const { code, message, hint, exitCode } = await findingOf(take({ stack: 'second/stack' }));
    expect({ code, exitCode }).toEqual({ code: 'lock/held', exitCode: EXIT.locked });
    expect(message).toMatch(
      /^target 't': another run holds the lock: 'rolecall first\/stack' as 'master' from 127\.0\.0\.1, pid \d+, connected since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
    );
    expect(hint).toContain('--lock-timeout');
    await first.release();
    await (await take()).release();
  });

  test('who waits gets it when it is given back, and hears once from whom', async () => {
    const first = await take();
    const waited: string[] = [];
    let second: Promise<RunLock> | undefined;
    await new Promise<void>((resolve, reject) => {
      second = take({
        timeoutMs: 60_000,
        onWait: (holder) => {
          waited.push(holder);
          resolve();
        },
      });
      second.catch(reject);
    });
    await delay(700);
    await first.release();
    await (await second!).release();
    expect(waited).toHaveLength(1);
    expect(waited[0]).toContain("'rolecall test/access' as 'master'");
  });

  test('who waits may give up: by the clock, or interrupted', async () => {
    const first = await take();
    const started = performance.now();
    expect((await findingOf(take({ timeoutMs: 600 }))).code).toBe('lock/held');
    expect(performance.now() - started).toBeGreaterThan(550);
    const interruption = new AbortController();
    const waiting = findingOf(take({ timeoutMs: 60_000, signal: interruption.signal }));
    await delay(300);
    interruption.abort();
    expect(await waiting).toMatchObject({ code: 'apply/interrupted', exitCode: EXIT.interrupted });
    await first.release();
  });

  test('a lock of another database or another key is none', async () => {
    const other = await server().connect(server().superuser, 'app');
    await other.query('SELECT pg_advisory_lock(8245928625453493356)');
    const beside = await server().connect(server().superuser, 'postgres');
    await beside.query('SELECT pg_advisory_lock(8245928625453493357), pg_advisory_lock(1919904869, 1667329132)');
    await (await take()).release();
    await other.end();
    await beside.end();
  });

  test('behind a pooler that shares sessions it is refused, and stays with nobody', async () => {
    const pooler = await startPooler(server(), server().master, 'postgres');
    try {
      expect(await findingOf(take({ port: pooler.port }))).toMatchObject({
        code: 'lock/pooler',
        message: expect.stringContaining('a pooler that shares connections'),
      });
    } finally {
      await pooler.close();
    }
  });

  test('a lock whose session was ended is noticed before the next commit, and nothing is committed', async () => {
    const lock = await take();
    await lock.check();
    await server().query(server().superuser, 'postgres', "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
    await expect(lock.check()).rejects.toThrow(/the connection that held the run lock was closed/);
    await lock.release();
    // in the middle of an apply
    const proxy = await startChaos(server(), ({ sql }) => {
      if (sql.startsWith('COMMENT'))
        void server().query(server().superuser, 'postgres', "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
      return sql.startsWith('COMMENT') ? { delayMs: 200 } : undefined;
    });
    const { exitCode, result } = await applyOn(server(), BODY, { target: TARGET, port: proxy.port });
    await proxy.close();
    expect({ exitCode, applied: result.applied, failed: result.failed?.message }).toEqual({
      exitCode: 1,
      applied: 0,
      failed: expect.stringContaining('the connection that held the run lock was closed'),
    });
    expect(await server().query(server().superuser, 'postgres', "SELECT FROM pg_roles WHERE rolname = 'locked'")).toEqual([]);
  });

  test('a lock that the server does not let go in time is tried again, and then succeeds (55P03)', async () => {
    const holder = await server().connect(server().master, 'app');
    // before 18 a GRANT does not wait for the table's lock, but for whoever changes its row
    await holder.query('BEGIN; GRANT SELECT ON t TO rds_superuser; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
    const retries: string[] = [];
    const applied = await applyOn(server(), BODY, {
      target: TARGET,
      timeouts: { lockMs: 200 },
      onProgress: (event) => {
        if (event.type !== 'retry') return;
        retries.push(event.message);
        void holder.query('ROLLBACK');
      },
    });
    expect(applied).toMatchObject({ exitCode: 0, result: { status: 'applied', residue: [] } });
    expect(retries[0]).toMatch(/lock timeout/);
    await holder.end();
  });

  test('a lock that the server never lets go fails with whose it is, and leaves nothing (55P03)', async () => {
    const holder = await server().connect(server().master, 'app');
    await holder.query(
      "SET application_name = 'migration'; BEGIN; GRANT SELECT ON t TO rds_superuser; LOCK TABLE t IN ACCESS EXCLUSIVE MODE",
    );
    const body = 'groups: { kept_out: { grants: [{ privileges: [select], tables: public.t }] } }\n';
    const { exitCode, result } = await applyOn(server(), body, { target: TARGET, stack: 'test/kept-out', timeouts: { lockMs: 50 } });
    await holder.query('ROLLBACK');
    await holder.end();
    expect({ exitCode, failed: result.failed }).toMatchObject({
      exitCode: 1,
      failed: {
        sqlstate: '55P03',
        message: expect.stringMatching(
          /^canceling statement due to lock timeout · wait for the open transaction of 'migration' as 'master', pid \d+, since \S+Z, or end it$/,
        ),
        sql: 'GRANT SELECT ON TABLE "public"."t" TO "kept_out"',
      },
    });
    expect(await server().query(server().superuser, 'postgres', "SELECT FROM pg_roles WHERE rolname = 'kept_out'")).toEqual([]);
  });

  test('a statement that takes too long fails with the words of the server, and leaves nothing (57014)', async () => {
    const holder = await server().connect(server().master, 'app');
    await holder.query('BEGIN; GRANT SELECT ON t TO rds_superuser; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
    const body = 'groups: { late: { grants: [{ privileges: [select], tables: public.t }] } }\n';
    const { exitCode, result } = await applyOn(server(), body, {
      target: TARGET,
      stack: 'test/late',
      timeouts: { lockMs: 60_000, statementMs: 300 },
    });
    await holder.query('ROLLBACK');
    await holder.end();
    expect({ exitCode, sqlstate: result.failed?.sqlstate, message: result.failed?.message }).toEqual({
      exitCode: 1,
      sqlstate: '57014',
      message: expect.stringContaining('statement timeout'),
    });
    expect(await server().query(server().superuser, 'postgres', "SELECT FROM pg_roles WHERE rolname = 'late'")).toEqual([]);
  });
});
