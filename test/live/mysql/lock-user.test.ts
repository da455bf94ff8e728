import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockUser, unlockUser } from '../../../src/engine/close-login.ts';
import type { Session } from '../../../src/engine/session.ts';
import type { LockResult } from '../../../src/model/lock.ts';
import { mysql } from '../../../src/providers/mysql/index.ts';
import { inspect } from '../../../src/providers/mysql/inspect.ts';
import { parseMark } from '../../../src/providers/mysql/reality.ts';
import { startChaos } from '../../lab/chaos.ts';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { applyOn, declaredOn, planOn, settle } from './scenario.ts';

const PASSWORD = 'canary-password-of-jane';
const STACK = 'test/access';
const ODD = "j'ane\\ 数, {x}";

eachMysql((server) => {
  const BODY = `users:
  jane: { auth: password, password: "\${env:JANE}", password_version: 1, hosts: ["127.0.0.1", "10.%"] }
  ${JSON.stringify(ODD)}: { auth: password, password: "\${env:JANE}" }
  shut: { auth: password, password: "\${env:JANE}", enabled: false }
groups: { readers: {} }
guard: { protected: [break_glass] }
`;
  const marks = (): boolean => server().flavour === 'mysql';
  /** What every lock on a server without marks says besides. */
  const unmarked = (): readonly string[] => (marks() ? [] : ['lock/no-mark']);
  const session = (body = BODY, port = server().port): Session => {
    const declared = declaredOn(server(), body, { port });
    return { stack: STACK, asOf: declared.asOf, declareds: [declared], account: null, elsewhere: [], findings: [] };
  };
  const holders: string[] = [];
  const lock = async (
    user: string,
    { port, ...options }: { readonly breakLock?: boolean; readonly reason?: string; readonly port?: number } = {},
  ) =>
    await lockUser(session(BODY, port), true, {
      user,
      date: '2026-11-21',
      breakLock: false,
      onHolder: (target, holder) => holders.push(`${target}: ${holder}`),
      ...options,
    });
  const unlock = async (user: string, own = true, body = BODY) => await unlockUser(session(body), own, user);
  const codes = ({ targets: [target] }: LockResult) => ({ status: target!.status, codes: target!.findings.map(({ code }) => code) });
  const accountsOf = async (user: string) => {
    const snapshot = await inspect({ declared: declaredOn(server(), BODY), as: 'plan' }, { everybody: true });
    return snapshot.accounts.filter((one) => one.user === user).map(({ host, locked, mark }) => ({ host, locked, mark: parseMark(mark) }));
  };
  const entered = async (user: string): Promise<string | number> => {
    try {
      await (await server().connect({ user, password: PASSWORD })).end();
      return 'in';
    } catch (error) {
      return (error as { readonly errno: number }).errno;
    }
  };
  const LOCKED = (): number => (marks() ? 3118 : 4151);

  beforeAll(async () => {
    process.env.JANE = PASSWORD;
    const { superuser, query } = server();
    await query(
      superuser,
      `CREATE USER plain@'%' IDENTIFIED BY '${PASSWORD}'`,
      "CREATE USER break_glass@'%' IDENTIFIED BY 'x-1234'",
      "CREATE USER powerful@'%' IDENTIFIED BY 'x-1234'",
      "GRANT SUPER ON *.* TO powerful@'%'",
    );
    await settle(server(), BODY);
  });

  test('locks every account of a user, ends its sessions and says how many they were', async () => {
    const clients = await Promise.all([0, 1].map(() => server().connect({ user: 'jane', password: PASSWORD })));
    const ends = clients.map((client) => new Promise((resolve) => client.on('error', resolve)));
    const { result, exitCode } = await lock('jane', { reason: "OPS-1234: it's a leak" });
    await Promise.all(ends);
    expect({ exitCode, ...codes(result), ...result.targets[0], findings: [] }).toEqual({
      exitCode: 0,
      name: 't',
      status: 'done',
      codes: unmarked(),
      login: { before: true, after: false },
      sessions: { before: 2, after: 0 },
      mark: marks() ? { stack: STACK, locked: '2026-11-21' } : null,
      findings: [],
    });
    const mark = marks() ? { stack: STACK, pw: 1, locked: '2026-11-21', reason: "OPS-1234: it's a leak" } : null;
    expect(await accountsOf('jane')).toEqual([
      { host: '10.%', locked: true, mark },
      { host: '127.0.0.1', locked: true, mark },
    ]);
    expect(await entered('jane')).toBe(LOCKED());
    expect(codes((await lock('jane', { reason: 'another' })).result)).toEqual({ status: 'unchanged', codes: unmarked() });
  });

  test('a plan shows the lock and an apply keeps it, also for a host that is new; without marks it opens the user, as was said', async () => {
    const more = BODY.replace('"10.%"]', '"10.%", "192.168.%"], connection_limit: 3');
    if (!marks()) {
      const { result } = await lock('jane');
      expect(result.targets[0]!.findings[0]).toMatchObject({
        message: expect.stringMatching(/MariaDB \d+\.\d+\.\d+ keeps no marks: .* opens it again$/),
        hint: expect.stringContaining('enabled: false'),
      });
      expect((await applyOn(server(), BODY)).exitCode).toBe(0);
      expect(await entered('jane')).toBe('in');
      return;
    }
    const plan = await planOn(server(), BODY);
    expect(plan.changes).toEqual([]);
    expect(plan.findings.filter(({ code }) => code === 'role/locked')[0]?.message).toContain("2026-11-21 (OPS-1234: it's a leak)");
    expect((await applyOn(server(), more)).exitCode).toBe(0);
    expect(await accountsOf('jane')).toMatchObject(
      ['10.%', '127.0.0.1', '192.168.%'].map((host) => ({ host, locked: true, mark: { pw: 1, locked: '2026-11-21' } })),
    );
    expect([
      ...mysql.locked!(await mysql.inspect({ declared: declaredOn(server(), more), as: 'plan' }), declaredOn(server(), more)),
    ]).toEqual(['jane']);
  });

  test('unlocked it may log in again, and a plan is empty', async () => {
    if (!marks()) await lock('jane');
    const { result, exitCode } = await unlock('jane');
    expect({ exitCode, ...codes(result) }).toEqual({ exitCode: 0, status: 'done', codes: [] });
    expect(await entered('jane')).toBe('in');
    for (const { locked, mark } of await accountsOf('jane'))
      expect({ locked, mark }).toEqual({ locked: false, mark: marks() ? { stack: STACK, pw: 1 } : null });
    const more = BODY.replace('"10.%"]', '"10.%", "192.168.%"], connection_limit: 3');
    expect((await planOn(server(), marks() ? more : BODY)).changes).toEqual([]);
    expect(codes((await unlock('jane')).result)).toEqual({ status: 'unchanged', codes: ['lock/not-locked'] });
  });

  test('a name with quotes and letters of any script is one name', async () => {
    expect(codes((await lock(ODD)).result)).toEqual({ status: 'done', codes: unmarked() });
    expect(await entered(ODD)).toBe(LOCKED());
    expect(codes((await unlock(ODD)).result)).toEqual({ status: 'done', codes: [] });
    expect(await entered(ODD)).toBe('in');
  });

  test('who was disabled before stays so after the lock', async () => {
    await lock('shut');
    expect(codes((await unlock('shut', true)).result)).toEqual({ status: 'done', codes: ['lock/stays-closed'] });
    expect(await accountsOf('shut')).toMatchObject([{ locked: true }]);
    if (!marks()) return;
    await lock('shut');
    expect(codes((await unlock('shut', false)).result)).toEqual({ status: 'done', codes: ['lock/stays-closed'] });
    expect(await accountsOf('shut')).toMatchObject([{ locked: true, mark: { stack: STACK } }]);
  });

  test('an account without a password is not opened', async () => {
    await server().query(server().superuser, "CREATE USER bare@'%' ACCOUNT LOCK");
    const { result } = await unlock('bare');
    expect(result.targets[0]!.findings.map(({ code, message }) => [code, message])).toEqual([
      ['lock/stays-closed', "the lock is off, and 'bare' still may not log in: it has no password: unlocked it lets everybody in"],
    ]);
    expect(await accountsOf('bare')).toMatchObject([{ locked: true }]);
  });

  test('a user without a mark is locked too, and what names it differently by case is left alone', async () => {
    await server().query(server().superuser, `CREATE USER Plain@'%' IDENTIFIED BY '${PASSWORD}'`);
    const other = await server().connect({ user: 'Plain', password: PASSWORD });
    expect(codes((await lock('plain')).result)).toEqual({ status: 'done', codes: ['lock/no-mark'] });
    expect([await entered('plain'), await entered('Plain')]).toEqual([LOCKED(), 'in']);
    await other.query('SELECT 1');
    expect(codes((await unlock('plain')).result)).toEqual({ status: 'done', codes: [] });
    expect(await entered('plain')).toBe('in');
    // So it is when a manifest closes it.
    const client = await server().connect({ user: 'plain', password: PASSWORD });
    await settle(server(), BODY.replace('  shut:', '  plain: { auth: password, password: "${env:JANE}", enabled: false }\n  shut:'));
    await expect(client.query('SELECT 1')).rejects.toThrow();
    await other.query('SELECT 1');
    await other.end();
  });

  test('it neither takes the run lock nor waits for it; who holds it is named, and ended where that is asked for', async () => {
    const declared = declaredOn(server(), BODY);
    const held = await mysql.lock(declared, { timeoutMs: 0, signal: new AbortController().signal, onWait: () => {} });
    const { result } = await lock('jane');
    expect(codes(result)).toEqual({ status: 'done', codes: ['lock/run', ...unmarked()] });
    expect(result.targets[0]!.findings[0]!.message).toMatch(/^a run is going on: 'master' from 127\.0\.0\.1/);
    await held.check();
    await unlock('jane');
    expect(codes((await lock('jane', { breakLock: true })).result)).toEqual({ status: 'done', codes: ['lock/run-ended', ...unmarked()] });
    expect(holders).toEqual([expect.stringMatching(/^t: 'master' from 127\.0\.0\.1/)]);
    await expect(held.check()).rejects.toThrow('the connection that held the run lock was closed');
    await held.release();
    await unlock('jane');
  });

  test.each([
    ['the login that does it', 'master', "it is Rolecall's own login here"],
    ['a protected user', 'break_glass', "it is protected ('guard.protected')"],
    ['a group', 'readers', 'it is a group, which does not log in'],
    ['an account of the provider', 'rdsadmin', 'it is an account of the server or of its provider'],
    ['who holds SUPER', 'powerful', 'it holds SUPER or SYSTEM_USER'],
  ])('refuses %s', async (_name, user, why) => {
    const { result, exitCode } = await lock(user);
    expect({ exitCode, message: result.targets[0]!.findings.map(({ message }) => message) }).toEqual({
      exitCode: 3,
      message: [`target 't': '${user}' is not locked or unlocked: ${why}`],
    });
  });

  test.each(['jane ', 'master ', 'rdsadmin  '])('a space at the end of a name is a part of it: %j', async (user) => {
    expect(codes((await lock(user)).result)).toEqual({ status: 'absent', codes: ['lock/no-role'] });
    expect([await entered('jane'), (await accountsOf('master')).some(({ locked }) => locked)]).toEqual(['in', false]);
  });

  test('a connection that breaks between the accounts of a user is told as it is, and the next lock ends it', async () => {
    const proxy = await startChaos(server(), ({ sql }) => (/^ALTER USER .*127/.test(sql) ? 'reset-before' : undefined), 'mysql');
    const broken = await lock('jane', { port: proxy.port });
    await proxy.close();
    expect({ exitCode: broken.exitCode, ...codes(broken.result) }).toEqual({ exitCode: 5, status: 'partial', codes: ['lock/lost'] });
    expect((await accountsOf('jane')).map(({ host, locked }) => [host, locked]).slice(0, 2)).toEqual([
      ['10.%', true],
      ['127.0.0.1', false],
    ]);
    expect((await lock('jane')).result.targets[0]!.status).toBe('done');
    expect(await entered('jane')).toBe(LOCKED());
    await unlock('jane');
  });

  test('a user that is not there is said, with what may have been meant', async () => {
    const { result, exitCode } = await lock('jame');
    expect({ exitCode, ...codes(result), hint: result.targets[0]!.findings[0]!.hint }).toEqual({
      exitCode: 1,
      status: 'absent',
      codes: ['lock/no-role'],
      hint: "did you mean 'jane'?",
    });
  });

  test('who may end no session and see none locks the user all the same, and says what is left', async () => {
    const { superuser, query } = server();
    const client = await server().connect({ user: 'jane', password: PASSWORD });
    await query(superuser, "REVOKE PROCESS ON *.* FROM master@'%'");
    const { result, exitCode } = await lock('jane');
    expect({ exitCode, ...codes(result), sessions: result.targets[0]!.sessions }).toEqual({
      exitCode: 5,
      status: 'partial',
      codes: [...unmarked(), 'lock/sessions'],
      sessions: null,
    });
    await query(superuser, "GRANT PROCESS ON *.* TO master@'%' WITH GRANT OPTION");
    await query(superuser, 'DROP PROCEDURE mysql.rds_kill');
    const again = await lock('jane');
    expect({ ...codes(again.result), sessions: again.result.targets[0]!.sessions }).toEqual({
      status: 'partial',
      codes: [...unmarked(), 'lock/sessions'],
      sessions: { before: 1, after: 1 },
    });
    await client.end();
    expect(await entered('jane')).toBe(LOCKED());
  });

  afterAll(() => {
    delete process.env.JANE;
  });
});
