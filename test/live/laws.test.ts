import fc from 'fast-check';
import { parse } from 'libpg-query';
import { beforeAll, expect, test } from 'vitest';
import { diff } from '../../src/core/diff.ts';
import { digest } from '../../src/core/digest.ts';
import { planOf } from '../../src/engine/plan.ts';
import { Failure, isError } from '../../src/model/finding.ts';
import type { PlanTarget } from '../../src/model/plan.ts';
import { postgres } from '../../src/providers/postgres/index.ts';
import { planJson } from '../../src/render/json.ts';
import { eachMajor } from '../lab/majors.ts';
import type { Postgres } from '../lab/postgres.ts';
import { beyond, fingerprint, missing, stateOf, underIam, verdictsOf } from './observe.ts';
import { replay } from './replay.ts';
import { applyOn, declaredOf, planOn, STACK } from './scenario.ts';
import { type Access, CANARIES, DATABASES, perform, populate, prepare, reset, TARGET, type World, worlds, yamlOf } from './world.ts';

const RUNS = Number(process.env.LAW_RUNS ?? 4);
const SEED = Number(process.env.LAW_SEED ?? 2);
const OPTIONS = { target: TARGET };

/** What a manifest says may be refused for good reasons; a world that is refused shows nothing. */
const planned = async (server: Postgres, access: Access): Promise<PlanTarget | null> => {
  try {
    const plan = await planOn(server, yamlOf(access), OPTIONS);
    const errors = plan.findings.filter(isError);
    if (errors.length === 0) return plan;
    tallies.refusals.push(...errors.map(({ code }) => code));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    tallies.refusals.push(...error.findings.map(({ code }) => code));
  }
  return null;
};
const tallies = { worlds: 0, plans: 0, refusals: [] as string[], blocked: 0, lapses: 0, missed: 0, transactions: 0, parsed: 0 };

/** Applies, and holds laws 1 and 9 and the honesty of what is left. */
const settle = async (server: Postgres, access: Access): Promise<boolean> => {
  const plan = await planned(server, access);
  if (!plan) return false;
  tallies.plans++;
  await expectParsed(plan);
  shown = plan;
  const { result, exitCode } = await applyOn(server, yamlOf(access), { ...OPTIONS, approved: plan });
  expect({ failed: result.failed, findings: result.findings.filter(isError) }).toEqual({ failed: undefined, findings: [] });
  expect(result.residue.filter(({ blocked }) => !blocked)).toEqual([]);
  expect(exitCode).toBe(result.residue.length > 0 ? 5 : 0);
  tallies.blocked += result.residue.length;
  const again = await planOn(server, yamlOf(access), OPTIONS);
  expect(again.changes.filter(({ blocked }) => !blocked)).toEqual([]);
  expect(again.steps).toEqual([]);
  return true;
};

/** Roles that the plan says may lack for a moment what they keep. */
const lapsesOf = async (server: Postgres, access: Access): Promise<ReadonlySet<string>> => {
  const declared = declaredOf(server, yamlOf(access), OPTIONS);
  const snapshot = await postgres.inspect({ declared, as: 'plan' });
  return new Set(postgres.statements(diff(postgres.normalize(snapshot, declared)), snapshot, declared).lapses);
};

/** Law 9: PostgreSQL's own parser (of 18) takes every statement. */
const expectParsed = async (plan: PlanTarget): Promise<void> => {
  for (const { sql, secret } of plan.steps) {
    await parse(secret === undefined ? sql : `${sql.slice(0, -secret.length)}'x'`).catch((error: Error) =>
      expect.fail(`${error.message}: ${sql}`),
    );
    tallies.parsed++;
  }
};

/** A plan without the places in the manifest, which another layout of the same text changes. */
const bytesOf = (target: PlanTarget): string => planJson(planOf(STACK, '2026-06-01T00:00:00Z', 'plan', [withoutPlaces(target)]));
const withoutPlaces = <T>(value: T): T => JSON.parse(JSON.stringify(value, (key, inner) => (key === 'source' ? undefined : inner)));

let shown: PlanTarget | null = null;
/** The plan of the counterexample, when LAW_SHOW asks for it. */
const planText = (plan: PlanTarget | null): string =>
  [
    ...(plan?.steps ?? []).map((step) => `${step.transaction} ${step.sql}`),
    ...(plan?.changes ?? []).flatMap((change) => (change.blocked ? [`blocked ${change.kind} ${change.key}: ${change.blocked}`] : [])),
  ].join('\n');
const show = (world: World) => (error: unknown) => {
  if (process.env.LAW_SHOW)
    console.log(
      JSON.stringify(world.names),
      yamlOf(world.first),
      '-----\n',
      yamlOf(world.second),
      JSON.stringify([world.before, world.between]),
      `\n${planText(shown)}`,
    );
  throw error;
};

