import { beforeAll, expect, test } from 'vitest';
import { type ChaosProxy, type Fault, startChaos } from '../lab/chaos.ts';
import { eachMajor } from '../lab/majors.ts';
import type { Postgres } from '../lab/postgres.ts';
import { BACK, borrowed, DATABASES, furnish, NEW, OLD, OPTIONS, reference, type Side, settleIn, untilQuiet } from './crash-plan.ts';
import { beyond, missing, stateOf, verdictsOf } from './observe.ts';
import { applyOn, planOn } from './scenario.ts';

/** 13, 16 and 18 stand for all: memberships without options, with them, and locks on what a GRANT names. */
const MAJORS = [13, 16, 18];
const FAULTS: readonly Fault[] = ['reset-before', 'reset-after', 'blackhole'];
/** Every how-many-eth statement is hit on one major; together the majors hit each with another fault. CRASH_STRIDE=1: every one. */
const STRIDE = Number(process.env.CRASH_STRIDE ?? 9);
const QUICK = { connectMs: 2_000, answerMs: 400, lockMs: 3_000 };

const MINUTES = 20 * 60_000;
const IS_WRITING =
  /^(BEGIN|COMMIT|GRANT|REVOKE|ALTER|CREATE|DROP|COMMENT|SET LOCAL ROLE|RESET ROLE|REASSIGN|SELECT pg_catalog.pg_terminate)/;

/** Applies through a proxy that does something to the n-th writing statement, and says how it ended and how many there were. */
const applyWith = async (server: Postgres, body: string, at: number, fault: Fault) => {
  let count = 0;
  const proxy: ChaosProxy = await startChaos(server, ({ sql }) => (IS_WRITING.test(sql) && count++ === at ? fault : undefined));
  try {
    const applied = await applyOn(server, body, { ...OPTIONS, port: proxy.port, timeouts: QUICK, lockTimeoutMs: 2_000 });
    return { ...applied, hit: proxy.faults() > 0 };
  } finally {
    proxy.breakAll();
    await proxy.close();
  }
};

/** Between old and new, and nothing borrowed. */
const expectBetween = async (server: Postgres, from: Side, to: Side, at: string): Promise<void> => {
  const state = await verdictsOf(server, DATABASES);
  expect({
    at,
    beyond: beyond(state, from.verdicts, to.verdicts),
    missing: missing(state, from.verdicts, to.verdicts),
    borrowed: await borrowed(server),
  }).toEqual({ at, beyond: [], missing: [], borrowed: [] });
};

eachMajor(
  (server, major) => {
    let [old, now] = [{} as Side, {} as Side];
    beforeAll(async () => {
      await furnish(server());
      await reference(server(), OLD);
      now = await reference(server(), NEW);
      old = await reference(server(), BACK);
    });

    test('the plan is a mixed one, in several transactions', async () => {
      const plan = await planOn(server(), NEW, OPTIONS);
      expect(new Set(plan.changes.map(({ kind }) => kind))).toEqual(
        new Set(['role', 'password', 'membership', 'setting', 'ownership', 'grant', 'default', 'sessions']),
      );
      expect(plan.transactions.length).toBeGreaterThan(4);
      expect(plan.findings.filter(({ severity, code }) => severity === 'error' || code === 'plan/lapse')).toEqual([]);
    });

    test(`a connection that breaks or falls silent at any statement: a re-run ends in the same state (every ${STRIDE}. statement, 13, 16 and 18)`, {
      timeout: MINUTES,
    }, async () => {
      let [retried, failed] = [0, 0];
      const there = async (from: Side, to: Side, at: number, fault: Fault): Promise<boolean> => {
        const { exitCode, hit, result } = await applyWith(server(), to.body, at, fault);
        const name = `${at} ${fault} ${JSON.stringify(result.failed ?? result.findings)}`;
        await untilQuiet(server());
        await expectBetween(server(), from, to, name);
        if (exitCode === 0) retried++;
        else failed++;
        const again = await applyOn(server(), to.body, OPTIONS);
        expect({ name, exitCode: again.exitCode, failed: again.result.failed }).toEqual({ name, exitCode: 0, failed: undefined });
        if (exitCode === 0) expect({ name, statements: again.result.statements }).toEqual({ name, statements: 0 });
        if (to.body !== NEW) await settleIn(server());
        expect(await stateOf(server(), DATABASES)).toEqual(to.state);
        return hit;
      };
      for (let at = major % STRIDE, hits = [true, true]; hits.includes(true); at += STRIDE) {
        const fault = (turn: number): Fault => FAULTS[(Math.floor(at / STRIDE) + MAJORS.indexOf(major) + turn) % FAULTS.length]!;
        hits = [await there(old, now, at, fault(0)), await there(now, old, at, fault(1))];
      }
      console.log(`PostgreSQL ${major}: ${retried} runs survived, ${failed} needed another`);
      expect(retried).toBeGreaterThan(0);
    });
  },
  { only: MAJORS },
);
