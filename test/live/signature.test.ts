import { expect, test } from 'vitest';
import { signatureKey } from '../../src/providers/postgres/signature.ts';
import { eachMajor } from '../lab/majors.ts';

const WRITTEN = [
  'int',
  'INTEGER',
  'int4',
  'smallint',
  'int2',
  'bigint',
  'int8',
  'real',
  'float',
  'float(1)',
  'float(24)',
  'float(25)',
  'float8',
  'double precision',
  'decimal(10,2)',
  'dec',
  'numeric',
  'bool',
  'boolean',
  'char',
  'char(3)',
  'character',
  'nchar',
  'national character(3)',
  '"char"',
  'bpchar',
  'varchar',
  'varchar(20)',
  'char varying(3)',
  'national character varying(4)',
  'text',
  'name',
  'bit',
  'bit(3)',
  'bit varying',
  'varbit',
  'bytea',
  'uuid',
  'json',
  'jsonb',
  'xml',
  'inet',
  'time',
  'time(3)',
  'timetz',
  'time(3) with time zone',
  'time without time zone',
  'timestamp',
  'timestamptz',
  'timestamp(3) with time zone',
  'timestamp without time zone',
  'date',
  'interval',
  'interval year to month',
  'interval second(3)',
  'int[]',
  'int[3][4]',
  'text array',
  'integer array[4]',
  'varchar(3)[]',
  'pg_catalog.int4',
  'pg_catalog.varchar',
  'regclass',
  'oid',
  'record',
  'anyelement',
  '"order"."Type"',
  'own.kind',
  'OWN.Kind[]',
  'own.kind_range',
  'int4range',
];

eachMajor((server) => {
  test('every way to write a type has the key of what the server renders', async () => {
    const { query, master } = server();
    await query(master, 'postgres', 'CREATE DATABASE types');
    await query(
      master,
      'types',
      `CREATE SCHEMA own; CREATE SCHEMA "order"; CREATE TYPE own.kind AS ENUM ('a'); CREATE TYPE "order"."Type" AS (a int); CREATE TYPE own.kind_range AS RANGE (subtype = float8)`,
    );
    await query(master, 'postgres', 'ALTER DATABASE types SET search_path = pg_catalog');
    const rows = await query(
      master,
      'types',
      'SELECT t AS written, format_type(to_regtype(t), NULL) AS rendered FROM unnest($1::text[]) t',
      [WRITTEN],
    );
    expect(rows.filter(({ rendered }) => rendered === null)).toEqual([]);
    expect(rows.map(({ written, rendered }) => [written, rendered, signatureKey(String(written))])).toEqual(
      rows.map(({ written, rendered }) => [written, rendered, signatureKey(String(rendered))]),
    );
  });
});