const holds = (major: number, law: (world: World) => Promise<void>, runs = RUNS) =>
  fc.assert(
    fc.asyncProperty(worlds(major), async (world) => {
      tallies.worlds++;
      await law(world).catch(show(world));
    }),
    // other worlds on every major
    { seed: SEED * 100 + major, numRuns: runs, endOnFailure: process.env.LAW_SHRINK === undefined },
  );

eachMajor((server, major) => {
  beforeAll(async () => {
    Object.assign(process.env, CANARIES);
    await prepare(server());
  });
  const stage = async (world: World) => {
    await reset(server());
    await populate(server(), world);
  };

  test('applying makes the plan empty, and applying again sends nothing and moves no row (laws 1, 8 and 9)', async () => {
    await holds(major, async (world) => {
      await stage(world);
      await settle(server(), world.first);
      await perform(server(), world.names, world.between);
      if (!(await settle(server(), world.second))) return;
      const before = await fingerprint(server(), DATABASES);
      const { result } = await applyOn(server(), yamlOf(world.second), OPTIONS);
      expect(result.statements).toBe(0);
      expect(await fingerprint(server(), DATABASES)).toEqual(before);
    });
  });

  test('the order of keys, the style of the YAML and its split into files change nothing but places (law 3)', async () => {
    await holds(
      major,
      async (world) => {
        await stage(world);
        const plan = await planned(server(), world.first);
        if (!plan) return;
        const layouts: readonly [body: string, files: readonly string[]][] = [
          [yamlOf(world.first, { shuffled: 1 }), []],
          [yamlOf(world.first, { flow: true }), []],
          [yamlOf(world.first, { flow: true, shuffled: 2 }), []],
          // a file for every key, in another order
          [
            '',
            Object.entries(world.first)
              .map(([key, value]) => yamlOf({ [key]: value }))
              .reverse(),
          ],
        ];
        for (const [body, files] of layouts) {
          const other = await planOn(server(), body, { ...OPTIONS, files });
          expect(bytesOf(other)).toBe(bytesOf(plan));
          expect(digest([other])).toBe(digest([plan]));
        }
      },
      Math.ceil(RUNS / 2),
    );
  });

  test('after every transaction nobody has more than before and after, nor less than both (laws 4, 5 and 12)', async () => {
    await holds(major, async (world) => {
      await stage(world);
      await settle(server(), world.first);
      await perform(server(), world.names, world.between);
      const plan = await planned(server(), world.second);
      if (!plan) return;
      shown = plan;
      tallies.transactions += plan.transactions.length;
      const lapsing = await lapsesOf(server(), world.second);
      expect(plan.findings.some(({ code }) => code === 'plan/lapse')).toBe(lapsing.size > 0);
      if (lapsing.size > 0) tallies.lapses++;
      const old = await verdictsOf(server(), DATABASES);
      const boundaries: Awaited<ReturnType<typeof verdictsOf>>[] = [];
      const admitted = new Set(
        plan.changes.flatMap((change) => (change.kind === 'membership' && change.after?.role === 'rds_iam' ? [change.after.member] : [])),
      );
      const iamBefore = new Set<string>();
      const client = await server().connect(server().superuser);
      for (const name of await underIam(client)) iamBefore.add(name);
      await client.end();
      await replay(server(), plan, {
        choose: (ready) => ready[(ready.length * 7 + plan.steps.length) % ready.length]!,
        afterStep: async (session) => {
          const flipped = (await underIam(session)).filter((name) => !iamBefore.has(name) && !admitted.has(name));
          expect(flipped).toEqual([]);
        },
        afterCommit: async () => {
          boundaries.push(await verdictsOf(server(), DATABASES));
        },
      });
      const now = boundaries.at(-1) ?? old;
      const again = await planOn(server(), yamlOf(world.second), OPTIONS);
      expect(again.changes.filter(({ blocked }) => !blocked)).toEqual([]);
      boundaries.forEach((state, at) => {
        const gaps = missing(state, old, now);
        if (gaps.length > 0) tallies.missed++;
        const untold = gaps.filter((line) => !lapsing.has(line.split('\0')[0]!));
        expect({ at, beyond: beyond(state, old, now), untold }).toEqual({ at, beyond: [], untold: [] });
      });
      expect(
        (await stateOf(server(), ['postgres'])).filter((line) => line.includes('member master in') && !line.includes('by rdsadmin')),
      ).toEqual([]);
    });
  });

  test('the worlds were worth it', () => {
    console.log(
      JSON.stringify({
        ...tallies,
        refusals: Object.fromEntries(
          [...new Set(tallies.refusals)].map((code) => [code, tallies.refusals.filter((one) => one === code).length]),
        ),
      }),
    );
    expect(tallies.plans).toBeGreaterThan(tallies.worlds / 2);
  });
}, {});
