import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fault, startChaos } from '../lab/chaos.ts';
import { eachMajor } from '../lab/majors.ts';
import type { Postgres } from '../lab/postgres.ts';
import { type Command, makeCommand, type Running } from './command.ts';
import { BACK, borrowed, DATABASES, furnish, NEW, OLD, OPTIONS, reference, type Side, settleIn, untilQuiet } from './crash-plan.ts';
import { beyond, missing, stateOf, verdictsOf } from './observe.ts';
import { applyOn } from './scenario.ts';

/** 13 and 18 stand for all: memberships without options, and with them, where a GRANT locks what it names; `crash` has 16 as well. */
const MAJORS = [13, 18];
/** CRASH_STRIDE=1: at every statement. */
const STRIDE = Number(process.env.CRASH_STRIDE ?? 20);
const MINUTES = 20 * 60_000;
const IS_WRITING =
  /^(BEGIN|COMMIT|GRANT|REVOKE|ALTER|CREATE|DROP|COMMENT|SET LOCAL ROLE|RESET ROLE|REASSIGN|SELECT pg_catalog.pg_terminate)/;

eachMajor(
  (server, major) => {
    let command: Command;
    let [old, now] = [{} as Side, {} as Side];
    beforeAll(async () => {
      command = makeCommand();
      await furnish(server());
      await reference(server(), OLD);
      now = await reference(server(), NEW);
      old = await reference(server(), BACK);
    });
    afterAll(() => command.remove());

    const environment = () => ({ ROLECALL_MASTER: server().master.password, ROLECALL_CRASH: 'crash-password' });

    const expectBetween = async (at: string): Promise<void> => {
      const state = await verdictsOf(server(), DATABASES);
      expect({
        at,
        beyond: beyond(state, old.verdicts, now.verdicts),
        missing: missing(state, old.verdicts, now.verdicts),
        borrowed: await borrowed(server()),
      }).toEqual({ at, beyond: [], missing: [], borrowed: [] });
    };
    const expectThere = async (to: Side, at: string): Promise<void> => {
      const { exitCode, result } = await applyOn(server(), to.body, { ...OPTIONS, lockTimeoutMs: 2_000 });
      expect({ at, exitCode, failed: result.failed }).toEqual({ at, exitCode: 0, failed: undefined });
      if (to.body !== NEW) await settleIn(server());
      expect(await stateOf(server(), DATABASES)).toEqual(to.state);
    };

    /** Runs the command; at the n-th writing statement something happens to it. */
    const runUntil = async (to: Side, at: number, strike: (running: Running) => Fault | undefined) => {
      let count = 0;
      let hit = false;
      let running: Running | undefined;
      const proxy = await startChaos(server(), ({ sql }) => {
        if (!IS_WRITING.test(sql) || count++ !== at) return undefined;
        hit = true;
        return strike(running!);
      });
      const file = command.manifest(server(), to.body, { port: proxy.port, ...(OPTIONS.target ? { target: OPTIONS.target } : {}) });
      running = command.start(['apply', '-m', file, '--auto-approve', '--now', '2026-06-01T00:00:00Z'], environment());
      const ended = await running.ended;
      proxy.breakAll();
      await proxy.close();
      await untilQuiet(server());
      return { ...ended, hit };
    };

    test(`the command killed at any statement: a re-run ends in the same state (every ${STRIDE}. statement, 13 and 18)`, {
      timeout: MINUTES,
    }, async () => {
      const kill = (fault: Fault) => (running: Running) => {
        running.child.kill('SIGKILL');
        return fault;
      };
      let struck = 0;
      for (let at = major % STRIDE, hit = true; hit; at += STRIDE) {
        hit = false;
        for (const to of [now, old]) {
          const ended = await runUntil(to, at, kill(to === now ? 'blackhole' : 'reset-after'));
          if (ended.hit) expect(ended.signal).toBe('SIGKILL');
          hit ||= ended.hit;
          if (ended.hit) struck++;
          await expectBetween(`killed at ${at}`);
          await expectThere(to, `killed at ${at}`);
        }
      }
      expect(struck).toBeGreaterThan(2);
    });

    test('Ctrl-C at a statement: exit 130, nothing half done, nothing borrowed (13 and 18)', async () => {
      for (const at of [1, 30]) {
        const { code, stderr } = await runUntil(now, at, (running) => {
          running.child.kill('SIGINT');
          return { delayMs: 150 };
        });
        expect({ code, stderr }).toMatchObject({ code: 130 });
        expect(stderr).toContain('interrupted');
        await expectBetween(`interrupted at ${at}`);
        await expectThere(now, `interrupted at ${at}`);
        await expectThere(old, 'back');
      }
    });

    test(`the server killed at a statement: a re-run ends in the same state (every ${STRIDE}. statement, 13 and 18)`, {
      timeout: MINUTES,
    }, async () => {
      for (let at = major % STRIDE, hit = true; hit; at += STRIDE) {
        hit = false;
        for (const to of [now, old]) {
          const crashed = await applyAndCrash(server(), to.body, at);
          hit ||= crashed;
          await expectBetween(`server killed at ${at}`);
          await expectThere(to, `server killed at ${at}`);
        }
      }
    });
  },
  { only: MAJORS },
);

/** Pulls the plug at the n-th writing statement, and starts the server again when the run has ended. */
const applyAndCrash = async (server: Postgres, body: string, at: number): Promise<boolean> => {
  let count = 0;
  let crash: Promise<void> | undefined;
  const proxy = await startChaos(server, ({ sql }) => {
    if (IS_WRITING.test(sql) && count++ === at) {
      crash = server.crash();
      return 'blackhole';
    }
    return undefined;
  });
  const { exitCode } = await applyOn(server, body, { ...OPTIONS, port: proxy.port, timeouts: { connectMs: 1_000, answerMs: 500 } });
  proxy.breakAll();
  await proxy.close();
  if (!crash) return false;
  expect(exitCode).not.toBe(0);
  await crash;
  await server.restart();
  return true;
};
