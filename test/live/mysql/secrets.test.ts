import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { type CliHere, cliHere, type Ended } from '../cli.ts';

/** What must be seen nowhere. The last is in the environment and none of our business. */
const CANARIES = { JANE: "canary-jane-o'hara-\\-ünseen", JOHN: 'canary-john-${env:JANE}', OTHER: 'canary-of-somebody-else' };

let cli: CliHere;
beforeAll(() => {
  cli = cliHere();
});
afterAll(() => cli.remove());

eachMysql(
  (server) => {
    const isMysql = () => server().flavour === 'mysql';
    const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
      cli.run(args, { env: { MASTER: server().master.password, ...CANARIES, ...env } });
    const write = (version: number, john = '${env:JOHN}') => {
      const more = isMysql() ? `, password_version: ${version}` : '';
      cli.write(
        'rolecall.yaml',
        `version: 1
stack: acme/access/test
targets: { t: { engine: ${server().flavour}, endpoint: { host: 127.0.0.1, port: ${server().port}, tls: disable }, login: { user: master, password: "\${env:MASTER}" } } }
users:
  jane: { auth: password, password: "\${env:JANE}"${more} }
  john: { auth: password, password: ${JSON.stringify(john)}${more} }
`,
      );
    };
    /** Passwords and their parts: a quoted or escaped one is still one. */
    const leaks = (text: string): string[] =>
      ['canary-', 'ünseen', server().master.password, Buffer.from(CANARIES.JANE).toString('base64')].filter((secret) =>
        text.includes(secret),
      );
    const expectClean = (ended: Ended, code: number) =>
      expect({ code: ended.code, err: leaks(ended.err), out: leaks(ended.out) }).toEqual({ code, err: [], out: [] });
    const rotate = () => (isMysql() ? [] : ['--rotate', 'jane', '--rotate', 'john']);
    const logFile = () => path.join(server().dataDir, 'general.log');

    beforeAll(async () => {
      await server().query(
        server().superuser,
        `SET GLOBAL general_log_file = '${logFile()}'`,
        'SET GLOBAL general_log = ON',
        'SET GLOBAL slow_query_log = ON',
        'SET GLOBAL long_query_time = 0',
      );
    });

    test('no password is in what a plan, an apply or an error says, nor in the plan file (law 10)', async () => {
      write(1);
      for (const format of ['human', 'json', 'sql']) expectClean(await run(['plan', '--format', format, '--out', 'plan.json']), 0);
      expect(leaks(cli.read('plan.json'))).toEqual([]);
      expect(cli.read('plan.json')).toContain('${env:JANE}');
      expectClean(await run(['show', 'plan.json', '--format', 'markdown']), 0);
      expectClean(await run(['apply', 'plan.json', '--auto-approve', '--format', 'json']), 0);

      // errors of every layer: a wrong login, an empty variable, a manifest with the password in it
      write(2);
      expectClean(await run(['apply', '--auto-approve'], { MASTER: 'canary-wrong' }), 1);
      expectClean(await run(['apply', '--auto-approve', ...rotate()], { JANE: '' }), 1);
      write(2, 'canary-literal');
      expectClean(await run(['plan']), 1);
      write(2);
      expectClean(await run(['apply', '--auto-approve', ...rotate()]), 0);
    });

    test('the passwords work, and none is in a log of the server', async () => {
      for (const [user, password] of [
        ['jane', CANARIES.JANE],
        ['john', CANARIES.JOHN],
      ] as const)
        expect(await server().query({ user, password }, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      const general = fs.readFileSync(logFile(), 'utf8');
      expect(general).toMatch(isMysql() ? /'jane'@'%' IDENTIFIED BY <secret>/ : /'jane'@'%' .*IDENTIFIED BY PASSWORD '\*[0-9A-F]{40}'/);
      expect(leaks(general)).toEqual([]);
      expect(leaks(server().log())).toEqual([]);
      const slow = fs.readdirSync(server().dataDir).filter((name) => name.includes('slow'));
      expect(slow).toHaveLength(1);
      expect(leaks(fs.readFileSync(path.join(server().dataDir, slow[0]!), 'utf8'))).toEqual([]);
    });
  },
  { only: ['9.7', '11.8'] },
);
