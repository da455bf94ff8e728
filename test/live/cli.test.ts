import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { VERSION } from '../../src/version.ts';
import { eachMajor } from '../lab/majors.ts';
import type { Postgres } from '../lab/postgres.ts';
import { buildCli, type Cli, hasTerminal, headOf, STACK } from './cli.ts';
import { stateOf } from './observe.ts';

/** What a terminal is told to do besides its text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escapes are what is looked for
const ESCAPE = /\u001b\[[\d;]*[A-Za-z]/;
const plain = (text: string): string => text.replaceAll(new RegExp(ESCAPE, 'g'), '');

let cli: Cli;
beforeAll(() => {
  cli = buildCli();
});
afterAll(() => cli.remove());

describe('the command line', () => {
  test.each([
    [['--version'], 0, `${VERSION}\n`],
    [['-V'], 0, `${VERSION}\n`],
    [['--help'], 0, 'Usage: rolecall'],
    [['help', 'plan'], 0, '--detailed-exitcode'],
    [['apply', '--help'], 0, '--auto-approve'],
  ])('%j answers on stdout', async (args, code, out) => {
    const ended = await cli.runApart(args);
    expect(ended).toMatchObject({ code, err: '' });
    expect(ended.out).toContain(out);
  });

  test('the help names every exit code', async () => {
    const { out } = await cli.runApart(['--help']);
    for (const code of [
      '0 done',
      '1 error',
      '2 changes',
      '3 refused',
      '4 the saved plan',
      '5 applied in part',
      '6 another run',
      '130 interrupted',
    ])
      expect(out).toContain(code);
  });

  test.each([
    [[], 'Usage: rolecall'],
    [['plna'], "unknown command 'plna'\n(Did you mean plan?)"],
    [['plan', '--formt', 'json'], "unknown option '--formt'\n(Did you mean --format?)"],
    [['plan', '--format', 'yaml'], "argument 'yaml' is invalid. Allowed choices are human, json"],
    [['plan', 'plan.json'], "too many arguments for 'plan'"],
    [['show'], "missing required argument 'plan.json'"],
    [['plan', '--max-removals', 'few'], "argument 'few' is invalid. a whole number is expected"],
    [['apply', '--lock-timeout', '1h'], "argument '1h' is invalid. seconds are expected, e.g. 30, 30s or 2m"],
    [['plan', '--parallelism', '0'], "argument '0' is invalid. a whole number from 1 is expected"],
    [['plan', '--out'], "option '--out <file>' argument missing"],
  ])('%j is refused with help', async (args, said) => {
    const ended = await cli.runApart(args);
    expect(ended).toMatchObject({ code: 1, out: '' });
    expect(ended.err).toContain(said);
    expect(ended.err).toContain(args[0] === undefined ? 'Begin with' : `(see 'rolecall ${args[0] === 'plna' ? '' : `${args[0]} `}--help')`);
  });

  test.each([
    [['plan'], "there is no manifest: neither './access' nor './rolecall.yaml' exists · name one with --manifest PATH"],
    [['validate', '-m', 'nowhere.yaml'], "'nowhere.yaml' does not exist · check the path: it is relative to the working directory"],
    [
      ['import', '--from', 'postgres-user-manager', 'nowhere.json'],
      "'nowhere.json' does not exist · check the path: it is relative to the working directory",
    ],
    [['show', 'nowhere.json'], "cannot read plan file 'nowhere.json': it does not exist · write one with 'rolecall plan --out plan.json'"],
    [['show', '.'], "cannot read plan file '.': it is a directory"],
  ])('%j says what is not there', async (args, said) => {
    const ended = await cli.runApart(args, { env: { COLUMNS: '300' } });
    expect(ended).toMatchObject({ code: 1, out: '' });
    expect(ended.err).toContain(said);
  });
});

/** Only what the tests below need of a manifest. */
const PEOPLE = `
groups:
  readers: { read: [app.sales] }
users:
  jane: { password: "\${env:JANE}", groups: [readers] }
`;
const WRITER = PEOPLE.replace('readers: { read', 'readers: { write');

