import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { eachMajor } from '../lab/majors.ts';
import { type CliHere, cliHere, headOf } from './cli.ts';

/** What is said in one line stays on it. */
const WIDE = '300';

let cli: CliHere;
beforeAll(() => {
  cli = cliHere();
});
afterAll(() => cli.remove());

const people = (groups: string, more = ''): string => `
groups:
  readers: { read: [app.sales] }
users:
  jane: { auth: none, groups: [${groups}] }
${more}`;
const UNTIL = people('{ name: readers, until: 2026-03-31 }');
const [BEFORE, AFTER] = ['2026-03-01T00:00:00Z', '2026-04-01T00:00:00Z'];

eachMajor(
  (server) => {
    const run = (...args: string[]) => cli.run(args, { env: { MASTER: server().master.password, COLUMNS: WIDE } });
    const manifest = (body: string) => cli.write('rolecall.yaml', `${headOf(server())}${body}`);
    const members = async () =>
      (
        await server().query(
          server().master,
          'postgres',
          "SELECT member::regrole::text AS member FROM pg_auth_members WHERE roleid = 'readers'::regrole AND member <> current_user::regrole ORDER BY 1",
        )
      ).map(({ member }) => member as string);

    beforeAll(async () => {
      await server().query(server().master, 'postgres', 'CREATE DATABASE app');
      await server().query(server().master, 'app', 'CREATE SCHEMA sales; CREATE TABLE sales.orders (id int)');
    });
    beforeEach(async () => {
      manifest(people('readers', '  kim: { auth: none }\n  lea: { auth: none }\n'));
      await run('destroy', '--auto-approve');
    });

    test('apply --only expired runs what a passed until asks for, and nothing else that differs', async () => {
      manifest(UNTIL);
      expect(await run('apply', '--auto-approve', '--now', BEFORE)).toMatchObject({ code: 0 });
      expect(await members()).toEqual(['jane']);
      await server().query(server().master, 'app', 'GRANT DELETE ON sales.orders TO readers');
      const early = await run('apply', '--only', 'expired', '--auto-approve', '--now', BEFORE);
      expect(early).toMatchObject({ code: 0 });
      expect(early.out).toContain('Nothing to do.');
      const due = await run('apply', '--only', 'expired', '--auto-approve', '--now', AFTER);
      expect(due).toMatchObject({ code: 0 });
      expect(due.out).toContain('1 change applied in');
      expect(due.out).toContain('Read back: all is as planned.');
      expect(await members()).toEqual([]);
      const rest = await run('plan', '--now', AFTER);
      expect(rest.out).toContain('Plan: 0 to add, 1 to change, 0 to remove.');
      expect(rest.out).toContain('DELETE');
    });

    test('apply takes several saved plans, and runs what one or the other holds', async () => {
      manifest(people('readers'));
      expect(await run('apply', '--auto-approve')).toMatchObject({ code: 0 });
      for (const name of ['kim', 'lea']) {
        manifest(people('readers', `  ${name}: { auth: none }\n`));
        expect(await run('plan', '--out', `${name}.json`)).toMatchObject({ code: 0 });
      }
      manifest(people('readers', '  kim: { auth: none }\n  lea: { auth: none }\n'));
      const one = await run('apply', 'kim.json', '--auto-approve');
      expect(one).toMatchObject({ code: 4 });
      expect(one.out).toContain('a change is needed that the plan does not hold: role lea');
      const both = await run('apply', 'kim.json', 'lea.json', '--auto-approve', '--json');
      expect(both).toMatchObject({ code: 0 });
      expect(JSON.parse(both.out).targets).toMatchObject([{ status: 'applied', applied: 2, residue: [] }]);
      manifest(people('', '  kim: { auth: none }\n  lea: { auth: none }\n'));
      const neither = await run('apply', 'kim.json', 'lea.json', '--auto-approve');
      expect(neither).toMatchObject({ code: 4 });
      expect(neither.out).toContain('a change is needed that none of the plans holds: membership');
    });

    test('report merges plans of several targets, and refuses two of one', async () => {
      manifest(people('readers'));
      expect(await run('plan', '--out', 'plan.json')).toMatchObject({ code: 0 });
      cli.write('other.yaml', `${headOf(server()).replace('  t:', '  other:')}${people('readers')}`);
      expect(await run('plan', '-m', 'other.yaml', '--out', 'other.json')).toMatchObject({ code: 0 });
      const report = await run('report', 'plan.json', 'other.json', '--json');
      expect(report).toMatchObject({ code: 0, err: '' });
      expect(JSON.parse(report.out).targets.map(({ name }: { name: string }) => name)).toEqual(['other', 't']);
      expect(await run('report', 'plan.json', 'other.json', '--detailed-exitcode')).toMatchObject({ code: 2 });
      const twice = await run('report', 'plan.json', 'plan.json');
      expect(twice).toMatchObject({ code: 1, out: '' });
      expect(twice.err).toContain('two of the plans hold target t');
    });
  },
  { only: [17] },
);
