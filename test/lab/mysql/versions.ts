import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildName, flavourOf, isFetched, type Version } from './builds.ts';
import { type Mysql, type MysqlOptions, startMysql } from './server.ts';

/** Every series that the tests run. */
const SUPPORTED: readonly Version[] = ['8.0', '9.7', '10.11', '11.8'];
/** May be gone from Debian's pool one day: then its tests are skipped, in CI too. */
const MAY_BE_GONE: readonly Version[] = ['8.0'];

/** Those that shall be tested: all, or what MYSQL_VERSIONS names, e.g. `MYSQL_VERSIONS=9.7,11.8`. */
export const WANTED: readonly Version[] = wanted(process.env.MYSQL_VERSIONS);

/** For what need not be shown on every version: the newest of each flavour that shall be tested and can be. */
export const newestOfEach: readonly Version[] = (['mysql', 'mariadb'] as const).flatMap((flavour) =>
  WANTED.filter((version) => isFetched(version) && flavourOf(version) === flavour).slice(-1),
);

/**
 * A suite for each version, with a fresh RDS-like server that lives as long as the suite. Where a version was not fetched the suite is
 * skipped with the command that fetches it, or fails where CI is set.
 */
export function eachMysql(
  body: (server: () => Mysql, version: Version) => void,
  { only = SUPPORTED, ...options }: MysqlOptions & { readonly only?: readonly Version[] } = {},
): void {
  const versions = WANTED.filter((version) => only.includes(version));
  // a file without any test is an error for vitest, and would hide what was left out
  if (versions.length === 0) test.skip(`${only.map(buildName).join(', ')} (MYSQL_VERSIONS is ${process.env.MYSQL_VERSIONS})`, () => {});
  for (const version of versions) {
    if (isFetched(version)) describe(buildName(version), () => body(useMysql(version, options), version));
    else missing(version);
  }
}

/** A server for the suite that calls this: started before its tests, stopped and removed after them. */
export function useMysql(version: Version, options: MysqlOptions = {}): () => Mysql {
  let server: Mysql | undefined;
  // biome-ignore lint/correctness/noEmptyPattern: vitest wants the first argument's fixtures by pattern, and hands out the suite as the second
  beforeAll(async ({}, suite) => {
    server = await startMysql(version, options);
    Object.assign(suite.meta, { [server.flavour]: server.release });
  });
  afterAll(async () => await server?.stop());
  return () => {
    if (server === undefined) throw new Error(`${buildName(version)} runs only while the tests of its suite do`);
    return server;
  };
}

function missing(version: Version): void {
  const reason = `it was not fetched: npm run lab:fetch -- ${buildName(version)}`;
  if (process.env.CI && !MAY_BE_GONE.includes(version)) test(`${buildName(version)} is here`, () => expect.fail(reason));
  else test.skip(`${buildName(version)} (${reason})`, () => {});
}

function wanted(list: string | undefined): readonly Version[] {
  if (!list) return SUPPORTED;
  const versions = list.split(',').map((text) => text.trim() as Version);
  const unknown = versions.find((version) => !SUPPORTED.includes(version));
  if (unknown !== undefined) throw new Error(`MYSQL_VERSIONS is '${list}', but the servers of the tests are ${SUPPORTED.join(', ')}`);
  return versions;
}
