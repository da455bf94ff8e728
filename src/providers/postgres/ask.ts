import type { QueryArrayConfig } from 'pg';
import type { Connected } from './connect.ts';

/** A row as it came: what its columns are, the query says. */
export type Row = readonly (string | number | boolean | null)[];

/** One question to an open connection, and all rows of the answer. */
export const ask = async ({ client, patienceMs }: Connected, text: string, values: readonly unknown[] = []): Promise<readonly Row[]> =>
  (await client.query({ text, values: [...values], rowMode: 'array', query_timeout: patienceMs } as QueryArrayConfig)).rows;
