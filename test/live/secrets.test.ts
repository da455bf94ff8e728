import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startChaos } from '../lab/chaos.ts';
import { eachMajor } from '../lab/majors.ts';
import { type Command, type Ended, makeCommand } from './command.ts';

/** What must be seen nowhere. The last is in the environment and none of our business. */
const CANARIES = { JANE: "canary-jane-o'hara-\\-ünseen", JOHN: 'canary-john-${env:JANE}', OTHER: 'canary-of-somebody-else' };

const body = (version: number, more = ''): string => `
groups: { readers: { read: [app.public] } }
users:
  jane: { auth: password, password: "\${env:JANE}", password_version: ${version}, groups: [readers] }
  john: { auth: password, password: "\${env:JOHN}", password_version: ${version}${more} }
`;

eachMajor(
  (server) => {
    let command: Command;
    beforeAll(async () => {
      command = makeCommand();
      await server().query(server().master, 'postgres', 'CREATE DATABASE app');
      await server().query(server().master, 'app', 'CREATE TABLE t (i int)');
    });
    afterAll(() => command.remove());

    const run = async (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
      await command.run(args, { ROLECALL_MASTER: server().master.password, ...CANARIES, ...env });

    /** Passwords and their parts: a quoted or escaped one is still one. */
    const leaks = (text: string): string[] =>
      ['canary-', 'ünseen', server().master.password, Buffer.from(CANARIES.JANE).toString('base64')].filter((secret) =>
        text.includes(secret),
      );
    const expectClean = (ended: Ended, code: number) => {
      expect({ code: ended.code, stderr: leaks(ended.stderr), stdout: leaks(ended.stdout) }).toEqual({ code, stderr: [], stdout: [] });
    };

    test('no password is in what a plan, an apply or an error says, nor in the plan file (law 10)', async () => {
      const plan = path.join(command.home, 'plan.json');
      const file = command.manifest(server(), body(1), { target: 'databases: [app]' });
      for (const format of ['human', 'json', 'markdown', 'sql'])
        expectClean(await run(['plan', '-m', file, '--format', format, '--out', plan]), 0);
      expect(leaks(fs.readFileSync(plan, 'utf8'))).toEqual([]);
      expect(fs.readFileSync(plan, 'utf8')).toContain('${env:JANE}');
      for (const format of ['human', 'json', 'markdown', 'sql']) expectClean(await run(['show', plan, '--format', format]), 0);
      expectClean(await run(['apply', plan, '-m', file, '--auto-approve', '--format', 'json']), 0);

      // errors of every layer: the server's refusal, a lost connection, a wrong login, a manifest with the password in it
      const rotated = command.manifest(server(), body(2), { target: 'databases: [app]' });
      const proxy = await startChaos(server(), ({ sql }) => (sql.includes('PASSWORD') ? 'reset-before' : undefined));
      const through = command.manifest(server(), body(2), { target: 'databases: [app]', port: proxy.port });
      expectClean(await run(['apply', '-m', through, '--auto-approve']), 1);
      await proxy.close();
      expectClean(await run(['apply', '-m', rotated, '--auto-approve'], { ROLECALL_MASTER: 'canary-wrong' }), 1);
      expectClean(await run(['apply', '-m', rotated, '--auto-approve'], { JANE: '' }), 1);
      expectClean(
        await run([
          'plan',
          '-m',
          command.manifest(server(), body(2).replace('"${env:JOHN}"', `"${CANARIES.JOHN}"`), { target: 'databases: [app]' }),
        ]),
        1,
      );
      expectClean(await run(['apply', '-m', rotated, '--auto-approve']), 0);
    });

    test('a password is set again when that is asked for, and a name without one is refused', async () => {
      const file = command.manifest(server(), body(2), { target: 'databases: [app]' });
      const again = { ...CANARIES, JOHN: 'canary-john-anew' };
      const rotated = await run(['apply', '-m', file, '--auto-approve', '--rotate', 'john'], again);
      expectClean(rotated, 0);
      expect(rotated.stdout).toContain('1 change, 1 statement');
      const login = (password: string) => server().query({ user: 'john', password }, 'app', 'SELECT 1 AS one');
      expect(await login(again.JOHN)).toEqual([{ one: 1 }]);
      await expect(login(CANARIES.JOHN)).rejects.toThrow('password authentication failed');
      expectClean(await run(['apply', '-m', file, '--auto-approve', '--rotate', 'john']), 0);
      const unknown = await run(['apply', '-m', file, '--auto-approve', '--rotate', 'jon']);
      expectClean(unknown, 1);
      expect(unknown.stderr).toMatch(/'jon' has no password in the manifest that could be set again . did you mean 'john'\?/);
    });

    test('the passwords work, and the server never heard them, log_statement = all', async () => {
      for (const [user, password] of [
        ['jane', CANARIES.JANE],
        ['john', CANARIES.JOHN],
      ] as const) {
        expect(await server().query({ user, password }, 'app', 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      }
      const log = server().log();
      expect(log).toContain('SCRAM-SHA-256$');
      expect(leaks(log)).toEqual([]);
    });
  },
  { settings: { log_statement: 'all' }, only: [13, 16, 18] },
);
