import { expect, test } from 'vitest';
import { postgres } from '../../src/providers/postgres/index.ts';
import { eachMajor } from '../lab/majors.ts';
import { declaredOf } from './scenario.ts';

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
    });
  },
  { only: [13, 17] },
);
