import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseComment } from '../../src/core/mark.ts';
import { lockUser, unlockUser } from '../../src/engine/close-login.ts';
import type { Session } from '../../src/engine/session.ts';
import type { LockResult } from '../../src/model/lock.ts';
import { postgres } from '../../src/providers/postgres/index.ts';
import { ident, literal } from '../../src/providers/postgres/sql.ts';
import type { Timeouts } from '../../src/providers/provider.ts';
import { type Fault, startChaos } from '../lab/chaos.ts';
import { eachMajor } from '../lab/majors.ts';
import { applyOn, codesOf, declaredOf, planOn, STACK } from './scenario.ts';

const PASSWORD = 'canary-password-of-jane';
const ODD = 'j"ane\'s\\ 数, {x} *';
const TARGET = 'databases: [app]';

eachMajor(
  (server) => {
    const BODY = `users:
  jane: { auth: password, password: "\${env:JANE}", password_version: 1 }
  ${JSON.stringify(ODD)}: { auth: password, password: "\${env:JANE}" }
  shut: { auth: password, enabled: false }
groups: { readers: {} }
guard: { protected: [break_glass] }
`;
    const session = (body = BODY, port = server().port): Session => {
      const declared = declaredOf(server(), body, { target: TARGET, port });
      return { stack: STACK, asOf: declared.asOf, declareds: [declared], account: null, elsewhere: [], findings: [] };
    };
    const holders: string[] = [];
    const lock = async (
      user: string,
      options: {
        readonly breakLock?: boolean;
        readonly reason?: string;
        readonly own?: boolean;
        readonly timeouts?: Timeouts;
        readonly port?: number;
      } = {},
    ) => {
      const { own = true, port, ...rest } = options;
      return await lockUser(session(BODY, port), own, {
        user,
        date: '2026-11-21',
        breakLock: false,
        onHolder: (target, holder) => holders.push(`${target}: ${holder}`),
        ...rest,
      });
    };
    const unlock = async (user: string, own = true, body = BODY) => await unlockUser(session(body), own, user);
    const told = ({ targets: [target] }: LockResult) => ({ status: target!.status, codes: codesOf(target!.findings) });
    const roleOf = async (name: string) => {
      const [row] = await server().query(
        server().superuser,
        'postgres',
        `SELECT rolcanlogin AS login, shobj_description(oid, 'pg_authid') AS comment FROM pg_roles WHERE rolname = ${literal(name)}`,
      );
      return { login: row?.login, mark: parseComment((row?.comment ?? null) as string | null).mark };
    };
    const login = (user: string) => server().connect({ user, password: PASSWORD }, 'app');
    const entered = async (user: string): Promise<string> => {
      try {
        await (await login(user)).end();
        return 'in';
      } catch (error) {
        return (error as { readonly code: string }).code;
      }
    };

    beforeAll(async () => {
      process.env.JANE = PASSWORD;
      const { master, superuser, query } = server();
      await query(master, 'postgres', 'CREATE DATABASE app');
      await query(
        superuser,
        'postgres',
        `CREATE ROLE plain LOGIN PASSWORD '${PASSWORD}'; CREATE ROLE break_glass LOGIN; GRANT pg_signal_backend TO master`,
      );
      if (server().major >= 16) await query(superuser, 'postgres', 'GRANT plain TO master WITH ADMIN TRUE, INHERIT FALSE, SET FALSE');
      expect((await applyOn(server(), BODY, { target: TARGET })).exitCode).toBe(0);
    });

    test('ends the sessions of a user and keeps it out, and says how many they were', async () => {
      const clients = await Promise.all([login('jane'), login('jane')]);
      const ends = clients.map((client) => new Promise((resolve) => client.on('error', resolve)));
      const { result, exitCode } = await lock('jane', { reason: 'OPS-1234: leak' });
      await Promise.all(ends);
      expect({ exitCode, ...result.targets[0] }).toEqual({
        exitCode: 0,
        name: 't',
        status: 'done',
        login: { before: true, after: false },
        sessions: { before: 2, after: 0 },
        mark: { stack: STACK, locked: '2026-11-21' },
        findings: [],
      });
      expect(await roleOf('jane')).toEqual({ login: false, mark: { stack: STACK, pw: 1, locked: '2026-11-21', reason: 'OPS-1234: leak' } });
      expect(await entered('jane')).toBe('28000');
    });

    test('done twice it changes nothing, the date included', async () => {
      const before = await server().query(server().superuser, 'postgres', "SELECT xmin::text FROM pg_authid WHERE rolname = 'jane'");
      const { result, exitCode } = await lock('jane', { reason: 'another' });
      expect({ exitCode, ...told(result) }).toEqual({ exitCode: 0, status: 'unchanged', codes: [] });
      expect(await server().query(server().superuser, 'postgres', "SELECT xmin::text FROM pg_authid WHERE rolname = 'jane'")).toEqual(
        before,
      );
      expect((await roleOf('jane')).mark).toMatchObject({ reason: 'OPS-1234: leak' });
    });

    test('a plan shows the lock, and an apply keeps it, whatever else it does', async () => {
      const plan = await planOn(server(), BODY, { target: TARGET });
      expect(plan.changes).toEqual([]);
      expect(plan.findings).toMatchObject([{ code: 'role/locked', message: expect.stringContaining('2026-11-21 (OPS-1234: leak)') }]);
      const changed = BODY.replace('password_version: 1', 'password_version: 2, connection_limit: 3');
      expect((await applyOn(server(), changed, { target: TARGET })).exitCode).toBe(0);
      expect(await roleOf('jane')).toEqual({ login: false, mark: { stack: STACK, pw: 2, locked: '2026-11-21', reason: 'OPS-1234: leak' } });
      expect(await entered('jane')).toBe('28000');
    });

    test('unlocked it may log in again, with all that it had, and a plan is empty', async () => {
      const { result, exitCode } = await unlock('jane');
      expect({ exitCode, ...told(result) }).toEqual({ exitCode: 0, status: 'done', codes: [] });
      expect(await roleOf('jane')).toEqual({ login: true, mark: { stack: STACK, pw: 2 } });
      expect(await entered('jane')).toBe('in');
      const changed = BODY.replace('password_version: 1', 'password_version: 2, connection_limit: 3');
      expect((await planOn(server(), changed, { target: TARGET })).changes).toEqual([]);
      expect(told((await unlock('jane')).result)).toEqual({ status: 'unchanged', codes: ['lock/not-locked'] });
    });

    test('a name with quotes and letters of any script is one name', async () => {
      const client = await login(ODD);
      const ended = new Promise((resolve) => client.on('error', resolve));
      expect(told((await lock(ODD)).result)).toEqual({ status: 'done', codes: [] });
      await ended;
      expect(await entered(ODD)).toBe('28000');
      expect(told((await unlock(ODD)).result)).toEqual({ status: 'done', codes: [] });
      expect(await entered(ODD)).toBe('in');
    });

    test('who was disabled before stays so after the lock, with a manifest and without', async () => {
      expect(told((await lock('shut')).result)).toEqual({ status: 'done', codes: [] });
      expect((await roleOf('shut')).mark).toMatchObject({ locked: '2026-11-21', wasClosed: true });
      expect(told((await unlock('shut', false)).result)).toEqual({ status: 'done', codes: ['lock/stays-closed'] });
      expect(await roleOf('shut')).toEqual({ login: false, mark: { stack: STACK } });
    });

    test('a user that left the manifest meanwhile does not come back by an unlock', async () => {
      await lock('jane');
      const without = BODY.replace(/ {2}jane: .*\n/, '');
      expect(told((await unlock('jane', true, without)).result)).toEqual({ status: 'done', codes: ['lock/stays-closed'] });
      expect((await roleOf('jane')).login).toBe(false);
      await server().query(server().master, 'postgres', 'ALTER ROLE jane LOGIN');
    });

    test('a role without a mark is locked too, and said that no plan knows of it; the manifest that declares it gives it its mark', async () => {
      expect(told((await lock('plain')).result)).toEqual({ status: 'done', codes: ['lock/no-mark'] });
      expect([await roleOf('plain'), await entered('plain')]).toEqual([{ login: false, mark: null }, '28000']);
      expect(told((await unlock('plain')).result)).toEqual({ status: 'done', codes: [] });
      const declared = { ...session(`${BODY.replace('  jane:', '  plain: { auth: password }\n  jane:')}`) };
      const options = { user: 'plain', date: '2026-11-21', breakLock: false, onHolder: () => {} };
      expect(told((await lockUser(declared, true, options)).result)).toEqual({ status: 'done', codes: ['lock/marked'] });
      expect((await roleOf('plain')).mark).toEqual({ stack: STACK, locked: '2026-11-21' });
    });

    test('the mark of another stack stays that of the other stack', async () => {
      const { query, superuser } = server();
      await query(superuser, 'postgres', "COMMENT ON ROLE plain IS 'a text\n[rolecall stack=other/stack pw=7]'; ALTER ROLE plain LOGIN");
      expect(told((await lock('plain')).result)).toEqual({ status: 'done', codes: [] });
      expect(await roleOf('plain')).toEqual({ login: false, mark: { stack: 'other/stack', pw: 7, locked: '2026-11-21' } });
      await unlock('plain');
      expect(await roleOf('plain')).toEqual({ login: true, mark: { stack: 'other/stack', pw: 7 } });
    });

    test('it neither takes the run lock nor waits for it; who holds it is named, and ended where that is asked for', async () => {
      const declared = declaredOf(server(), BODY, { target: TARGET });
      const held = await postgres.lock(declared, { timeoutMs: 0, signal: new AbortController().signal, onWait: () => {} });
      const { result } = await lock('jane');
      expect(told(result)).toEqual({ status: 'done', codes: ['lock/run'] });
      expect(result.targets[0]!.findings[0]!.message).toMatch(
        new RegExp(`^a run is going on: 'rolecall ${STACK}' as 'master' from 127\\.0\\.0\\.1, pid \\d+, connected since \\d{4}-`),
      );
      await held.check();
      await unlock('jane');
      expect(told((await lock('jane', { breakLock: true })).result)).toEqual({ status: 'done', codes: ['lock/run-ended'] });
      expect(holders).toEqual([expect.stringMatching(/^t: 'rolecall test\/access' as 'master'/)]);
      await expect(held.check()).rejects.toThrow('the connection that held the run lock was closed');
      await held.release();
      await unlock('jane');
    });

    test('a target that does not answer keeps nothing of the others', async () => {
      const one = session();
      const here = one.declareds[0]!;
      const there = {
        ...here,
        target: { ...here.target, name: 'other', endpoint: { ...here.target.endpoint, port: 1 } as typeof here.target.endpoint },
      };
      const options = { user: 'jane', date: '2026-11-21', breakLock: false, onHolder: () => {} };
      const { result, exitCode } = await lockUser({ ...one, declareds: [there, here] }, true, options);
      expect({ exitCode, targets: result.targets.map(({ name, status, findings }) => [name, status, codesOf(findings)]) }).toEqual({
        exitCode: 5,
        targets: [
          ['other', 'failed', ['connect/refused']],
          ['t', 'done', []],
        ],
      });
      expect(await entered('jane')).toBe('28000');
      await unlock('jane');
    });

    test('a transaction that holds the role is named, and not waited for for long', async () => {
      const blocker = await server().connect(server().master, 'postgres');
      await blocker.query(`BEGIN; ALTER ROLE ${ident('jane')} CONNECTION LIMIT 9`);
      const { result, exitCode } = await lock('jane', { timeouts: { lockMs: 200 } });
      await blocker.query('ROLLBACK');
      await blocker.end();
      expect({ exitCode, ...told(result) }).toEqual({ exitCode: 1, status: 'failed', codes: ['lock/busy'] });
      expect(result.targets[0]!.findings[0]!.hint).toContain('--break-lock');
    });

    test.each([
      ['the login that does it', 'master', "it is Rolecall's own login here"],
      ['a protected role', 'break_glass', "it is protected ('guard.protected')"],
      ['a group', 'readers', 'it is a group, which does not log in'],
      ['a superuser', 'rdsadmin', 'it is a superuser'],
      ['a role of the provider', 'rds_iam', 'it is a role of the provider'],
      ['a predefined role', 'pg_monitor', 'it is a role of the provider'],
    ])('refuses %s', async (_name, user, why) => {
      const { result, exitCode } = await lock(user);
      expect({ exitCode, message: result.targets[0]!.findings.map(({ message }) => message) }).toEqual({
        exitCode: 3,
        message: [`target 't': '${user}' is not locked or unlocked: ${why}`],
      });
    });

    test('a role that is not there is said, with what may have been meant', async () => {
      const { result, exitCode } = await lock('jame');
      expect({ exitCode, ...told(result), hint: result.targets[0]!.findings[0]!.hint }).toEqual({
        exitCode: 1,
        status: 'absent',
        codes: ['lock/no-role'],
        hint: "did you mean 'jane'?",
      });
    });

    test('a name that is longer than names can be is not taken for the beginning of it', async () => {
      const name = 'é'.repeat(31);
      await server().query(server().master, 'postgres', `CREATE ROLE ${ident(name)} LOGIN`);
      expect(told((await lock(`${name}é`)).result)).toEqual({ status: 'absent', codes: ['lock/no-role'] });
      expect(await roleOf(name)).toMatchObject({ login: true });
    });

    test.each<[string, Fault, string, string, string]>([
      ['before anything was changed', 'reset-before', 'pg_stat_activity a WHERE', 'failed', 'done'],
      ['when the change is made', 'reset-after', 'COMMIT', 'partial', 'unchanged'],
      ['between the change and the sessions', 'reset-before', 'SELECT pid', 'partial', 'unchanged'],
    ])('a connection that breaks %s is told as it is, and the next lock ends it', async (_name, fault, at, first, second) => {
      await unlock('jane');
      const proxy = await startChaos(server(), ({ sql }) => (sql.includes(at) ? fault : undefined));
      const broken = await lock('jane', { port: proxy.port });
      await proxy.close();
      const codes = first === 'failed' ? ['inspect/lost'] : ['lock/lost'];
      expect({ exitCode: broken.exitCode, ...told(broken.result) }).toEqual({ exitCode: first === 'failed' ? 1 : 5, status: first, codes });
      expect(told((await lock('jane')).result).status).toBe(second);
      expect(await entered('jane')).toBe('28000');
      await unlock('jane');
    });

    test('without pg_signal_backend the sessions end as well', async () => {
      const { query, superuser } = server();
      await query(superuser, 'postgres', 'REVOKE pg_signal_backend FROM master');
      const client = await login('jane');
      const ended = new Promise((resolve) => client.on('error', resolve));
      const { result } = await lock('jane');
      await ended;
      expect({ ...told(result), sessions: result.targets[0]!.sessions }).toEqual({
        status: 'done',
        codes: [],
        sessions: { before: 1, after: 0 },
      });
      await unlock('jane');
      const inherits = server().major >= 16 ? ' AND inherit_option' : '';
      const memberships = `SELECT FROM pg_auth_members WHERE member = 'master'::regrole AND roleid = 'jane'::regrole${inherits}`;
      const rows = await query(superuser, 'postgres', memberships);
      expect(rows).toEqual([]);
    });

    afterAll(() => {
      delete process.env.JANE;
    });
  },
  { only: [13, 17, 18] },
);
