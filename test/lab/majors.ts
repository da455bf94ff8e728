import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isInstalled } from './binaries.ts';
import { type Postgres, type ServerOptions, startPostgres } from './postgres.ts';

/** Every major that the program supports. */
export const SUPPORTED = [13, 14, 15, 16, 17, 18] as const;

/** Those that shall be tested: all supported ones, or what PG_MAJORS names, e.g. `PG_MAJORS=13,17`. */
export const WANTED: readonly number[] = wanted(process.env.PG_MAJORS);

/** Those that shall be tested and can be: their build is installed. */
export const MAJORS: readonly number[] = WANTED.filter(isInstalled);

/**
 * A suite for each major, with a fresh RDS-like server that lives as long as the suite. Roles belong to the whole server,
 * so test files share none. Where a major is not installed the suite is skipped with the reason, or fails where CI is set.
 */
export function eachMajor(
  body: (server: () => Postgres, major: number) => void,
  { only = WANTED, ...options }: ServerOptions & { readonly only?: readonly number[] } = {},
): void {
  const majors = WANTED.filter((major) => only.includes(major));
  // a file without any test is an error for vitest, and would hide what was left out
  if (majors.length === 0) test.skip(`PostgreSQL ${only.join(', ')} (PG_MAJORS is ${process.env.PG_MAJORS})`, () => {});
  for (const major of majors) {
    if (isInstalled(major)) describe(`PostgreSQL ${major}`, () => body(useServer(major, options), major));
    else missing(major);
  }
}

/** A server for the suite that calls this: started before its tests, stopped and removed after them. RDS-like unless told. */
export function useServer(major: number, options: ServerOptions = {}): () => Postgres {
  let server: Postgres | undefined;
  // biome-ignore lint/correctness/noEmptyPattern: vitest wants the first argument's fixtures by pattern, and hands out the suite as the second
  beforeAll(async ({}, suite) => {
    server = await startPostgres(major, { rdsLike: true, ...options });
    Object.assign(suite.meta, { postgres: server.version });
  });
  afterAll(async () => await server?.stop());
  return () => {
    if (server === undefined) throw new Error(`PostgreSQL ${major} runs only while the tests of its suite do`);
    return server;
  };
}

function missing(major: number): void {
  const reason = `no PostgreSQL ${major} is installed for ${process.platform}-${process.arch}`;
  if (process.env.CI) test(`PostgreSQL ${major} is installed`, () => expect.fail(reason));
  else test.skip(`PostgreSQL ${major} (${reason})`, () => {});
}

function wanted(list: string | undefined): readonly number[] {
  if (!list) return SUPPORTED;
  const majors = list.split(',').map(Number);
  const unknown = majors.find((major) => !SUPPORTED.some((supported) => supported === major));
  if (unknown !== undefined) throw new Error(`PG_MAJORS is '${list}', but the supported majors are ${SUPPORTED.join(', ')}`);
  return majors;
}
