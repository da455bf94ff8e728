import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { issueCertificate } from '../../lab/certificate.ts';
import { startOldServer } from '../../lab/mysql/old-server.ts';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { type CliHere, cliHere, type Ended } from '../cli.ts';
import { stateOf } from './scenario.ts';

let cli: CliHere;
beforeAll(() => {
  cli = cliHere();
});
afterAll(() => cli.remove());

const PEOPLE = `groups: { readers: { read: [shop] } }
users: { jane: { auth: password, password: "\${env:JANE}", groups: [readers] } }
`;
type Head = { readonly engine?: string; readonly host?: string; readonly port?: number; readonly tls?: string; readonly login?: string };

/** What was said, on one line: where lines are broken is another test's matter. */
const said = ({ out, err }: Ended): string => `${out} ${err}`.replaceAll(/\s+/g, ' ');

eachMysql(
  (server) => {
    const env = () => ({ MASTER: server().master.password, JANE: 'Jane-Pass-1', WRONG: 'wrong', WEAK: 'Weak-Pass-1', COLUMNS: '140' });
    const run = (...args: readonly string[]) => cli.run(args, { env: env() });
    const asSuperuser = (...statements: readonly string[]) => server().query(server().superuser, ...statements);
    const write = (body: string, { engine, host, port, tls, login }: Head = {}) =>
      cli.write(
        'rolecall.yaml',
        `version: 1
stack: acme/access/test
targets:
  t:
    engine: ${engine ?? server().flavour}
    endpoint: { host: ${host ?? '127.0.0.1'}, port: ${port ?? server().port}, ${tls ?? 'tls: disable'} }
    login: ${login ?? `{ user: master, password: "\${env:MASTER}" }`}
${body}`,
      );

    beforeAll(async () => {
      cli.write('other-ca.crt', issueCertificate({}).authority);
      await asSuperuser(
        'CREATE DATABASE shop',
        'CREATE TABLE shop.orders (id INT)',
        'CREATE TABLE shop.tickets (id INT)',
        "CREATE USER weak IDENTIFIED BY 'Weak-Pass-1'",
        "CREATE USER planner IDENTIFIED BY 'Weak-Pass-1'",
        "CREATE USER clerk IDENTIFIED BY 'Weak-Pass-1'",
      );
    });
    beforeEach(() => write(PEOPLE));

    /** Applies, and holds that it ends so, says so, and has changed nothing. */
    const refused = async (code: number, ...parts: readonly RegExp[]): Promise<void> => {
      const before = await stateOf(server());
      const ended = await run('apply', '--auto-approve');
      for (const part of parts) expect(said(ended)).toMatch(part);
      expect(ended.code).toBe(code);
      expect(await stateOf(server())).toEqual(before);
    };

    describe('a mistake in the manifest is told with its place, and nothing is done', () => {
      test.each([
        [
          'a host that nobody comes from',
          'users: { jane: { auth: none, hosts: ["10.0.0.1/255.0.0.0"] } }\n',
          /matches nothing: 10\.0\.0\.1 has bits beyond the netmask · write 10\.0\.0\.0/,
        ],
        [
          'privileges with the grant option and without',
          'groups: { g: { grants: [{ privileges: [select], schemas: shop, grantable: true }, { privileges: [insert], schemas: shop }] } }\n',
          /manifest\/grantable: 'g' gets 'shop' without the grant option and 'shop' with it/,
        ],
        [
          'defaults',
          `${PEOPLE}defaults: [{ schema: shop, created_by: [jane], to: readers, privileges: [select], objects: tables }]\n`,
          /defaults/,
        ],
        ['an owner', 'groups: { g: { own: [app.shop] } }\n', /selector 'app\.shop' has 2 parts/],
      ])('%s', async (_, body, expected) => {
        write(body);
        await refused(1, expected);
      });
    });

    describe('what only the server can tell is told by the plan', () => {
      test.each([
        [
          'IAM is not enabled',
          'users: { token: { auth: iam } }\n',
          [
            /account\/no-iam-plugin: token has auth: iam, but the server has no plugin AWSAuthenticationPlugin loaded: IAM authentication is not enabled there · switch it on/,
          ],
        ],
        ['a schema that is not there', 'groups: { g: { read: [shp] } }\n', [/there is no schema 'shp' · did you mean 'shop'\?/]],
        [
          'a table that is not there',
          'groups: { g: { grants: [{ privileges: [select], tables: shop.order }] } }\n',
          [/table selector 'shop\.order' matches nothing on the server · did you mean 'orders'\?/],
        ],
        [
          'privileges that are mixed by what selectors match',
          'groups: { g: { grants: [{ privileges: [select], tables: "shop.*s", grantable: true }, { privileges: [insert], tables: "shop.o*" }] } }\n',
          [/grant\/mixed-option: 'g' would hold/],
        ],
        [
          'a privilege that the master lacks',
          'groups: { g: { grants: [{ privileges: [super], global: true }] } }\n',
          [/grant\/not-grantable: 'master' may not grant SUPER on '\*\.\*'/],
        ],
        ['the login itself', 'users: { master: { auth: none } }\n', [/account 'master' would be changed/]],
        [
          'a routine and a name beyond ASCII',
          'groups: { größe: { grants: [{ privileges: [execute], routines: shop.refund }] } }\n',
          [
            /grant\/not-kept: 'größe' would get privileges on a routine, and "größe" is not ASCII: the server writes such names down wrong, and forgets the grant when it restarts · grant execute on the schema/,
          ],
        ],
      ])('%s', async (_, body, expected) => {
        if (body.includes('refund')) await asSuperuser('CREATE PROCEDURE shop.refund() SELECT 1');
        write(body);
        await refused(3, ...expected);
      });

      test('an account that something runs as', async () => {
        await asSuperuser("CREATE DEFINER = clerk@'%' VIEW shop.seen AS SELECT 1 AS one");
        write(`${PEOPLE}removed: { clerk: { drop: true } }\n`);
        await refused(
          3,
          /role\/definer: 'clerk' under removed is the definer of an object that runs with its rights: view shop\.seen · make/,
        );
      });
    });

    describe('a server that cannot be reached, or lets nobody in', () => {
      test.each<[string, Head, RegExp]>([
        ['a wrong password', { login: '{ user: master, password: "${env:WRONG}" }' }, /connect\/password: .*'master'/],
        ['an unknown user', { login: '{ user: nobody, password: "${env:WRONG}" }' }, /connect\/password: .*'nobody'/],
        ['an unknown host', { host: 'nowhere.invalid' }, /connect\/unknown-host/],
        ['nobody listens', { port: 1 }, /connect\/refused/],
        [
          'a certificate of somebody else',
          { tls: 'tls: verify-full, ca: ./other-ca.crt' },
          /connect\/(tls|certificate)[a-z-]*: .*authority/,
        ],
        ['a password that is nowhere', { login: '{ user: master, password: "${env:NOT_THERE}" }' }, /NOT_THERE/],
      ])('%s', async (_, head, expected) => {
        write(PEOPLE, head);
        await refused(1, expected, / · /);
      });

      test('the engine is the other one', async () => {
        write(PEOPLE, { engine: 'mariadb' });
        await refused(
          1,
          /connect\/engine: target 't': the server is MySQL \d+\.\S+, but the manifest says 'engine: mariadb'/,
          / · write engine: /,
        );
      });
    });

    describe('logins that may too little', () => {
      test('a plan_user that may not read the grant tables', async () => {
        write(PEOPLE, { login: '{ user: master, plan_user: planner, password: "${env:WEAK}" }' });
        const { code, ...rest } = await run('plan');
        expect({ code, text: said({ code, ...rest }) }).toEqual({
          code: 1,
          text: expect.stringMatching(/'planner' .*SELECT.* GRANT SELECT ON `?mysql`?\.\* TO/),
        });
      });

      test('a user that may make no accounts', async () => {
        await asSuperuser('GRANT SELECT ON mysql.* TO weak', 'GRANT SELECT, SHOW VIEW ON *.* TO weak WITH GRANT OPTION');
        write(PEOPLE, { login: '{ user: weak, password: "${env:WEAK}" }' });
        await refused(3, /guard\/no-create-user: 'weak' has no CREATE USER, .* GRANT CREATE USER ON \*\.\* TO weak/);
      });
    });

    test('a server that takes no changes is planned for, and not applied to', async () => {
      await asSuperuser(`SET GLOBAL read_only = ON`);
      try {
        const planned = await run('plan');
        expect({ code: planned.code, text: said(planned) }).toEqual({
          code: 0,
          text: expect.stringContaining('is read-only (read_only) and takes no changes'),
        });
        await refused(1, /error apply\/read-only: .* · name the writer endpoint/);
      } finally {
        await asSuperuser('SET GLOBAL read_only = OFF');
      }
    });

    test('another run is at it: who, and from where', async () => {
      const holder = await server().connect(server().master);
      await holder.query("SELECT GET_LOCK('rolecall', 0)");
      await refused(6, /lock\/held: .*another run holds the lock: 'master' from 127\.0\.0\.1:\d+, connection \d+ · .*--lock-timeout/);
      holder.destroy();
    });

    test('accounts beside those that are declared are told, and left alone', async () => {
      await asSuperuser("CREATE USER ''@'localhost'", "CREATE USER JANE@'%'", "CREATE USER jane@'10.%' IDENTIFIED BY 'Weak-Pass-1'");
      const planned = await run('plan');
      expect(planned.code).toBe(0);
      for (const part of [
        /account\/anonymous: an anonymous account ''@'localhost' takes the logins from there of jane/,
        /account\/case: 'JANE' and 'jane' differ by case alone/,
        /account\/other-host: 'jane'@'10\.%' is an account that nobody declared/,
      ])
        expect(said(planned)).toMatch(part);
      await asSuperuser("DROP USER ''@'localhost'", "DROP USER JANE@'%'", "DROP USER jane@'10.%'");
    });

    test('a grant that would hide what a pattern gives is told before it is made', async () => {
      await asSuperuser("CREATE USER shadowed IDENTIFIED BY 'Weak-Pass-1'", 'GRANT SELECT ON `sh%`.* TO shadowed');
      write('users: { shadowed: { auth: password, grants: [{ privileges: [insert], schemas: shop }] } }\n');
      const planned = await run('plan');
      expect({ code: planned.code, text: said(planned) }).toEqual({
        code: 0,
        text: expect.stringMatching(/- shadowed loses SELECT on schema shop, through pattern sh%/),
      });
      await asSuperuser('DROP USER shadowed');
    });
  },
  { only: ['9.7'] },
);

