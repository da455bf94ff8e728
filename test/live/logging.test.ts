import { expect, test } from 'vitest';
import { normalize } from '../../src/providers/cloudwatch/normalize.ts';
import { postgres } from '../../src/providers/postgres/index.ts';
import { eachMajor } from '../lab/majors.ts';
import { declared, snapshot, watch, server as watched } from '../providers/cloudwatch/world.ts';
import { declaredOf } from './scenario.ts';

/** The phrases that an alarm counts. */
const phrases = (): readonly string[] => {
  const wanted = declared([watch()], [], { billing: watched({ engine: 'postgres' }) });
  const [filter] = [...normalize(snapshot(), wanted).desired.log_filter!.values()];
  return [...filter!.pattern.matchAll(/"([^"]*)"/g)].map(([, phrase]) => phrase!);
};

eachMajor(
  (server) => {
    test('PostgreSQL logs who is refused, unless nothing but a panic is worth a line', async () => {
      const { superuser, master, query } = server();
      const says = async () => await postgres.logging!(declaredOf(server(), 'groups: { g: {} }\n').target);
      const system = async (change: string) => {
        await query(superuser, 'postgres', `ALTER SYSTEM ${change}`);
        await query(superuser, 'postgres', 'SELECT pg_reload_conf()');
      };
      expect(await says()).toEqual({ logged: true });
      await system('SET log_min_messages = panic');
      await expect.poll(says).toEqual({ logged: false, found: 'log_min_messages = panic', wanted: 'log_min_messages = warning' });
      await system('RESET log_min_messages');
      // What a role has of its own counts for nobody who is not in yet.
      await query(superuser, 'postgres', `ALTER ROLE ${master.user} SET log_min_messages = panic`);
      await expect.poll(says).toEqual({ logged: true });
      await query(superuser, 'postgres', `ALTER ROLE ${master.user} RESET log_min_messages`);
    });

    test('whoever is refused leaves one line that an alarm counts, and who gets in leaves none', async () => {
      const { superuser, query, log } = server();
      await query(superuser, 'postgres', "CREATE ROLE closed PASSWORD 'x'; CREATE ROLE jane LOGIN PASSWORD 'x'");
      await query(superuser, 'postgres', 'CREATE DATABASE own');
      await query(superuser, 'postgres', 'REVOKE CONNECT ON DATABASE own FROM PUBLIC');
      const refused: readonly (readonly [string, string, string])[] = [
        ['jane', 'wrong', 'postgres'],
        ['nobody', 'x', 'postgres'],
        ['closed', 'x', 'postgres'],
        ['jane', 'x', 'own'],
      ];
      const counted = () =>
        log()
          .split('\n')
          .filter((line) => phrases().some((phrase) => line.includes(phrase)));
      const before = counted().length;
      await query({ user: 'jane', password: 'x' }, 'postgres', 'SELECT 1');
      for (const [user, password, database] of refused) await expect(query({ user, password }, database, 'SELECT 1')).rejects.toThrow();
      await expect.poll(() => counted().length - before, { timeout: 10_000 }).toBe(refused.length);
    });
  },
  { only: [13, 17] },
);
