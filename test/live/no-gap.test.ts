import type { Client } from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { eachMajor } from '../lab/majors.ts';
import { applyOn, planOn } from './scenario.ts';

const LOGIN = { user: 'reader', password: 'reader-password' };

/** Access that both manifests contain: SELECT on s.t of every database, over other groups, other grants, other paths each time. */
const manifests = (databases: readonly string[]): readonly string[] => {
  const schemas = databases.map((database) => `${database}.s`).join(', ');
  const tables = databases
    .map(
      (database) =>
        `{ privileges: [select], tables: s.t, database: ${database} }, { privileges: [usage], schemas: s, database: ${database} }, { privileges: [connect], databases: ${database} }`,
    )
    .join(', ');
  const user = (groups: string, rest = '') =>
    `users: { reader: { auth: password, password: "\${env:ROLECALL_GAP}", groups: [${groups}]${rest} } }\nexisting: [maker]\n`;
  return [
    `groups: { a: { read: [${schemas}] }, b: {} }\n${user('a')}`,
    // another group, which gets its grants in the same plan
    `groups: { a: {}, b: { grants: [${tables}] } }\n${user('b')}`,
    // a nested group; the inner one keeps nothing
    `groups: { a: { read: [${schemas}] }, b: { groups: [a] } }\n${user('b')}`,
    // by itself
    `groups: { a: {}, b: {} }\n${user('', `, grants: [${tables}]`)}`,
    // columns instead of the table
    `groups: { a: { grants: [${databases.map((database) => `{ privileges: [select], tables: s.t, columns: [i, j], database: ${database} }, { privileges: [usage], schemas: s, database: ${database} }, { privileges: [connect], databases: ${database} }`).join(', ')}] }, b: {} }\n${user('a')}`,
    // through a group that comes, while the old one goes
    `groups: { c: { write: [${schemas}] }, b: {} }\nremoved: { a: { drop: true } }\n${user('c')}`,
  ];
};

/** Selects in a loop until told to stop; counts what it got and what it was refused. */
const selectForever = async (client: Client, stop: AbortSignal) => {
  const refused: string[] = [];
  let served = 0;
  while (!stop.aborted && refused.length < 20) {
    await client.query('SELECT i, j FROM s.t').then(
      () => served++,
      (error: Error & { code?: string }) => refused.push(`${error.code} ${error.message}`),
    );
  }
  await client.end();
  return { served, refused };
};

eachMajor(
  (server, major) => {
    beforeAll(async () => {
      process.env.ROLECALL_GAP = LOGIN.password;
      await server().query(server().master, 'postgres', 'CREATE ROLE maker');
      for (const database of ['one', 'two']) {
        await server().query(server().master, 'postgres', `CREATE DATABASE ${database}`);
        await server().query(
          server().superuser,
          database,
          `REVOKE CONNECT ON DATABASE ${database} FROM PUBLIC; CREATE SCHEMA s AUTHORIZATION maker; SET ROLE maker; CREATE TABLE s.t (i int, j int)`,
        );
      }
    });

    for (const databases of [['one'], ['one', 'two']]) {
      test(`who selects while groups are re-shaped is never refused (${databases.length === 1 ? 'one database' : 'two databases'})`, async () => {
        const target = `databases: [${databases.join(', ')}]\nmanage: exact`;
        const [first, ...rest] = manifests(databases);
        expect(await applyOn(server(), first!, { target })).toMatchObject({ exitCode: 0 });
        const stop = new AbortController();
        const loops = await Promise.all(
          databases.map(async (database) => selectForever.bind(null, await server().connect(LOGIN, database), stop.signal)),
        );
        const running = loops.map((loop) => loop());
        try {
          for (const body of [...rest, first!, rest[1]!, rest[3]!]) {
            const plan = await planOn(server(), body, { target });
            expect({
              body,
              lapses: plan.findings.filter(({ code }) => code === 'plan/lapse'),
              steps: plan.steps.map(({ transaction, sql }) => `${transaction} ${sql}`),
            }).toMatchObject({ lapses: [] });
            expect(plan.steps.length).toBeGreaterThan(0);
            const { exitCode, result } = await applyOn(server(), body, { target, approved: plan });
            expect({ body, exitCode, failed: result.failed }).toEqual({ body, exitCode: 0, failed: undefined });
          }
        } finally {
          stop.abort();
        }
        for (const { served, refused } of await Promise.all(running)) {
          expect(refused).toEqual([]);
          expect(served).toBeGreaterThan(50);
        }
        expect(major).toBeGreaterThan(12);
      });
    }
  },
  { only: [13, 16, 18] },
);