eachMajor(
  (server) => {
    const env = () => ({ MASTER: server().master.password, JANE: 'jane-password' });
    const run = (...args: string[]) => cli.run(args, { env: env() });
    const manifest = (body: string, head = headOf(server())) => cli.write('rolecall.yaml', `${head}${body}`);
    const state = () => stateOf(server(), ['postgres', 'app']);

    beforeAll(async () => {
      await server().query(server().master, 'postgres', 'CREATE DATABASE app');
      await server().query(server().master, 'app', 'CREATE SCHEMA sales; CREATE TABLE sales.orders (id int)');
    });

    /** Every test begins with nothing of ours on the server. */
    beforeEach(async () => {
      manifest(PEOPLE);
      expect(await run('destroy', '--auto-approve', '--json')).toMatchObject({ code: 0 });
    });

    describe('validate', () => {
      test('says that a manifest is valid, in each format', async () => {
        expect(await run('validate')).toEqual({ code: 0, out: './rolecall.yaml: valid\n', err: '' });
        const json = await run('validate', '--json');
        expect(JSON.parse(json.out)).toEqual({ formatVersion: '1.0', valid: true, findings: [] });
        expect(await run('validate', '--format', 'github')).toEqual({ code: 0, out: '', err: '' });
      });

      test('says where it is not', async () => {
        manifest(PEOPLE.replace('readers]', 'raeders]'));
        const place = 'rolecall.yaml:13:45';
        const human = await cli.run(['validate'], { env: { COLUMNS: '300' } });
        expect(human).toMatchObject({ code: 1, out: './rolecall.yaml: not valid, 1 error\n' });
        expect(human.err).toContain(`./${place}: error manifest/unknown-group: group 'raeders' of 'jane' is declared by nothing`);
        expect(human.err).toContain("did you mean 'readers'?");
        const json = await run('validate', '--json');
        expect(json).toMatchObject({ code: 1, err: '' });
        expect(JSON.parse(json.out)).toMatchObject({
          valid: false,
          findings: [{ code: 'manifest/unknown-group', source: { line: 13, column: 45 } }],
        });
        const github = await run('validate', '--format', 'github');
        expect(github).toMatchObject({ code: 1, err: '' });
        expect(github.out).toBe(
          "::error file=rolecall.yaml,line=13,col=45,title=manifest/unknown-group::group 'raeders' of 'jane' is declared by nothing · did you mean 'readers'?\n",
        );
      });

      test('needs no server and no variable', async () => {
        expect(await cli.runApart(['validate'])).toMatchObject({ code: 0 });
      });
    });

    describe('plan', () => {
      test('prints the plan on stdout and its progress on stderr, and changes nothing', async () => {
        const before = await state();
        const { code, out, err } = await run('plan');
        expect(code).toBe(0);
        expect(out).toMatch(/^rolecall plan {2}acme\/access\/test\n/);
        expect(out).toContain('Plan: 9 to add, 0 to change, 0 to remove.');
        expect(out).not.toContain('connecting to');
        expect(err).toMatch(/^ {2}t: connecting to 127\.0\.0\.1:\d+\n {2}t: read \d+ objects in 1 database, /);
        expect(await state()).toEqual(before);
      });

      test('exits 2 for changes only with --detailed-exitcode, and 0 for none', async () => {
        expect(await run('plan', '--detailed-exitcode')).toMatchObject({ code: 2 });
        expect(await run('apply', '--auto-approve')).toMatchObject({ code: 0 });
        const { code, out } = await run('plan', '--detailed-exitcode');
        expect({ code, last: out.trim().split('\n').at(-1) }).toEqual({ code: 0, last: 'No changes. 1 target matches the manifest.' });
      });

      test('is machine-readable as JSON and JSON lines, with nothing else on stdout', async () => {
        const json = JSON.parse((await run('plan', '--json')).out);
        expect(json).toMatchObject({ formatVersion: '1.0', stack: STACK, command: 'plan', targets: [{ name: 't', counts: { add: 9 } }] });
        const lines = (await run('plan', '--format', 'jsonl')).out
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line));
        expect(lines.map(({ type }) => type)).toContain('summary');
        expect(lines[0]).toMatchObject({ type: 'plan', formatVersion: '1.0' });
      });

      test('says that a file was written, and writes the same bytes as --json', async () => {
        const now = '2026-06-01T00:00:00Z';
        const { out, err } = await run('plan', '--json', '--out', 'plan.json', '--now', now);
        expect(err).toContain('plan written to plan.json\n');
        expect(cli.read('plan.json')).toBe(out);
        expect(JSON.parse(out).asOf).toBe(now);
      });

      test.each([
        ['no/such/plan.json', "'no/such/plan.json' was not written: its directory does not exist · name another file with --out"],
        ['.', "'.' was not written: it is a directory"],
      ])('says why it cannot write to %s', async (file, said) => {
        const { code, err } = await cli.run(['plan', '--out', file], { env: { ...env(), COLUMNS: '300' } });
        expect(code).toBe(1);
        expect(err).toContain(`error plan/not-saved: ${said}`);
      });

      test.each([
        ['as it is written to a pipe', {}, [], false],
        ['with FORCE_COLOR', { FORCE_COLOR: '1' }, [], true],
        ['with FORCE_COLOR=0', { FORCE_COLOR: '0' }, [], false],
        ['with NO_COLOR, which is the stronger', { FORCE_COLOR: '1', NO_COLOR: '1' }, [], false],
        ['with --no-color, which is the strongest', { FORCE_COLOR: '1' }, ['--no-color'], false],
      ] as const)('has colours or not %s', async (_, more, args, coloured) => {
        const { out, err } = await cli.runApart(['plan', ...args], { env: { ...env(), ...more } });
        expect([ESCAPE.test(out), ESCAPE.test(err)]).toEqual([coloured, coloured]);
      });

      test('fits into narrow terminals', async () => {
        const { out } = await cli.runApart(['plan'], { env: { ...env(), COLUMNS: '60' } });
        expect(out.split('\n').filter((line) => line.length > 60)).toEqual([]);
      });

      test('goes to its end when nobody reads on, as behind a pipe to head', async () => {
        expect(await cli.runApart(['plan', '--json', '--detailed-exitcode'], { env: env(), deaf: true })).toMatchObject({
          code: 2,
          err: expect.not.stringContaining('bug'),
        });
      });

      test('is ASCII where the locale is', async () => {
        const { out, err } = await cli.runApart(['plan'], { env: { ...env(), LC_ALL: 'C' } });
        // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
        expect(out + err).toMatch(/^[\x00-\x7f]*$/);
        expect(out).toContain('* t  +9 ~0 -0');
      });

      test('waits for a server no longer than it is told to', async () => {
        const silent = createServer(() => {});
        await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
        const { port } = silent.address() as AddressInfo;
        manifest(PEOPLE, headOf(server()).replace(`port: ${server().port}`, `port: ${port}`));
        const { code, out, err } = await run('plan', '--connect-timeout', '1', '--parallelism', '1');
        silent.close();
        expect({ code, out, err }).toMatchObject({ code: 1, out: expect.stringContaining(`127.0.0.1:${port}`) });
        // The default is longer than this test may take.
      }, 10_000);

      test('takes a limit of removals, and errors exit 3', async () => {
        expect(await run('apply', '--auto-approve')).toMatchObject({ code: 0 });
        manifest(PEOPLE.replace(', groups: [readers]', ''));
        expect(await run('plan', '--max-removals', '1')).toMatchObject({ code: 0 });
        const refused = await run('plan', '--max-removals', '0');
        expect(refused).toMatchObject({ code: 3 });
        expect(refused.out).toMatch(/error guard\/max-removals: 1 roles? would lose access, at most 0 may/);
        expect(await run('apply', '--auto-approve', '--max-removals', '0')).toMatchObject({ code: 3 });
        expect(await run('plan', '--detailed-exitcode')).toMatchObject({ code: 2 });
      });

      test('judges until at --now', async () => {
        manifest(PEOPLE.replace('groups: [readers]', 'groups: [{ name: readers, until: 2026-12-31, reason: OPS-1 }]'));
        const during = await run('plan', '--now', '2026-12-31T23:59:59Z');
        expect(during.out).toMatch(/jane +joins readers until 2026-12-31 \(OPS-1\)/);
        expect(during.out).toContain('the next until passes at 2027-01-01T00:00:00Z');
        expect((await run('plan', '--now', '2027-01-01T00:00:00Z')).out).not.toContain('joins readers');
        const odd = await run('plan', '--now', 'tomorrow');
        expect(odd).toMatchObject({ code: 1, out: '' });
        expect(odd.err).toContain("'tomorrow' is no RFC 3339 instant · such as 2026-12-31T18:00:00Z");
      });

      test('knows the targets that there are', async () => {
        const { code, out, err } = await run('plan', '--target', 'u');
        expect({ code, out }).toEqual({ code: 1, out: '' });
        expect(err).toContain("there is no target 'u' · the manifest has: t");
        expect(await run('plan', '--target', 't')).toMatchObject({ code: 0 });
      });
    });

    describe('apply', () => {
      test('does what a saved plan holds', async () => {
        expect(await run('plan', '--out', 'plan.json')).toMatchObject({ code: 0 });
        const { code, out, err } = await run('apply', 'plan.json', '--auto-approve');
        expect(code).toBe(0);
        expect(out).toMatch(/✔ t {2}applied, read back {3}9 changes, \d+ statements\n/);
        expect(out.trim().split('\n').at(-1)).toBe('Read back: all is as planned.');
        expect(err).toMatch(/t: database app: \d+ statements committed/);
        expect(
          await server().query({ user: 'jane', password: 'jane-password' }, 'app', 'SELECT count(*)::int AS n FROM sales.orders'),
        ).toEqual([{ n: 0 }]);
        const again = await run('apply', '--auto-approve');
        expect(again).toMatchObject({ code: 0 });
        expect(again.out).toContain('Nothing to do.');
      });

      test('tells its result in each format', async () => {
        const json = JSON.parse((await run('apply', '--auto-approve', '--json')).out);
        expect(json).toMatchObject({
          formatVersion: '1.0',
          stack: STACK,
          targets: [{ name: 't', status: 'applied', applied: 9, residue: [] }],
        });
        const lines = (await run('apply', '--auto-approve', '--format', 'jsonl')).out
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line));
        expect(lines.map(({ type }) => type)).toEqual(['target-result', 'result']);
        expect((await run('apply', '--auto-approve', '--format', 'markdown')).out).toMatch(
          /^### ✅ Access apply · `acme\/access\/test` — Nothing to do\./,
        );
      });

      test('asks nobody without a terminal, and changes nothing', async () => {
        const before = await state();
        const { code, err } = await run('apply');
        expect(code).toBe(3);
        expect(err).toContain('there is no terminal to confirm on · pass --auto-approve to apply without being asked');
        expect(await state()).toEqual(before);
      });

      test('waits for another run as long as it is told to, and says whose it is', async () => {
        const before = await state();
        const holder = await server().connect(server().master);
        await holder.query("SET application_name = 'rolecall acme/other'; SELECT pg_advisory_lock(8245928625453493356)");
        try {
          for (const [args, waits] of [
            [[], false],
            [['--lock-timeout', '1s'], true],
          ] as const) {
            const { code, out, err } = await cli.runApart(['apply', '--auto-approve', ...args], { env: { ...env(), COLUMNS: '300' } });
            expect(code).toBe(6);
            expect(out).toMatch(
              /error lock\/held: target 't': another run holds the lock: 'rolecall acme\/other' as 'master' from 127\.0\.0\.1, pid \d+, connected since \S+Z · wait for it to end, or give it more time with --lock-timeout/,
            );
            expect(err.includes("waiting for the run lock, held by 'rolecall acme/other'")).toBe(waits);
          }
        } finally {
          await holder.end();
        }
        expect(await state()).toEqual(before);
      });

      test('stops for Ctrl-C, leaves no half-done transaction, and goes on when it is run again', async () => {
        const before = await state();
        const other = await server().connect(server().master, 'app');
        await other.query('BEGIN; GRANT SELECT ON sales.orders TO PUBLIC');
        const [holding] = (await other.query('SELECT pg_backend_pid() AS pid')).rows;
        let sent = false;
        const running = cli.runApart(['apply', '--auto-approve'], {
          env: env(),
          onOutput: async (text, child) => {
            if (sent || !text.includes('objects in 1 database')) return;
            sent = true;
            await waitedFor(server(), holding.pid);
            child.kill('SIGINT');
            await other.query('ROLLBACK');
          },
        });
        const { code, out, err } = await running;
        await other.end();
        expect({ code, err }).toMatchObject({
          code: 130,
          err: expect.stringContaining('interrupted: rolling back what is open (once more to stop at once)'),
        });
        expect(out).toContain('error apply/interrupted');
        expect(await state()).toEqual(before);
        expect(await run('apply', '--auto-approve')).toMatchObject({ code: 0 });
      });
    });

    describe('on a terminal', () => {
      const ready = hasTerminal();
      if (!ready) test.skip("it would be asked (needs the 'script' of util-linux, to make a terminal)", () => {});
      const typing = (answer: string, ...args: string[]) => {
        let typed = false;
        return cli.runOnTerminal(args, {
          env: { ...env(), COLUMNS: '120' },
          onOutput: (text, child) => {
            if (typed || !/ to (apply|destroy|lock it): /.test(text)) return;
            typed = true;
            child.type(answer);
          },
        });
      };

      test.runIf(ready)('nobody is asked while nobody loses access', async () => {
        const { code, out } = await typing('', 'apply');
        expect(code).toBe(0);
        expect(out).not.toContain('Type the stack');
        expect(out).toMatch(ESCAPE);
      });

      test.runIf(ready)("the stack's name is asked for when somebody does, and nothing else will do", async () => {
        manifest(WRITER);
        expect(await run('apply', '--auto-approve')).toMatchObject({ code: 0 });
        manifest(PEOPLE);
        const before = await state();
        for (const answer of ['yes', '', 'acme/access', STACK.toUpperCase()]) {
          const { code, out } = await typing(answer, 'apply');
          expect(code).toBe(3);
          expect(out).toContain(`One role loses access. Type the stack's name (${STACK}) to apply: `);
          expect(plain(out)).toContain('not confirmed; nothing was changed');
        }
        expect(await state()).toEqual(before);
        expect(await typing(STACK, 'apply')).toMatchObject({ code: 0 });
        expect(await run('drift')).toMatchObject({
          code: 0,
          out: expect.stringMatching(/^rolecall drift {2}[\s\S]*\nNo drift\. 1 target matches the manifest\.\n/),
        });
      });

      test.runIf(ready)('destroy asks as well', async () => {
        expect(await run('apply', '--auto-approve')).toMatchObject({ code: 0 });
        expect(await typing('no', 'destroy')).toMatchObject({ code: 3 });
        expect(await run('drift')).toMatchObject({ code: 0 });
        const { code, out } = await typing(STACK, 'destroy');
        expect(code).toBe(0);
        expect(out).toContain(`2 roles lose access. Type the stack's name (${STACK}) to destroy: `);
        expect(await server().query(server().superuser, 'postgres', "SELECT FROM pg_roles WHERE rolname IN ('jane', 'readers')")).toEqual(
          [],
        );
      });

      test.runIf(ready)("lock asks for the user's name, and unlock for nothing", async () => {
        expect(await run('apply', '--auto-approve')).toMatchObject({ code: 0 });
        const before = await state();
        const { code, out } = await typing('jan', 'lock', 'jane');
        expect(code).toBe(3);
        expect(out).toMatch(/'jane' will not be let in on t, and its sessions end\.\r?\nType its name to lock it: /);
        expect(await state()).toEqual(before);
        expect(await typing('jane', 'lock', 'jane')).toMatchObject({ code: 0, out: expect.stringContaining('login closed, no sessions') });
        expect(await typing('', 'unlock', 'jane')).toMatchObject({ code: 0, out: expect.stringContaining('it may log in again') });
        expect(await state()).toEqual(before);
      });

      test.runIf(ready).each([
        ['Ctrl-C', '\u0003', 130, 'interrupted; nothing was changed'],
        ['Ctrl-D', '\u0004', 3, 'not confirmed; nothing was changed'],
      ])('%s at the question changes nothing', async (_, key, exit, said) => {
        manifest(WRITER);
        expect(await run('apply', '--auto-approve')).toMatchObject({ code: 0 });
        manifest(PEOPLE);
        const before = await state();
        const { code, out } = await typing(key, 'apply');
        expect(code).toBe(exit);
        expect(plain(out)).toContain(said);
        expect(await state()).toEqual(before);
      });
    });

    describe('drift', () => {
      test('exits 0 where all is as declared and 2 where it is not, and changes nothing', async () => {
        expect(await run('apply', '--auto-approve')).toMatchObject({ code: 0 });
        expect(await run('drift')).toMatchObject({ code: 0 });
        await server().query(server().master, 'app', 'GRANT DELETE ON sales.orders TO jane');
        const before = await state();
        const { code, out, err } = await run('drift');
        expect(code).toBe(2);
        expect(out).toMatch(/^rolecall drift {2}[\s\S]*- grant +jane +DELETE on table app\.sales\.orders/);
        expect(out).toContain('To undo it: 0 to add, 0 to change, 1 to remove.');
        expect(err).toContain('drift: the servers are not as declared\n');
        expect(await state()).toEqual(before);
      });
    });

    describe('show', () => {
      test.each([
        ['human', /^rolecall plan {2}acme\/access\/test\n/],
        ['json', /^\{\n {2}"asOf"/],
        ['jsonl', /^\{"asOf"/],
        ['markdown', /^### .*Access plan/],
        ['sql', /^-- plan of acme\/access\/test, digest v1:[\s\S]*CREATE ROLE "jane"/],
        ['github', /^$/],
      ])('renders a saved plan as %s, without a server', async (format, expected) => {
        expect(await run('plan', '--out', 'plan.json')).toMatchObject({ code: 0 });
        const { code, out, err } = await cli.run(['show', 'plan.json', '--format', format]);
        expect({ code, err }).toEqual({ code: 0, err: '' });
        expect(out).toMatch(expected);
        if (format === 'json') expect(out).toBe(cli.read('plan.json'));
      });
    });

    describe('graph and targets', () => {
      test('draw and list what the manifest says, offline', async () => {
        expect((await cli.run(['graph'])).out).toMatch(/^flowchart LR\n[\s\S]*jane/);
        expect((await cli.run(['graph', '--format', 'dot'])).out).toMatch(/^digraph rolecall \{\n[\s\S]*jane/);
        expect((await cli.run(['targets'])).out).toBe(`t  postgres  127.0.0.1:${server().port}\n`);
        expect(JSON.parse((await cli.run(['targets', '--json'])).out)).toEqual({
          formatVersion: '1.0',
          targets: [{ name: 't', engine: 'postgres', endpoint: `127.0.0.1:${server().port}` }],
        });
        expect(await cli.run(['targets', '--target', 'u'])).toMatchObject({ code: 1, out: '' });
      });

      test('leave out what another state of the manifest declares alike', async () => {
        const from = (text: string) => {
          cli.write('before.yaml', text);
          return ['--changed-from', 'before.yaml'];
        };
        const now = cli.read('rolecall.yaml');
        expect(JSON.parse((await cli.run(['targets', '--json', ...from(now)])).out).targets).toEqual([]);
        const unplanned = await run('plan', ...from(now));
        expect(unplanned).toMatchObject({ code: 0, out: expect.stringContaining('No target was to be planned') });
        expect(unplanned.err).toContain('note plan/left-out: left out, as both manifests declare them alike: t');
        const changed = await run('plan', ...from(now.replace('groups: [readers]', 'groups: []')));
        expect(changed).toMatchObject({ code: 0, out: expect.stringContaining('Plan: 9 to add') });
      });
    });

    describe('destroy', () => {
      test('asks nobody without a terminal, and then takes away all that is ours and nothing else', async () => {
        await server().query(server().superuser, 'postgres', 'CREATE ROLE somebody LOGIN');
        const empty = await state();
        expect(await run('apply', '--auto-approve')).toMatchObject({ code: 0 });
        const full = await state();
        expect(await run('destroy')).toMatchObject({ code: 3 });
        expect(await state()).toEqual(full);
        const { code, out } = await run('destroy', '--auto-approve');
        expect(code).toBe(0);
        expect(out).toMatch(/^rolecall destroy {2}acme\/access\/test\n/);
        expect(out).toMatch(/- user +jane +dropped, its sessions end +\.\/rolecall\.yaml/);
        expect(await state()).toEqual(empty);
        await server().query(server().superuser, 'postgres', 'DROP ROLE somebody');
      });

      test('stops where a role owns something, unless somebody is to have it', async () => {
        expect(await run('apply', '--auto-approve')).toMatchObject({ code: 0 });
        await server().query(server().superuser, 'app', 'CREATE TABLE sales.mine (id int); ALTER TABLE sales.mine OWNER TO jane');
        const { code, out } = await run('destroy', '--auto-approve');
        expect(code).not.toBe(0);
        expect(out).toMatch(/jane.* owns|owns.*jane/);
        expect(await server().query(server().superuser, 'app', "SELECT tableowner FROM pg_tables WHERE tablename = 'mine'")).toEqual([
          { tableowner: 'jane' },
        ]);
        expect(await run('destroy', '--auto-approve', '--reassign-to', 'master')).toMatchObject({ code: 0 });
        expect(await server().query(server().superuser, 'app', "SELECT tableowner FROM pg_tables WHERE tablename = 'mine'")).toEqual([
          { tableowner: 'master' },
        ]);
        await server().query(server().superuser, 'app', 'DROP TABLE sales.mine');
      });
    });
  },
  { only: [13, 18] },
);

/** Resolves when somebody waits for the transaction of that backend. */
const waitedFor = async (server: Postgres, pid: number): Promise<void> => {
  for (let tries = 0; tries < 200; tries++) {
    const rows = await server.query(server.superuser, 'postgres', 'SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))', [
      pid,
    ]);
    if (rows.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('nobody waits');
};
