import { byWord, privilegesOf, wordOf } from '../../core/privileges.ts';
import type { ObjectKind, Privileges } from '../../model/access.ts';
import { parseAccount } from '../../model/account.ts';
import { type Flavour, isDynamic, type MysqlLevel, mysqlLevel, mysqlWords } from '../../model/privilege-mysql.ts';
import { coversSchema } from './patterns.ts';
import type { Scope } from './scope.ts';

/** What a row holds that has the grant option and nothing else. */
export const OPTION_ALONE = 'GRANT OPTION*';

/** `ALL` spelled out: what the server's version has at that level, and the login may grant there. */
export const expandAll = (scope: Scope, privileges: Privileges, kind: ObjectKind, schema: string | null): Privileges => {
  const all = privileges.find((privilege) => wordOf(privilege) === 'ALL');
  if (all === undefined) return privileges;
  const { flavour, version } = scope.server;
  return privilegesOf(
    mysqlWords(mysqlLevel(kind)!, flavour, version)
      .filter((word) => mayGrant(scope, word, schema))
      .map((word) => [word, all.endsWith('*')] as const),
  );
};

/** Whether the login holds a privilege with the grant option, at `*.*` or on the schema; not known counts as yes. */
export const mayGrant = (scope: Scope, word: string, schema: string | null): boolean => {
  const { grantable } = scope.server;
  if (grantable === null || word === 'GRANT OPTION') return true;
  if (grantableWords(grantable).has(word)) return true;
  return schema !== null && grantableIn(scope, schema).has(word);
};

const sets = new WeakMap<readonly string[], ReadonlySet<string>>();
const grantableWords = (grantable: readonly string[]): ReadonlySet<string> => {
  let found = sets.get(grantable);
  if (!found) {
    found = new Set(grantable.map(wordOf));
    sets.set(grantable, found);
  }
  return found;
};

const perSchema = new WeakMap<Scope, Map<string, ReadonlySet<string>>>();

/** What the login's own rows, and those of its roles, let it grant in a schema. */
const grantableIn = (scope: Scope, schema: string): ReadonlySet<string> => {
  const known = perSchema.get(scope) ?? new Map<string, ReadonlySet<string>>();
  perSchema.set(scope, known);
  let found = known.get(schema);
  if (!found) {
    const rows = ownRows(scope).filter((row) => coversSchema(row.schema!, schema, scope.server.partialRevokes));
    found = new Set(rows.flatMap(({ privileges }) => privileges.filter((privilege) => privilege.endsWith('*')).map(wordOf)));
    known.set(schema, found);
  }
  return found;
};

const rowsOfLogin = new WeakMap<Scope, Scope['snapshot']['grants']>();

const ownRows = (scope: Scope): Scope['snapshot']['grants'] => {
  let rows = rowsOfLogin.get(scope);
  if (!rows) {
    rows = scope.snapshot.grants.filter(({ account, level }) => level === 'schema' && scope.loginRoles.has(scope.rename(account)));
    rowsOfLogin.set(scope, rows);
  }
  return rows;
};

/** One grant option for all static privileges of a row: where one has it, each has (the server keeps it once). */
export const levelled = (scope: Scope, privileges: Privileges): Privileges => {
  const { flavour } = scope.server;
  const words = byWord(privileges);
  const isStatic = (word: string): boolean => !isDynamic(word, flavour);
  if (![...words].some(([word, option]) => option && isStatic(word))) return privileges;
  const others = [...words.keys()].some((word) => isStatic(word) && word !== 'GRANT OPTION');
  return privilegesOf(
    [...words].flatMap(([word, option]) => (word === 'GRANT OPTION' && others ? [] : [[word, option || isStatic(word)] as const])),
  );
};

/** Whether some static privileges have the grant option and others have not: no server can hold that. */
export const isMixed = (scope: Scope, privileges: Privileges): boolean => levelled(scope, privileges).join() !== privileges.join();

const wordSets = new Map<string, ReadonlySet<string>>();
const wordsKnown = (level: MysqlLevel, flavour: Flavour, version: number): ReadonlySet<string> => {
  const key = `${level} ${flavour} ${version}`;
  const found = wordSets.get(key) ?? new Set(mysqlWords(level, flavour, version));
  wordSets.set(key, found);
  return found;
};

/** The words of these privileges that the server does not know at that level. Dynamic ones may come with a plugin: the server decides. */
export const unknownWords = ({ server: { flavour, version } }: Scope, privileges: Privileges, kind: ObjectKind): readonly string[] => {
  const level = mysqlLevel(kind);
  if (level === undefined) return privileges.map(wordOf);
  const known = wordsKnown(level, flavour, version);
  return privileges.map(wordOf).filter((word) => !known.has(word) && word !== 'ALL' && !(level === 'global' && isDynamic(word, flavour)));
};

/** Whether the login may let others act as an account: it has that right itself, with the grant option, for that one or for everybody. */
export const mayProxy = (scope: Scope, account: string): boolean =>
  scope.server.grantable === null ||
  account === scope.login ||
  scope.snapshot.grants.some(
    (row) =>
      row.level === 'proxy' &&
      row.privileges.includes('PROXY*') &&
      scope.rename(row.account) === scope.login &&
      (row.name === account || parseAccount(row.name!).user === ''),
  );
