import { beforeAll, expect, test } from 'vitest';
import { planOf } from '../../../src/engine/plan.ts';
import { planText } from '../../../src/render/terminal.ts';
import { eachMajor } from '../../lab/majors.ts';
import { applyOn, planOn, STACK } from '../scenario.ts';

const TERMINAL = { width: 120, colour: false, unicode: true };
const OPTIONS = { target: 'databases: [app]' };
const PASSWORD = 'jane-password';

/** With pg_signal_backend, and by borrowing the role without it. */
eachMajor(
  (server) => {
    beforeAll(async () => {
      await server().query(server().master, 'postgres', 'CREATE DATABASE app');
    });

    test.each([
      ['a member of pg_signal_backend', true],
      ['a login without it', false],
    ])('%s ends the sessions of a removed user, and says how many there were', async (_name, able) => {
      const { master, superuser, query, connect } = server();
      await query(superuser, 'postgres', able ? 'GRANT pg_signal_backend TO master' : 'REVOKE pg_signal_backend FROM master');
      await query(master, 'postgres', `CREATE ROLE jane LOGIN PASSWORD '${PASSWORD}'; CREATE ROLE kim LOGIN PASSWORD '${PASSWORD}'`);
      const body = 'removed: { jane: { drop: true }, kim: { drop: true, sessions: keep } }\n';
      const clients = await Promise.all([1, 2, 3].map(() => connect({ user: 'jane', password: PASSWORD }, 'app')));
      const ended = clients.map((client) => new Promise((resolve) => client.on('error', resolve)));

      const plan = await planOn(server(), body, OPTIONS);
      expect(plan.changes.filter(({ kind }) => kind === 'sessions').map(({ before }) => before)).toEqual([{ role: 'jane', count: 3 }]);
      expect(planText(planOf(STACK, '2026-06-01T00:00:00Z', 'plan', [plan]), TERMINAL)).toMatch(/jane +dropped, its 3 sessions end /);

      // One less by the time that it is applied: the plan holds all the same.
      await clients[0]!.end();
      const { result, exitCode } = await applyOn(server(), body, { ...OPTIONS, approved: plan });
      await Promise.all(ended.slice(1));
      expect({ exitCode, sessions: result.sessions }).toEqual({ exitCode: 0, sessions: [{ role: 'jane', before: 2, after: 0 }] });
      expect((await applyOn(server(), body, OPTIONS)).result).not.toHaveProperty('sessions');
    });
  },
  { only: [13, 17, 18] },
);
