import fc from 'fast-check';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parseAccount } from '../../../src/core/account.ts';
import { diff } from '../../../src/core/diff.ts';
import { digest } from '../../../src/core/digest.ts';
import { planOf } from '../../../src/engine/plan.ts';
import type { Change } from '../../../src/model/change.ts';
import { Failure, isError } from '../../../src/model/finding.ts';
import type { PlanTarget } from '../../../src/model/plan.ts';
import { stateOf } from '../../../src/providers/mysql/access-state.ts';
import { mysql } from '../../../src/providers/mysql/index.ts';
import { accountSql, withSecret } from '../../../src/providers/mysql/sql.ts';
import { planJson } from '../../../src/render/json.ts';
import type { Flavour } from '../../lab/mysql/builds.ts';
import type { Mysql } from '../../lab/mysql/server.ts';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { CANARIES, yamlOf } from '../world.ts';
import { isAllowed, probesOf } from './access-oracle.ts';
import { decided, fingerprint, snapshotOf, type Verdicts, verdictsOf } from './observe.ts';
import { applyOn, declaredOn, planFromAll, planOn } from './scenario.ts';
import { perform, populate, prepare, reset, type World, worlds } from './world.ts';
import type { Access } from './world-manifest.ts';

const RUNS = Number(process.env.LAW_RUNS ?? 2);
const SEED = Number(process.env.LAW_SEED ?? 3);
// whoever asks for many runs waits for them
vi.setConfig({ testTimeout: 120_000 + RUNS * 10_000 });

const tallies = { worlds: 0, plans: 0, refusals: [] as string[], blocked: 0, lapses: 0, missed: 0, statements: 0, probes: 0, allowed: 0 };
let shown: PlanTarget | null = null;

/** What a manifest says may be refused for good reasons; a world that is refused shows nothing. */
const planned = async (server: Mysql, access: Access): Promise<PlanTarget | null> => {
  try {
    const plan = await planOn(server, yamlOf(access));
    shown = plan;
    expect(withoutCount(plan)).toEqual(withoutCount(await planFromAll(server, yamlOf(access))));
    const errors = plan.findings.filter(isError);
    if (process.env.LAW_SHOW) for (const { code, message } of errors) console.log(`${code}: ${message}`);
    if (errors.length === 0) return plan;
    tallies.refusals.push(...errors.map(({ code }) => code));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (process.env.LAW_SHOW) console.log(error.message);
    tallies.refusals.push(...error.findings.map(({ code }) => code));
  }
  return null;
};

/** How many rows were read depends on whom the manifest concerns. */
const withoutCount = ({ read: { grants: _, ...read }, ...plan }: PlanTarget) => ({ ...plan, read });

/** Applies, and holds law 1 and the honesty of what is left. */
const settle = async (server: Mysql, access: Access): Promise<boolean> => {
  const plan = await planned(server, access);
  if (!plan) return false;
  tallies.plans++;
  const { result, exitCode } = await applyOn(server, yamlOf(access));
  expect({ failed: result.failed, findings: result.findings.filter(isError) }).toEqual({ failed: undefined, findings: [] });
  expect(result.residue.filter(({ blocked }) => !blocked)).toEqual([]);
  expect(exitCode).toBe(result.residue.length > 0 ? 5 : 0);
  tallies.blocked += result.residue.length;
  await expectSettled(server, access);
  return true;
};
const expectSettled = async (server: Mysql, access: Access): Promise<void> => {
  const again = await planOn(server, yamlOf(access));
  expect(again.changes.filter(({ blocked }) => !blocked)).toEqual([]);
  expect(again.steps).toEqual([]);
};

/** A plan without the places in the manifest, which another layout of the same text changes. */
const bytesOf = (target: PlanTarget): string =>
  planJson(
    planOf('test/access', '2026-06-01T00:00:00Z', 'plan', [
      JSON.parse(JSON.stringify(target, (key, inner) => (key === 'source' ? undefined : inner))),
    ]),
  );

