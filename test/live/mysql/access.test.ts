import fc from 'fast-check';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAccount } from '../../../src/core/account.ts';
import { stateOf } from '../../../src/providers/mysql/access-state.ts';
import { inspect } from '../../../src/providers/mysql/inspect.ts';
import type { Snapshot } from '../../../src/providers/mysql/snapshot.ts';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { declaredOf } from '../../providers/declared.ts';
import { isAllowed, probesOf } from './access-oracle.ts';
import { clean, makeWorld, STAGE, USERS, type World, worlds } from './access-states.ts';
import { mysqlTarget } from './target.ts';

/** So many worlds on each server; a long run by hand has thousands, and the time for them. */
const RUNS = Number(process.env.SIM_RUNS ?? 8);
const TIMEOUT_MS = 60_000 + RUNS * 1000;
const SEED = Number(process.env.SIM_SEED ?? 97);

eachMysql((server, version) => {
  let admin: Connection;
  beforeAll(async () => {
    admin = await server().connect(server().superuser);
    for (const sql of STAGE) await admin.query(sql);
  });
  afterAll(async () => await admin.end());

  const counts = { asked: 0, held: 0 };

  /** Makes a world and asks every login; what is not as computed from the snapshot, in words. */
  const compare = async (world: World, snapshotOf: (made: Snapshot) => Promise<Snapshot>): Promise<string[]> => {
    const { flavour } = server();
    for (const sql of clean(flavour)) await admin.query(sql);
    const { statements, snapshot } = makeWorld(world, flavour, version === '9.7');
    for (const sql of statements) await admin.query(sql);
    const state = stateOf(await snapshotOf(snapshot));
    const wrong: string[] = [];
    for (const user of USERS) {
      const client = await server().connect({ user, password: '' });
      try {
        const account = await currentAccount(client);
        for (const { sql, expected } of probesOf(state, account)) {
          const allowed = await isAllowed(client, sql);
          counts.asked += 1;
          counts.held += allowed ? 1 : 0;
          if (allowed !== expected) wrong.push(`${account}: ${sql} is ${allowed ? 'allowed' : 'refused'}`);
        }
      } finally {
        await client.end();
      }
    }
    return wrong.slice(0, 10);
  };

  test(
    'computed access is what every login may really do, for random rows, roles, patterns and restrictions',
    async () => {
      const law = fc.asyncProperty(worlds, async (world) => {
        expect(await compare(world, async (made) => made)).toEqual([]);
      });
      await fc.assert(law, { seed: SEED, numRuns: RUNS, endOnFailure: true });
      // a law about access that nobody has, or everybody has, would say little
      expect(counts.held / counts.asked).toBeGreaterThan(0.1);
      expect(counts.held / counts.asked).toBeLessThan(0.8);
    },
    TIMEOUT_MS,
  );

  test('so it is when computed from what the program itself reads', async () => {
    const { user, password } = server().master;
    const declared = declaredOf(mysqlTarget(server(), { user }));
    const read = async (): Promise<Snapshot> =>
      await inspect({ declared, as: 'apply' }, { env: { LAB_PASSWORD: password }, everybody: true });
    for (const world of fc.sample(worlds, { seed: SEED + 1, numRuns: 3 })) expect(await compare(world, read)).toEqual([]);
  });
});

/** The account that the server chose for a login. */
const currentAccount = async (client: Connection): Promise<string> => {
  const [rows] = await client.query('SELECT CURRENT_USER() AS account');
  const [{ account } = { account: '' }] = rows as { account: string }[];
  const { user, host } = parseAccount(account);
  return host === '%' ? user : `${user}@${host}`;
};
