import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startChaos } from '../lab/chaos.ts';
import { eachMajor } from '../lab/majors.ts';
import { type Postgres, startPostgres } from '../lab/postgres.ts';
import { type CliHere, cliHere, type Ended, type HeadOptions, headOf, type RunOptions } from './cli.ts';
import { stateOf } from './observe.ts';

let cli: CliHere;
beforeAll(() => {
  cli = cliHere();
});
afterAll(() => cli.remove());

const PEOPLE = `groups:
  readers: { read: [app.sales] }
users:
  jane: { password: "\${env:JANE}", groups: [readers] }
`;

/** What was said, on one line: where lines are broken is another test's matter. */
const said = ({ out, err }: Ended): string => `${out} ${err}`.replaceAll(/\s+/g, ' ');

eachMajor(
  (server, major) => {
    const env = () => ({ MASTER: server().master.password, JANE: 'jane-password', COLUMNS: '140' });
    const run = (args: readonly string[], more: RunOptions = {}) => cli.run(args, { ...more, env: { ...env(), ...more.env } });
    const write = (body: string, options: HeadOptions = {}) => cli.write('rolecall.yaml', headOf(server(), options) + body);
    const state = () => stateOf(server(), ['postgres', 'app']);
    const asMaster = (sql: string, database = 'app') => server().query(server().master, database, sql);
    const asSuperuser = (sql: string, database = 'postgres') => server().query(server().superuser, database, sql);

    beforeAll(async () => {
      await asMaster('CREATE DATABASE app', 'postgres');
      await asMaster('CREATE SCHEMA sales; CREATE TABLE sales.orders (id int, total int)');
      await asSuperuser('CREATE DATABASE secret');
      await asSuperuser(`REVOKE CONNECT ON DATABASE secret FROM PUBLIC`);
      await asSuperuser(`CREATE ROLE weak LOGIN PASSWORD 'weak'; CREATE ROLE outsiders; CREATE ROLE insiders; GRANT outsiders TO insiders`);
      if (major >= 16) await asSuperuser('GRANT insiders, outsiders TO master WITH ADMIN OPTION');
    });

    beforeEach(async () => {
      write(PEOPLE);
      expect(await run(['destroy', '--auto-approve', '--json'])).toMatchObject({ code: 0 });
    });

    /** Applies, and holds that it ends so, says so, and has changed nothing. */
    const refused = async (code: number, ...parts: readonly (string | RegExp)[]): Promise<void> => {
      const before = await state();
      const ended = await run(['apply', '--auto-approve']);
      for (const part of parts) expect(said(ended)).toMatch(part);
      expect(ended.code).toBe(code);
      expect(await state()).toEqual(before);
    };
    /** A message with its place, as text to be found. */
    const at = (line: number, column: number, message: string) =>
      new RegExp(`\\./rolecall\\.yaml:${line}:${column}: error ${message.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}`);

    describe('a mistake in the manifest is told with its place, and nothing is done', () => {
      test.each([
        [
          'an unknown key',
          PEOPLE.replace('password', 'pasword'),
          at(12, 11, "manifest/unknown-key: unknown key 'pasword' in 'users.jane' · did you mean 'password'?"),
        ],
        [
          'a wrong type',
          PEOPLE.replace('[readers]', 'readers'),
          at(12, 44, "manifest/type: 'users.jane.groups' is text, expected a list · write it as a list: [ … ]"),
        ],
        [
          'an unknown group',
          PEOPLE.replace('[readers]', '[raeders]'),
          at(12, 45, "manifest/unknown-group: group 'raeders' of 'jane' is declared by nothing · did you mean 'readers'?"),
        ],
        [
          'an unknown role',
          `${PEOPLE}defaults:\n  - { database: app, schema: sales, created_by: [nobody_knows], to: readers, privileges: [select], objects: tables }\n`,
          at(
            14,
            50,
            "manifest/unknown-role: role 'nobody_knows' is used here, and nothing declares it · declare it, or list it under 'existing' when it lives on the server",
          ),
        ],
        [
          'an unknown profile',
          PEOPLE.replace('read: [', 'use: { supprt: [').replace('] }', '] } }'),
          at(10, 21, "manifest/unknown-profile: profile 'supprt' is used by 'readers', and nothing declares it"),
        ],
        [
          'an unknown target',
          PEOPLE.replace('readers: {', 'readers: { targets: [u],'),
          at(10, 24, "manifest/unknown-target: target 'u' is used here, and nothing declares it"),
        ],
        [
          'an unknown database',
          PEOPLE.replace('app.sales', 'ap.sales'),
          at(10, 21, "manifest/unknown-database: database 'ap' is none of target 't', which manages app · did you mean 'app'?"),
        ],
        [
          'an unknown privilege',
          PEOPLE.replace('read: [app.sales]', 'grants: [{ privileges: [selct], tables: sales.orders }]'),
          at(10, 38, "manifest/unknown-privilege: privilege 'selct' is unknown for tables, expected one of SELECT, INSERT"),
        ],
        [
          'a privilege that the kind lacks',
          PEOPLE.replace('read: [app.sales]', 'grants: [{ privileges: [execute], tables: sales.orders }]'),
          at(10, 38, "manifest/unknown-privilege: privilege 'execute' is unknown for tables, expected one of SELECT, INSERT"),
        ],
        [
          'an odd setting',
          PEOPLE.replace('groups: [', 'settings: { Statement-Timeout: 1 }, groups: ['),
          at(
            12,
            48,
            "manifest/setting: 'Statement-Timeout' is no name of a setting, expected lower-case words such as statement_timeout · did you mean 'statement_timeout'?",
          ),
        ],
        [
          'a membership cycle',
          `groups:\n  a: { groups: [b] }\n  b: { groups: [c] }\n  c: { groups: [a] }\n`,
          at(12, 17, 'manifest/cycle: membership cycle: a → b → c → a · take one of these groups out of the other'),
        ],
        [
          'a name of 64 bytes',
          `users:\n  ${'ü'.repeat(32)}: { auth: none }\n`,
          at(10, 3, `manifest/name: name '${'ü'.repeat(32)}' has 64 bytes, expected at most 63`),
        ],
        [
          'an empty password',
          PEOPLE.replace('${env:JANE}', ''),
          at(
            12,
            21,
            "manifest/password: 'users.jane.password' is empty, expected ${env:NAME} or ${secret:ARN} or ${secret:ARN#key} · put the password into the environment or a secret, never into the manifest",
          ),
        ],
        [
          'a literal password',
          PEOPLE.replace('${env:JANE}', 'hunter2'),
          at(12, 21, "manifest/password: 'users.jane.password' is written out, expected ${env:NAME}"),
        ],
        ['a YAML syntax error', PEOPLE.replace('[readers] }', '[readers }'), at(12, 53, 'manifest/yaml: not valid YAML: ')],
        ['a duplicate key', `${PEOPLE}  jane: {}\n`, at(13, 3, "manifest/duplicate-key: 'jane' stands twice in one map, first on line 12")],
        [
          'an empty manifest',
          '',
          at(
            1,
            1,
            'manifest/empty: the manifest declares no user, no group and nothing else to act on · name what shall go away under removed, or use destroy',
          ),
        ],
      ])('%s', async (_, body, expected) => {
        write(body);
        await refused(1, expected);
        const { code, out, err } = await run(['validate']);
        expect({ code, out }).toEqual({ code: 1, out: expect.stringMatching(/^\.\/rolecall\.yaml: not valid, \d+ errors?\n$/) });
        expect(said({ code, out: '', err })).toMatch(expected);
        expect(err).not.toContain('hunter2');
      });

      test('an alias bomb', async () => {
        const lines = ['x0: &x0 [a, a, a, a, a, a, a, a, a]'];
        for (let level = 1; level < 9; level++)
          lines.push(
            `x${level}: &x${level} [${Array(9)
              .fill(`*x${level - 1}`)
              .join(', ')}]`,
          );
        write(`${PEOPLE}profiles:\n${lines.map((line) => `  ${line}\n`).join('')}`);
        await refused(
          1,
          /error manifest\/aliases: aliases expand to more than 1000000 values · write out less, or use groups and profiles/,
        );
      });
    });

    describe('what only the server can tell is told by the plan', () => {
      const inPlan = async (...parts: readonly (string | RegExp)[]) => {
        const plan = await run(['plan']);
        for (const part of parts) expect(said(plan)).toMatch(part);
        expect(plan.code).toBe(3);
        expect(plan.out).toContain('Nothing can be applied: correct what the errors above name, then plan again.');
        await refused(3, ...parts, /apply\/refused: the plan has (an error|\d errors); nothing was changed/);
      };

      test.each([
        [
          'a setting that no server has',
          'statement_timout: 30s',
          "setting/unknown: 'jane' shall have the setting 'statement_timout', which the server does not know · did you mean 'statement_timeout'?",
        ],
        [
          'a setting that only a superuser may set',
          'log_statement: all',
          "setting/not-permitted: 'jane' shall have the setting 'log_statement', which 'master' may not set: only a superuser may set it · have a superuser",
        ],
        [
          'a setting of the server',
          'shared_buffers: 1GB',
          "setting/not-of-a-role: 'jane' shall have the setting 'shared_buffers', which no role can have: it is read when the server starts · take it out",
        ],
      ])('%s', async (_, setting, message) => {
        write(PEOPLE.replace('groups: [', `settings: { ${setting} }, groups: [`));
        await inPlan(at(12, 48, message));
      });

      test('a schema, a table and a column that are not there', async () => {
        write(`groups:
  readers:
    read: [app.slaes]
    grants:
      - { privileges: [select], tables: sales.oders }
      - { privileges: [select], tables: sales.orders, columns: [totl] }
`);
        await inPlan(
          at(
            11,
            12,
            "selector/no-match: selector 'app.slaes' matches nothing on the server: there is no schema 'slaes' in database 'app' · did you mean 'sales'?",
          ),
          at(13, 41, "selector/no-match: table selector 'sales.oders' matches nothing on the server · did you mean 'orders'?"),
          at(14, 41, 'selector/no-match: '),
        );
      });

      test.runIf(major < 17)('a privilege that the version lacks', async () => {
        write(PEOPLE.replace('read: [app.sales]', 'grants: [{ privileges: [maintain], tables: sales.orders }]'));
        await inPlan(/error \S+: .*MAINTAIN.*17/);
      });

      test.runIf(major < 18)('a role that the version lacks', async () => {
        write(PEOPLE.replace('[readers]', '[readers, pg_signal_autovacuum_worker]'));
        await inPlan(
          at(
            12,
            54,
            `membership/needs-version: 'jane' in 'pg_signal_autovacuum_worker': that role needs PostgreSQL 18, the server is ${server().version}`,
          ),
        );
      });

      test('a role that is listed as existing, and does not exist', async () => {
        write(`${PEOPLE.replace('[readers]', '[readers, ghosts]')}existing: [ghosts]\n`);
        await inPlan(
          at(
            12,
            54,
            "membership/unknown-role: 'jane' in 'ghosts': the server has no role 'ghosts' · correct the name, or make the role first",
          ),
        );
      });

      test('a membership that closes a circle through roles that are not ours', async () => {
        write('groups:\n  outsiders: { groups: [insiders], manage: additive }\nexisting: [insiders]\n');
        await inPlan(
          at(
            10,
            25,
            "membership/cycle: 'outsiders' in 'insiders' closes a circle: outsiders -> insiders -> outsiders · leave it out of the manifest, or first: REVOKE outsiders FROM insiders",
          ),
        );
      });

      test('a role of another stack', async () => {
        await asMaster("CREATE ROLE theirs; COMMENT ON ROLE theirs IS '[rolecall stack=acme/other]'");
        write('groups:\n  theirs: {}\n');
        await inPlan(
          at(
            10,
            3,
            "role/foreign-mark: group 'theirs' belongs to stack 'acme/other' · take it over with adopt_from: [acme/other], or have that stack forget it",
          ),
        );
        await asMaster('DROP ROLE theirs');
      });

      test('a manifest without roles, where there is something to take away', async () => {
        expect(await run(['apply', '--auto-approve'])).toMatchObject({ code: 0 });
        write('public:\n  - { database: app, revoke: [temporary] }\n');
        await inPlan(
          at(
            4,
            3,
            "guard/empty-manifest: no user or group is declared for target 't', and everything with the mark of 'acme/access/test' would be disabled · is a file missing? 'rolecall destroy' takes a whole stack away",
          ),
        );
      });

      test('a login that may make no roles', async () => {
        write(PEOPLE, { login: '{ user: weak, password: "${env:WEAK}" }' });
        const before = await state();
        for (const args of [['plan'], ['apply', '--auto-approve']]) {
          const ended = await run(args, { env: { WEAK: 'weak' } });
          expect(ended.code).toBe(3);
          expect(said(ended)).toMatch(
            at(
              12,
              3,
              "guard/no-createrole: 'weak' has no CREATEROLE, and 2 roles are to be made: jane, readers · have an administrator run: ALTER ROLE weak CREATEROLE",
            ),
          );
        }
        expect(await state()).toEqual(before);
      });

      test('what the login may not grant is blocked, the rest is done, and the exit is 5', async () => {
        await asSuperuser('CREATE SCHEMA vault; CREATE TABLE vault.keys (id int)', 'app');
        write(PEOPLE.replace('read: [app.sales]', 'read: [app.sales, app.vault]'));
        const plan = await run(['plan']);
        expect(plan.code).toBe(0);
        expect(said(plan)).toMatch(
          /Blocked: cannot be done .*SELECT on table app\.vault\.keys .*'rdsadmin'.*What is blocked stays as it is, and apply says so with exit code 5/,
        );
        const applied = await run(['apply', '--auto-approve']);
        expect(applied.code).toBe(5);
        expect(said(applied)).toMatch(/t applied in part .* left over: .*vault.*rdsadmin/);
        expect(await server().query({ user: 'jane', password: 'jane-password' }, 'app', 'SELECT FROM sales.orders')).toEqual([]);
        await asSuperuser('DROP SCHEMA vault CASCADE', 'app');
      });
    });

    describe('a server that cannot be reached or entered is told with what to do', () => {
      const unreachable = async (
        options: HeadOptions,
        expected: string,
        { place = '4:3', ...more }: RunOptions & { place?: string } = {},
      ) => {
        write(PEOPLE, options);
        const before = await state();
        for (const args of [['plan'], ['apply', '--auto-approve'], ['drift']]) {
          const ended = await run(args, more);
          expect(said(ended)).toMatch(new RegExp(String.raw`\./rolecall\.yaml:${place}: error ` + expected));
          expect(ended.code).toBe(1);
        }
        expect(await state()).toEqual(before);
      };

      test('the variable of the password is not set, or empty', async () => {
        await unreachable(
          { login: '{ user: master, password: "${env:NOWHERE}" }' },
          "connect/no-variable: .*'NOWHERE' is not set.* · set NOWHERE to the password of the login",
          { place: '7:38' },
        );
        await unreachable({ login: '{ user: master, password: "${env:NOWHERE}" }' }, "connect/no-variable: .*'NOWHERE' is empty", {
          place: '7:38',
          env: { NOWHERE: '' },
        });
      });

      test('nothing listens there', async () => {
        await unreachable(
          { port: 1 },
          "connect/refused: target 't': nothing listens on port 1 of '127\\.0\\.0\\.1' .* · start the server, or check 'endpoint\\.host' and 'endpoint\\.port'",
        );
      });

      test('the password is wrong', async () => {
        await unreachable(
          {},
          "connect/password: target 't': the password of 'master' is wrong, or there is no such user .* · check the value of '\\$\\{env:MASTER\\}'",
          { env: { MASTER: 'wrong' } },
        );
      });

      test('TLS is asked for, and the server has none', async () => {
        await unreachable(
          { tls: 'tls: verify-full' },
          "connect/no-tls: target 't': the server does not speak TLS, but 'verify-full' is asked for .* · turn TLS on at the server",
        );
      });

      test('the certificate cannot be verified', async () => {
        const secure = await startPostgres(major, { rdsLike: true, tls: true });
        try {
          await unreachable(
            { port: secure.port, tls: 'tls: verify-full' },
            "connect/certificate: .*signed by nobody who is trusted here .* · name the file with the authority's certificate in 'ca'",
          );
          await unreachable(
            { port: secure.port, tls: 'tls: verify-full, ca: nowhere.pem' },
            "connect/no-ca: .*the CA file 'nowhere\\.pem' cannot be read \\(ENOENT\\)",
          );
        } finally {
          await secure.stop();
        }
      });

      test('the database does not exist', async () => {
        await unreachable(
          { target: 'databases: [app, apps]' },
          "inspect/no-database: target 't': there is no database 'apps' on the server · did you mean 'app'\\?",
        );
      });

      test('the reading is cancelled, or a catalog is locked', async () => {
        const other = await server().connect(server().superuser, 'app');
        await other.query('BEGIN; LOCK TABLE pg_catalog.pg_default_acl IN ACCESS EXCLUSIVE MODE');
        const running = run(['plan']);
        await waiting(server(), 'SELECT pg_cancel_backend(pid)');
        const ended = await running;
        await other.end();
        expect(ended.code).toBe(1);
        expect(said(ended)).toMatch(
          /error inspect\/timeout: target 't': reading took too long: canceling statement due to user request .* · try again when the server is less busy: reading changes nothing/,
        );
      });
    });

    test('a database that the login may not enter is told, and the exit says that not all was read', async () => {
      write(PEOPLE, { target: 'databases: [app, secret]' });
      const warning =
        /rolecall\.yaml:4:3: warning inspect\/unread: database 'secret' was not read \(the login has no CONNECT privilege on it\): what it holds is not planned, and nothing there is changed · let the login in, or take the database out of 'databases'/;
      const plan = await run(['plan']);
      expect(plan.code).toBe(3);
      expect(said(plan)).toMatch(warning);
      const applied = await run(['apply', '--auto-approve']);
      expect(applied.code).toBe(5);
      expect(said(applied)).toMatch(warning);
      expect(applied.out).toContain('Read back: what was read is as planned; not all was read.');
      expect(await run(['apply', '--auto-approve'])).toMatchObject({ code: 3 });
    });

    test('a reader takes no changes', async () => {
      await asSuperuser('ALTER ROLE master SET default_transaction_read_only = on');
      const plan = await run(['plan']);
      const before = await state();
      const applied = await run(['apply', '--auto-approve']);
      const after = await state();
      await asSuperuser('ALTER ROLE master RESET default_transaction_read_only');
      expect(plan.code).toBe(0);
      expect(said(plan)).toMatch(
        /:4:3: warning apply\/read-only: target 't': the server is read-only and takes no changes · name the writer endpoint of the cluster/,
      );
      expect(applied.code).toBe(1);
      expect(said(applied)).toMatch(/:4:3: error apply\/read-only: target 't': the server is read-only and takes no changes/);
      expect(after).toEqual(before);
    });

    test('the password of a user that is not to be had stops an apply before its first statement', async () => {
      const before = await state();
      for (const [value, state] of [
        [undefined, 'is not set'],
        ['', 'is empty'],
      ] as const) {
        const applied = await cli.run(['apply', '--auto-approve'], {
          env: { MASTER: server().master.password, COLUMNS: '140', ...(value === undefined ? {} : { JANE: value }) },
        });
        expect(applied.code).toBe(1);
        expect(said(applied)).toContain(
          `./rolecall.yaml:12:21: error secret/empty: the password of 'jane' is '\${env:JANE}', and the environment variable 'JANE' ${state} · set JANE to the password that 'jane' shall have`,
        );
      }
      expect(await state()).toEqual(before);
    });

    describe('a plan file runs as it was written, on the server it was made for, or not at all', () => {
      const stale = async (file: string, code: number, ...parts: readonly (string | RegExp)[]) => {
        const before = await state();
        const ended = await run(['apply', file, '--auto-approve']);
        for (const part of parts) expect(said(ended)).toMatch(part);
        expect(ended.code).toBe(code);
        expect(await state()).toEqual(before);
      };
      beforeEach(async () => {
        expect(await run(['plan', '--out', 'plan.json'])).toMatchObject({ code: 0 });
      });

      test('edited', async () => {
        cli.write('edited.json', cli.read('plan.json').replaceAll('"jane"', '"june"'));
        await stale(
          'edited.json',
          1,
          "error plan/digest: plan file 'edited.json' was changed after it was written: its digest does not match what it holds · plan again",
        );
        cli.write('edited.json', cli.read('plan.json').replace('"formatVersion": "1.0"', '"formatVersion": "2.0"'));
        await stale('edited.json', 1, `error plan/unknown-format: 'edited.json' has format "2.0", this version reads 1.x`);
        cli.write('edited.json', cli.read('plan.json').replace('"risk": "safe"', '"risk": "none"'));
        await stale('edited.json', 1, "error plan/invalid: 'edited.json' is not as a plan is written: at /targets/0/changes/");
      });

      test('truncated, empty, or something else', async () => {
        const text = cli.read('plan.json');
        cli.write('cut.json', text.slice(0, text.length / 2));
        await stale(
          'cut.json',
          1,
          "error plan/truncated: 'cut.json' ends in the middle: it was not written or copied to its end · write it again with: rolecall plan --out FILE",
        );
        cli.write('cut.json', '');
        await stale('cut.json', 1, "error plan/truncated: 'cut.json' is empty");
        await stale(
          'rolecall.yaml',
          1,
          "error plan/not-a-plan: 'rolecall.yaml' is not JSON · apply and show take the file that rolecall plan --out wrote",
        );
      });

      test('of another stack, for another target, for another server', async () => {
        write(PEOPLE, { stack: 'acme/access/other' });
        await stale(
          'plan.json',
          4,
          "error plan/other-stack: the plan is for stack 'acme/access/test', the manifest for 'acme/access/other'",
        );
        cli.write('rolecall.yaml', headOf(server()).replace('  t:', '  u:') + PEOPLE);
        await stale(
          'plan.json',
          4,
          "error plan/no-target: the plan does not hold target 'u' · choose targets with --target, or plan again",
        );
        const other = await startPostgres(major);
        try {
          write(PEOPLE, { port: other.port, login: `{ user: ${other.master.user}, password: "\${env:OTHER}" }` });
          await other.query(other.master, 'postgres', 'CREATE DATABASE app');
          const ended = await run(['apply', 'plan.json', '--auto-approve'], { env: { OTHER: other.master.password } });
          expect(said(ended)).toMatch(
            /error apply\/plan-stale: target 't': the plan is for another server \(system identifier \d+, this one is \d+\) · plan again, or correct the endpoint/,
          );
          expect(ended.code).toBe(4);
        } finally {
          await other.stop();
        }
      });

      test('stale: more is needed than it holds', async () => {
        write(`${PEOPLE}  joe: { auth: none }\n`);
        await stale(
          'plan.json',
          4,
          "error apply/plan-stale: target 't': a change is needed that the plan does not hold: role joe · plan again, and have the new plan reviewed",
        );
      });

      test('done in part meanwhile: the rest is done', async () => {
        expect(await run(['apply', '--auto-approve'])).toMatchObject({ code: 0 });
        await asMaster('REVOKE SELECT ON sales.orders FROM readers; REVOKE readers FROM jane');
        const ended = await run(['apply', 'plan.json', '--auto-approve']);
        expect(ended.code).toBe(0);
        expect(ended.out).toMatch(/applied, read back {3}2 changes, 2 statements/);
      });

      test('a role was dropped and made again', async () => {
        expect(await run(['apply', '--auto-approve'])).toMatchObject({ code: 0 });
        write(PEOPLE.replace(', groups: [readers]', ''));
        expect(await run(['plan', '--out', 'plan.json'])).toMatchObject({ code: 0 });
        await asMaster(
          "DROP ROLE jane; CREATE ROLE jane LOGIN; GRANT readers TO jane; COMMENT ON ROLE jane IS '[rolecall stack=acme/access/test]'",
        );
        await stale(
          'plan.json',
          4,
          /error apply\/plan-stale: target 't': role 'jane' was dropped and made again since the plan \(OID \d+, now \d+\) · plan again, and look at what it is now/,
        );
      });
    });

    describe('what goes wrong on the way leaves whole transactions, and is told', () => {
      test('a statement is cancelled', async () => {
        const other = await server().connect(server().master, 'app');
        await other.query('BEGIN; GRANT SELECT ON sales.orders TO PUBLIC');
        const before = await state();
        const running = run(['apply', '--auto-approve']);
        await waiting(server(), 'SELECT pg_cancel_backend(pid)');
        const ended = await running;
        await other.end();
        expect(ended.code).toBe(1);
        expect(said(ended)).toMatch(
          /canceling statement due to user request · the statement took longer than it may, or somebody cancelled it: try again when the server is less busy \(57014\)/,
        );
        expect(await state()).toEqual(before);
      });

      test('the connection breaks each time', async () => {
        const proxy = await startChaos(server(), ({ sql }) => (sql.startsWith('GRANT SELECT') ? 'reset-before' : undefined));
        write(PEOPLE, { port: proxy.port });
        const before = await state();
        const ended = await run(['apply', '--auto-approve']);
        await proxy.close();
        expect(ended.code).toBe(1);
        expect(said(ended)).toMatch(/Nothing was changed, 1 failed\. Fix the cause, then run apply again/);
        expect(said(ended)).toMatch(/t failed the connection was lost: /);
        expect(await state()).toEqual(before);
      });

      test('the connection breaks once: it is done all the same', async () => {
        let broken = false;
        const proxy = await startChaos(server(), ({ sql }) => {
          if (broken || !sql.startsWith('GRANT SELECT')) return undefined;
          broken = true;
          return 'reset-after';
        });
        write(PEOPLE, { port: proxy.port });
        const ended = await run(['apply', '--auto-approve']);
        await proxy.close();
        expect(ended.code).toBe(0);
        expect(said(ended)).toMatch(/attempt 1, after: the connection was lost/);
        write(PEOPLE);
        expect(await run(['drift'])).toMatchObject({ code: 0 });
      });
    });
  },
  { only: [13, 18] },
);

/** Does something to the backend of ours that waits for a lock, as soon as there is one. */
const waiting = async (server: Postgres, what: string): Promise<void> => {
  for (let tries = 0; tries < 400; tries++) {
    const found = await server.query(
      server.superuser,
      'postgres',
      `${what} FROM pg_stat_activity WHERE application_name LIKE 'rolecall%' AND wait_event_type = 'Lock'`,
    );
    if (found.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('nobody waits');
};
