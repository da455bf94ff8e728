import fs from 'node:fs';
import path from 'node:path';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LockResult } from '../../../src/model/lock.ts';
import { mysql } from '../../../src/providers/mysql/index.ts';
import { inspect } from '../../../src/providers/mysql/inspect.ts';
import { parseMark } from '../../../src/providers/mysql/reality.ts';
import { eachMysql, newestOfEach } from '../../lab/mysql/versions.ts';
import { type Command, type Ended, makeCommand } from '../command.ts';
import { declaredOn } from './scenario.ts';

/* The commands that need no manifest, on a server that nothing but --host or MYSQL_HOST names. */

const PASSWORD = 'canary-password-of-jane';
const CHECKS = ['reachable', 'tls', 'login', 'writer', 'administration'].flatMap((name) => ['--check', name]);
const BODY = 'groups: { g: {} }\n';
const CLIENT = `#!/bin/sh
if [ "$1" = --version ]; then echo "mysql  Ver 8.4.6 for Linux on x86_64 (MySQL Community Server - GPL)"; exit; fi
echo "$@"
echo "password: $MYSQL_PWD"
exit 7
`;

let command: Command;
beforeAll(async () => {
  command = makeCommand();
  fs.mkdirSync(path.join(command.home, 'bin'));
  fs.writeFileSync(path.join(command.home, 'bin', 'mysql'), CLIENT, { mode: 0o755 });
});
afterAll(() => command?.remove());