const show = (world: World) => (error: unknown) => {
  if (process.env.LAW_SHOW)
    console.log(
      JSON.stringify((error as { readonly actual?: unknown }).actual),
      JSON.stringify(world.names),
      yamlOf(world.first),
      '-----\n',
      yamlOf(world.second),
      JSON.stringify([world.before, world.between]),
      ...(shown?.steps ?? []).map(({ sql }) => `\n${sql}`),
      ...(shown?.changes ?? []).flatMap(({ kind, key, blocked }) => (blocked ? [`\nblocked ${kind} ${key}: ${blocked}`] : [])),
    );
  throw error;
};

/** Accounts whose access lacks something for a moment, as the plan says: whoever is in one of these roles too. */
const lapsesOf = async (server: Mysql, access: Access): Promise<boolean> => {
  const declared = declaredOn(server, yamlOf(access));
  const snapshot = await mysql.inspect({ declared, as: 'plan' });
  return mysql.statements(diff(mysql.normalize(snapshot, declared)), snapshot, declared).lapses.length > 0;
};

const beyond = (state: Verdicts, old: Verdicts, now: Verdicts): string[] => [...state].filter((line) => !old.has(line) && !now.has(line));
const missing = (state: Verdicts, a: Verdicts, b: Verdicts): string[] => [...a].filter((line) => b.has(line) && !state.has(line));