describe('a server without TLS', () => {
  eachMysql(
    (server) => {
      test('is not spoken to where the manifest wants TLS', async () => {
        cli.write(
          'rolecall.yaml',
          `version: 1\nstack: a/b/c\ntargets: { t: { engine: mysql, endpoint: { host: localhost, port: ${server().port} }, login: { user: master, password: "\${env:MASTER}" } } }\n${PEOPLE}`,
        );
        const ended = await cli.run(['plan'], { env: { MASTER: server().master.password, JANE: 'x' } });
        expect({ code: ended.code, text: said(ended) }).toEqual({ code: 1, text: expect.stringMatching(/connect\/no-tls: .* · /) });
      });
    },
    { only: ['9.7'], tls: 'none' },
  );
});

test('MySQL 5.7 is refused with what it takes (a stand-in of ours says that it is one)', async () => {
  const old = await startOldServer('5.7.44-log');
  cli.write(
    'rolecall.yaml',
    `version: 1\nstack: a/b/c\ntargets: { t: { engine: mysql, endpoint: { host: 127.0.0.1, port: ${old.port}, tls: disable }, login: { user: master, password: "\${env:MASTER}" } } }\n${PEOPLE}`,
  );
  const ended = await cli.run(['apply', '--auto-approve'], { env: { MASTER: 'x', JANE: 'x' } });
  await old.close();
  expect({ code: ended.code, text: said(ended) }).toEqual({ code: 1, text: expect.stringMatching(/5\.7\.44.*8\.0/) });
});