eachMysql((server, version) => {
  const isMysql = (): boolean => server().flavour === 'mysql';
  const named = (): readonly string[] => ['--host', '127.0.0.1', '--port', `${server().port}`];
  const asMaster = (): readonly string[] => [...named(), '--user', 'master'];
  const run = async (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
    await command.run(args, { USER: 'somebody', MYSQL_PWD: server().master.password, ...env });
  const lock = async (user: string, ...more: readonly string[]) => {
    const { code, stdout, stderr } = await run(['lock', user, ...asMaster(), '--auto-approve', '--json', ...more]);
    return { code, stderr, target: (JSON.parse(stdout) as LockResult).targets[0]! };
  };
  const codesOf = ({ findings }: LockResult['targets'][number]) => findings.map(({ code }) => code);
  const accountsOf = async (user: string) => {
    const snapshot = await inspect({ declared: declaredOn(server(), BODY), as: 'plan' }, { everybody: true });
    return snapshot.accounts.filter((one) => one.user === user).map(({ host, locked, mark }) => ({ host, locked, mark: parseMark(mark) }));
  };
  const entered = async (user: string): Promise<string> => {
    try {
      await (await server().connect({ user, password: PASSWORD })).end();
      return 'in';
    } catch {
      return 'refused';
    }
  };

  beforeAll(async () => {
    const { superuser, query } = server();
    const attribute = isMysql() ? ` ATTRIBUTE '{"rolecall": {"stack": "acme/other", "pw": 3}}'` : '';
    await query(
      superuser,
      `CREATE USER jane@'%' IDENTIFIED BY '${PASSWORD}'`,
      `CREATE USER jane@'10.%' IDENTIFIED BY '${PASSWORD}'`,
      `CREATE USER marked@'%' IDENTIFIED BY '${PASSWORD}'${attribute}`,
    );
  });

  test('hears what listens there, locks every account of a user, ends its sessions and counts them; unlock opens them again', async () => {
    const clients: readonly Connection[] = await Promise.all([0, 1].map(() => server().connect({ user: 'jane', password: PASSWORD })));
    const ends = clients.map((client) => new Promise((resolve) => client.on('error', resolve)));
    const { code, stderr, target } = await lock('jane', '--reason', 'stolen laptop');
    await Promise.all(ends);
    expect({ code, stderr, ...target, findings: codesOf(target) }).toEqual({
      code: 0,
      stderr: '',
      name: '127.0.0.1',
      status: 'done',
      login: { before: true, after: false },
      sessions: { before: 2, after: 0 },
      mark: null,
      findings: ['lock/no-mark'],
    });
    expect(target.findings[0]!.message).toContain(isMysql() ? 'no manifest here declares it' : 'keeps no marks');
    expect(await accountsOf('jane')).toEqual(['%', '10.%'].map((host) => ({ host, locked: true, mark: null })));
    expect(await entered('jane')).toBe('refused');
    expect((await lock('jane')).target.status).toBe('unchanged');
    const opened = await run(['unlock', 'jane', ...asMaster()]);
    expect(opened).toMatchObject({ code: 0, stdout: expect.stringContaining('it may log in again'), stderr: '' });
    expect(await accountsOf('jane')).toEqual(['%', '10.%'].map((host) => ({ host, locked: false, mark: null })));
    expect(await entered('jane')).toBe('in');
  });

  test("writes the lock into whoever's mark there is, and takes it out again", async () => {
    const { code, target } = await lock('marked', '--reason', 'OPS-7');
    expect({ code, findings: codesOf(target) }).toEqual({ code: 0, findings: isMysql() ? [] : ['lock/no-mark'] });
    const locked = { stack: 'acme/other', pw: 3, locked: expect.stringMatching(/^\d{4}-\d\d-\d\d$/), reason: 'OPS-7' };
    expect(await accountsOf('marked')).toEqual([{ host: '%', locked: true, mark: isMysql() ? locked : null }]);
    expect((await run(['unlock', 'marked', ...asMaster()])).code).toBe(0);
    expect(await accountsOf('marked')).toEqual([{ host: '%', locked: false, mark: isMysql() ? { stack: 'acme/other', pw: 3 } : null }]);
  });

  test('names who holds the run lock, and then ends it where that is asked for', async () => {
    const held = await mysql.lock(declaredOn(server(), BODY), { timeoutMs: 0, signal: new AbortController().signal, onWait: () => {} });
    expect(codesOf((await lock('jane')).target)).toEqual(['lock/run', 'lock/no-mark']);
    await held.check();
    const { stderr, target } = await lock('jane', '--break-lock');
    expect(stderr).toMatch(/^127\.0\.0\.1: ending the run of 'master' from 127\.0\.0\.1/);
    expect(codesOf(target)).toEqual(['lock/run-ended', 'lock/no-mark']);
    await expect(held.check()).rejects.toThrow('the connection that held the run lock was closed');
    await held.release();
    await run(['unlock', 'jane', ...asMaster()]);
  });

  test('doctor checks the server, and finds what keeps a user out, whose name is before the @', async () => {
    const whole = await run(['doctor', ...asMaster(), ...CHECKS]);
    expect(whole).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/tls .*\(not[^(]*verified\)\n.* login +master, (MySQL|MariaDB) \d/),
    });
    expect(whole.stdout).not.toContain('manifest');
    await lock('jane');
    const one = await run(['doctor', 'jane@127.0.0.1', ...asMaster()]);
    expect(one).toMatchObject({ code: 1, stdout: expect.stringContaining("The cause is 'user-login'") });
    await run(['unlock', 'jane', ...asMaster()]);
  });

  test('goes where MYSQL_HOST says, with a certificate that is verified where its authority is named', async () => {
    const env = { MYSQL_HOST: '127.0.0.1', MYSQL_TCP_PORT: `${server().port}`, USER: 'master' };
    const seen = await run(['doctor', '--check', 'login'], env);
    expect(seen).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`login  master, ${isMysql() ? 'MySQL' : 'MariaDB'} ${version}`),
    });
    const verified = await run(['doctor', ...asMaster(), '--ca', server().caFile!, '--check', 'tls', '--check', 'session-tls']);
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringMatching(/ tls .*signed by .*\n.* session-tls +TLS/) });
    expect(verified.stdout).not.toContain('not verified');
  });

  test('connect opens the client as the user, with the password of the environment', async () => {
    const env = { PATH: `${command.home}/bin:${process.env.PATH}`, MYSQL_PWD: PASSWORD };
    const { code, stdout } = await command.start(['connect', 'jane', ...named(), '--', '-e', 'SELECT 1'], { USER: 'somebody', ...env })
      .ended;
    const options = `--no-defaults --protocol=TCP --host=127.0.0.1 --port=${server().port} --user=jane --ssl-mode=REQUIRED -e SELECT 1`;
    expect({ code, stdout }).toEqual({ code: 7, stdout: `${options}\npassword: ${PASSWORD}\n` });
  });

  type Case = [name: string, args: () => readonly string[], env: Readonly<Record<string, string>>, code: number, said: string];
  const other = (): string => (isMysql() ? 'mariadb' : 'mysql');
  describe.runIf(newestOfEach.includes(version))('does nothing, and says what is wrong,', () => {
    test.each<Case>([
      ['of another engine', () => [...asMaster(), '--engine', 'postgres'], {}, 1, 'and --engine says postgres'],
      ['of its sibling', () => [...asMaster(), '--engine', other()], {}, 1, 'is expected · write --engine m'],
      ['of a wrong password', asMaster, { MYSQL_PWD: 'canary-wrong' }, 1, "the password of 'master' is wrong"],
      ['of no password', asMaster, { MYSQL_PWD: '' }, 1, 'check PGPASSWORD (MySQL, MariaDB: MYSQL_PWD)'],
      ['of an authority that nobody knows', () => [...asMaster(), '--tls', 'verify-full'], {}, 1, "authority's certificate with --ca"],
      [
        'of a port where nothing listens',
        () => ['--host', '127.0.0.1', '--port', '1', '--engine', 'mysql'],
        {},
        1,
        'nothing listens on port 1',
      ],
      ['of a database to enter', () => [...asMaster(), '--database', 'shop'], {}, 1, '--database is for PostgreSQL'],
      ['of the login itself', () => [...named(), '--user', 'jane'], { MYSQL_PWD: PASSWORD }, 3, "it is Rolecall's own login here"],
    ])('because %s', async (_name, args, env, code, said) => {
      const ended = await run(['lock', 'jane', ...args(), '--auto-approve'], env);
      const told = (ended.stdout + ended.stderr).replace(/\s+/g, ' ').replaceAll(' - ', ' · ');
      expect({ code: ended.code, told }).toEqual({ code, told: expect.stringContaining(said) });
      expect(told).not.toMatch(/canary|command line:/);
      expect(await entered('jane')).toBe('in');
    });

    test.each([
      ['sees no account', [], 'may not read who has which privileges: SELECT command denied'],
      ['sees a part of what there is', ['SELECT ON mysql.db'], 'may not read who has which privileges: SELECT command denied'],
      ['may alter none', ['SELECT ON mysql.*'], 'accounts are altered with CREATE USER ON *.*'],
    ])('of a login that %s', async (_name, rights, said) => {
      const { superuser, query } = server();
      await query(superuser, "DROP USER IF EXISTS weak@'%'", `CREATE USER weak@'%' IDENTIFIED BY '${PASSWORD}'`);
      await query(superuser, ...rights.map((right) => `GRANT ${right} TO weak@'%'`));
      const ended = await run(['lock', 'jane', ...named(), '--user', 'weak', '--auto-approve'], { MYSQL_PWD: PASSWORD });
      expect({ code: ended.code, told: ended.stdout.replace(/\s+/g, ' ') }).toEqual({ code: 1, told: expect.stringContaining(said) });
      expect(await entered('jane')).toBe('in');
    });

    test('of a user that is not there, and who was meant', async () => {
      const { code, target } = await lock('jnae');
      expect({ code, ...target, findings: target.findings.map(({ hint }) => hint) }).toMatchObject({
        code: 1,
        status: 'absent',
        findings: ["did you mean 'jane'?"],
      });
    });
  });
});
