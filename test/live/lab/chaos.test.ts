import pg from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { type ChaosProxy, type Fault, startChaos } from '../../lab/chaos.ts';
import { eachMajor } from '../../lab/majors.ts';

const open: { end?: () => Promise<void>; close?: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await (thing.close ?? thing.end)?.call(thing);
});

eachMajor(
  (server) => {
    /** A client whose requests that contain `marked` meet the fault. */
    const through = async (fault: Fault): Promise<{ client: pg.Client; proxy: ChaosProxy }> => {
      const proxy = await startChaos(server(), ({ sql }) => (sql.includes('marked') ? fault : undefined));
      open.push(proxy);
      const client = new pg.Client({ host: proxy.host, port: proxy.port, ...server().master, database: 'postgres' });
      client.on('error', () => {});
      await client.connect();
      return { client, proxy };
    };
    const exists = async (role: string) => {
      const sql = 'SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1';
      return (await server().query(server().master, 'postgres', sql, [role])).length === 1;
    };

    describe('the chaos proxy', () => {
      test('lets through what no rule names', async () => {
        const { client, proxy } = await through('reset-before');
        expect((await client.query('SELECT $1::text AS said', ['hello'])).rows).toEqual([{ said: 'hello' }]);
        expect(proxy.faults()).toBe(0);
        await client.end();
      });

      test('resets before the server sees the statement', async () => {
        const { client, proxy } = await through('reset-before');
        await expect(client.query('CREATE ROLE before_marked')).rejects.toThrow(/ECONNRESET|terminated/);
        expect(await exists('before_marked')).toBe(false);
        expect(proxy.faults()).toBe(1);
      });

      test('loses the reply of a statement that took effect', async () => {
        const { client } = await through('reset-after');
        await expect(client.query('CREATE ROLE after_marked')).rejects.toThrow(/ECONNRESET|terminated/);
        expect(await exists('after_marked')).toBe(true);
      });

      test('finds the text of a prepared statement when it is executed again', async () => {
        let executed = 0;
        const proxy = await startChaos(server(), ({ sql }) => (sql.includes('prepared') && ++executed === 2 ? 'reset-after' : undefined));
        open.push(proxy);
        const client = new pg.Client({ host: proxy.host, port: proxy.port, ...server().master, database: 'postgres' });
        client.on('error', () => {});
        await client.connect();
        const statement = { name: 's', text: 'SELECT $1::int AS prepared' };
        expect((await client.query({ ...statement, values: [1] })).rows).toEqual([{ prepared: 1 }]);
        await expect(client.query({ ...statement, values: [2] })).rejects.toThrow(/ECONNRESET|terminated/);
      });

      test('falls silent', async () => {
        const { client } = await through('blackhole');
        const silence = new Promise((resolve) => setTimeout(resolve, 300, 'silence'));
        expect(await Promise.race([client.query("SELECT 'marked'").catch(() => 'error'), silence])).toBe('silence');
      });

      test('delays, and the answer still comes', async () => {
        const { client } = await through({ delayMs: 200 });
        const start = performance.now();
        await client.query("SELECT 'marked'");
        expect(performance.now() - start).toBeGreaterThan(190);
        await client.end();
      });
    });
  },
  { only: [13, 18] },
);
