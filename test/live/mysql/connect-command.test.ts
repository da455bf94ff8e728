import fs from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildCli, type Cli } from '../cli.ts';

/* What the command gives the client: a client that tells it. No server is asked for anything, since the client would log in. */

const PASSWORD = 'p4ss w:ord\\of jane';
const CLIENT = `#!/bin/sh
if [ "$1" = --version ]; then echo "mysql  Ver 8.4.6 for Linux on x86_64 (MySQL Community Server - GPL)"; exit; fi
echo "$@"
echo "password: $MYSQL_PWD"
for word in "$@"; do case $word in --ssl-ca=*) stat -c %a "\${word#--ssl-ca=}";; esac; done
exit 7
`;

let cli: Cli;
beforeAll(() => {
  cli = buildCli();
  cli.write('bin/mysql', CLIENT);
  fs.chmodSync(cli.file('bin/mysql'), 0o755);
  const target = (name: string, tls: string) =>
    `  ${name}: { engine: mysql, endpoint: { host: ${name}.example.com, port: 3307, ${tls} }, login: { user: master, password: "\${env:MASTER}" } }\n`;
  cli.write(
    'rolecall.yaml',
    `version: 1
stack: test/access
targets:
${target('plain', 'tls: require')}${target('verified', 'tls: verify-full, ca: ca.pem')}${target('tunnel', 'tls: verify-full, ca: ca.pem, via: { host: 127.0.0.1, port: 13306 }')}
users:
  jane: { targets: [plain, verified, tunnel], auth: password, password: "\${env:JANE}", hosts: ["10.%", "%"] }
  open: { targets: [plain], auth: password }
`,
  );
  cli.write('ca.pem', 'an authority');
});
afterAll(() => cli.remove());

const run = (...args: readonly string[]) =>
  cli.runApart(['connect', ...args], {
    env: {
      PATH: `${cli.file('bin')}:${process.env.PATH}`,
      TMPDIR: cli.folder,
      MASTER: 'of the master',
      JANE: PASSWORD,
      MYSQL_PWD: 'of another',
    },
  });

test('opens mysql as a user, with its secret out of sight, and ends as mysql does', async () => {
  const { code, out } = await run('jane@plain', 'shop', '--', '-e', 'SELECT 1');
  const options =
    '--no-defaults --protocol=TCP --host=plain.example.com --port=3307 --user=jane --ssl-mode=REQUIRED --database=shop -e SELECT 1';
  expect({ code, out }).toEqual({ code: 7, out: `${options}\npassword: ${PASSWORD}\n` });
});

test('has the certificate verified by a file that is gone afterwards', async () => {
  const { out } = await run('jane@verified');
  expect(out).toMatch(/--ssl-mode=VERIFY_IDENTITY --ssl-ca=\S+\n.*\n600\n$/);
  expect(fs.readdirSync(cli.folder).filter((name) => name.startsWith('rolecall-'))).toEqual([]);
});

test('has a user asked for a password that the manifest does not know', async () => {
  expect(await run('open@plain')).toMatchObject({ out: expect.stringMatching(/ --password\npassword: \n$/) });
});

test('says what to do about a tunnel, whose name is not that of the certificate', async () => {
  const { code, out, err } = await run('jane@tunnel');
  expect({ code, out, err: err.replace(/\s+/g, ' ') }).toEqual({
    code: 1,
    out: '',
    err: expect.stringContaining("give tunnel.example.com the tunnel's address in /etc/hosts, and leave 'via' out"),
  });
});

test('says what to install where there is no client', async () => {
  const { code, err } = await cli.runApart(['connect', 'jane@plain'], {
    env: { PATH: cli.folder, JANE: PASSWORD, MASTER: 'x' },
  });
  expect({ code, err: err.replace(/\s+/g, ' ') }).toEqual({ code: 1, err: expect.stringContaining("'mysql' is not on this machine") });
});