eachMysql((server, version) => {
  const flavour: Flavour = version.length === 3 ? 'mysql' : 'mariadb';
  let admin: Connection;
  beforeAll(async () => {
    Object.assign(process.env, CANARIES);
    await prepare(server());
    admin = await server().connect(server().superuser);
  });
  afterAll(async () => await admin.end());

  const holds = (law: (world: World) => Promise<void>, runs = RUNS) =>
    fc.assert(
      fc.asyncProperty(worlds(flavour), async (world) => {
        tallies.worlds++;
        await reset(admin, flavour);
        await populate(admin, flavour, world);
        await law(world).catch(show(world));
      }),
      // other worlds on every server
      { seed: SEED * 1000 + Number(version.replace('.', '')), numRuns: runs, endOnFailure: process.env.LAW_SHRINK === undefined },
    );

  test('applying makes the plan empty, and applying again sends nothing and changes no byte of the grant tables (laws 1 and 8)', async () => {
    await holds(async (world) => {
      await settle(server(), world.first);
      await perform(admin, flavour, world.names, world.between);
      if (!(await settle(server(), world.second))) return;
      const before = await fingerprint(admin, flavour);
      const { result } = await applyOn(server(), yamlOf(world.second));
      expect(result.statements).toBe(0);
      expect(await fingerprint(admin, flavour)).toEqual(before);
    });
  });

  test('a server that is as the manifest says it is adopted, and nothing else (law 2)', async () => {
    await holds(
      async (world) => {
        if (!(await settle(server(), world.first))) return;
        const { accounts } = await snapshotOf(server());
        for (const { user, host, mark } of accounts)
          if (mark !== null) await admin.query(`ALTER USER ${accountSql({ user, host })} ATTRIBUTE '{"rolecall": null}'`);
        const plan = await planOn(server(), yamlOf(world.first));
        const others = plan.changes.filter((change) => change.blocked === undefined && !isAdoption(change));
        expect(others).toEqual([]);
      },
      Math.ceil(RUNS / 2),
    );
  });

  test('the order of keys, the style of the YAML and its split into files change nothing but places (law 3)', async () => {
    await holds(
      async (world) => {
        const plan = await planned(server(), world.first);
        if (!plan) return;
        const layouts: readonly [body: string, files: readonly string[]][] = [
          [yamlOf(world.first, { shuffled: 1 }), []],
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
          const other = await planOn(server(), body, { files });
          expect(bytesOf(other)).toBe(bytesOf(plan));
          expect(digest([other])).toBe(digest([plan]));
        }
      },
      Math.ceil(RUNS / 2),
    );
  });

  test('after every statement nobody has more than before and after, nor less than both, unless that is told (laws 4 and 5)', async () => {
    await holds(async (world) => {
      await settle(server(), world.first);
      await perform(admin, flavour, world.names, world.between);
      const plan = await planned(server(), world.second);
      if (!plan) return;
      const lapsing = await lapsesOf(server(), world.second);
      expect(plan.findings.some(({ code }) => code === 'plan/lapse')).toBe(lapsing);
      if (lapsing) tallies.lapses++;
      const exceeding = plan.findings.some(({ code }) => code === 'plan/excess');
      const seen = [await verdictsOf(server())];
      const client = await server().connect(server().master);
      try {
        await client.query("SET SESSION sql_mode = 'NO_AUTO_CREATE_USER'").catch(() => {});
        for (const { sql, secret } of plan.steps) {
          tallies.statements++;
          await client.query(secret === undefined ? sql : withSecret(sql, secret, 'Replayed-1'));
          seen.push(await verdictsOf(server()));
        }
      } finally {
        client.destroy();
      }
      const [old, ...states] = decided(seen) as [Verdicts, ...Verdicts[]];
      const now = states.at(-1) ?? old;
      await expectSettled(server(), world.second);
      states.forEach((state, at) => {
        const gaps = missing(state, old, now);
        if (gaps.length > 0) tallies.missed++;
        expect({ at, sql: plan.steps[at]!.sql, beyond: exceeding ? [] : beyond(state, old, now), untold: lapsing ? [] : gaps }).toEqual({
          at,
          sql: plan.steps[at]!.sql,
          beyond: [],
          untold: [],
        });
      });
    });
  });

  test('what the plan computes for who logs in is what the server lets them do (law 6)', async () => {
    await holds(
      async (world) => {
        if (!(await settle(server(), world.first))) return;
        const snapshot = await snapshotOf(server());
        const state = stateOf({ ...snapshot, schemas: ['my_db', 'myXdb', 'orders'] });
        for (const [at, user] of world.names.users.entries()) {
          const client = await server()
            .connect({ user, password: CANARIES[`ROLECALL_CANARY_${at}`]! })
            .catch(() => null);
          if (!client) continue;
          try {
            const [rows] = await client.query('SELECT CURRENT_USER() AS account');
            const account = accountOfServer((rows as { account: string }[])[0]!.account);
            if (!state.logins.has(account)) continue;
            const wrong: string[] = [];
            for (const { sql, expected } of probesOf(state, account)) {
              const allowed = await isAllowed(client, sql);
              tallies.probes++;
              if (allowed) tallies.allowed++;
              if (allowed !== expected) wrong.push(`${account}: ${sql} is ${allowed ? 'allowed' : 'refused'}`);
            }
            expect(wrong).toEqual([]);
          } finally {
            client.destroy();
          }
        }
      },
      Math.ceil(RUNS / 2),
    );
  });

  test('the worlds were worth it', () => {
    const counts = Object.fromEntries(
      [...new Set(tallies.refusals)].map((code) => [code, tallies.refusals.filter((one) => one === code).length]),
    );
    if (process.env.LAW_SHOW) console.log(JSON.stringify({ version, ...tallies, refusals: counts }));
    expect(tallies.plans).toBeGreaterThan(tallies.worlds / 2);
  });
});

/** Of an account nothing but the mark differs. */
const isAdoption = ({ kind, before, after }: Change): boolean => {
  if (kind !== 'role' || !before || !after) return false;
  return JSON.stringify({ ...before, mark: null }) === JSON.stringify({ ...after, mark: null });
};

const accountOfServer = (text: string): string => {
  const { user, host } = parseAccount(text);
  return host === '%' ? user : `${user}@${host}`;
};
