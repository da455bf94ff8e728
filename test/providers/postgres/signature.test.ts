import { describe, expect, test } from 'vitest';
import { signatureKey } from '../../../src/providers/postgres/signature.ts';

describe('argument types', () => {
  test.each([
    ['nothing', '', ''],
    ['blanks', '  ', ''],
    ['an alias', 'int', 'integer'],
    ['several', 'int,varchar( 20 ) , TIMESTAMPTZ', 'integer, character varying, timestamp with time zone'],
    ['a modifier within the words', 'timestamp(3) with time zone', 'timestamp with time zone'],
    ['a modifier with a comma', 'numeric(10, 2), text', 'numeric, text'],
    ['arrays of any dimension', 'int[3][], text array', 'integer[], text[]'],
    ['a schema', 'S.mood, "odd ""schema""".t', 's.mood, "odd ""schema""".t'],
    ['a schema that is searched anyway', 'pg_catalog.int4', 'integer'],
    ['a name that needs no quotes', 's."mood"', 's.mood'],
  ])('%s', (_name, written, rendered) => {
    expect(signatureKey(written)).toBe(signatureKey(rendered));
    expect(signatureKey(written)).toBeDefined();
  });

  test.each([
    ['int', 'bigint'],
    ['char', '"char"'],
    ['s.mood', 's."Mood"'],
    ['s.mood', 't.mood'],
    ['int', 'int[]'],
    ['int, int', 'int'],
  ])('%s is not %s', (one, other) => {
    expect(signatureKey(one)).not.toBe(signatureKey(other));
  });

  test.each(['a b', 'int,', '1', "'x'", 's.', 'a.b.c', 'int; DROP TABLE t'])('%j is no list of types', (text) => {
    expect(signatureKey(text)).toBeUndefined();
  });
});
