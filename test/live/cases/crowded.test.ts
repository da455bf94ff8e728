import { expect, test } from 'vitest';
import { eachMajor } from '../../lab/majors.ts';
import { makeRoom, said } from './room.ts';

const TABLES = 8_000;
const BATCH = 2_000;

// From 18 on a GRANT locks every table that it names until it commits: the lock table has room for some 7,000 by default.
eachMajor(
  (server) => {
    test('more tables than the lock table holds are granted in several transactions, or as the whole of a schema', async () => {
      const room = await makeRoom(server(), 'crowded');
      await room.as('master', 'CREATE ROLE crowded_o; CREATE ROLE crowded_ro; CREATE SCHEMA mixed; CREATE SCHEMA whole');
      await room.as('rdsadmin', 'GRANT CREATE, USAGE ON SCHEMA mixed TO crowded_o');
      const many = (schema: string, from: number, to: number) =>
        `DO $$ BEGIN FOR i IN ${from}..${to} LOOP EXECUTE format('CREATE TABLE ${schema}.t%s ()', i); END LOOP; END $$`;
      for (let from = 1; from <= TABLES; from += BATCH) {
        await room.as('crowded_o', many('mixed', from, from + BATCH - 1));
        await room.as('master', many('whole', from, from + BATCH - 1));
      }
      await room.as('master', 'CREATE TABLE mixed.other ()');
      const planned = await room.converge(
        'existing: [crowded_o]\ngroups:\n  crowded_ro: { grants: [{ privileges: [select], tables: [mixed.*, whole.*] }] }\n',
      );
      const statements = said(planned);
      expect(statements.filter((sql) => sql.includes('"whole"'))).toEqual(['GRANT SELECT ON ALL TABLES IN SCHEMA "whole" TO "crowded_ro"']);
      expect(statements.filter((sql) => sql.includes('"mixed"."t1"'))).toHaveLength(1);
      expect(statements).toHaveLength(1 + 1 + TABLES / 500);
      expect(planned.transactions.length).toBeGreaterThanOrEqual(TABLES / 2_000);
      expect(await room.column("SELECT count(*)::int FROM pg_class WHERE relkind = 'r' AND relacl::text LIKE '%crowded_ro=r/%'")).toEqual([
        2 * TABLES + 1,
      ]);
    });
  },
  { only: [18] },
);
