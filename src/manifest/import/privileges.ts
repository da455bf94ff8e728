import type { ObjectKind } from '../../model/access.ts';
import { PRIVILEGES } from '../../model/privilege.ts';
import type { GrantEntry, Path } from '../content.ts';
import { didYouMean } from '../near.ts';
import { POSTGRES_PROFILES } from '../profiles.ts';
import type { Tell } from './entries.ts';

/** What a role of the file is granted, in the manifest's keys; each item with the place that it comes from. */
export type Granted = {
  readonly read?: readonly string[];
  readonly write?: readonly string[];
  readonly grants?: readonly GrantEntry[];
};

const wordsOf = (kind: ObjectKind): readonly string[] => PRIVILEGES[kind].map(({ word }) => word);
const ON_DATABASES = [...wordsOf('database'), 'ALL'];
/** PostgreSQL refuses these on a database: that tool never granted them. They are read as meant for the schema public. */
const INSIDE: readonly (readonly [kind: 'table' | 'schema' | 'routine', words: readonly string[]])[] = [
  ['table', wordsOf('table')],
  ['schema', ['USAGE']],
  ['routine', ['EXECUTE']],
];
const SYNONYMS: Readonly<Record<string, string>> = { TEMP: 'TEMPORARY', 'ALL PRIVILEGES': 'ALL' };

/** Every privilege on every database, as that tool combines them. */
export const grantedOn = (
  { privileges, databases }: { readonly privileges: readonly string[]; readonly databases: readonly string[] },
  path: Path,
  tell: Tell,
): Granted => {
  const words = readWords(privileges, [...path, 'privileges'], tell);
  if (words.length === 0) return {};
  if (databases.length === 0) {
    tell('warning', 'no-database', `privileges without 'databases' grant nothing`, [...path, 'privileges'], {}, 'key');
    return {};
  }
  const profile = profileOf(words);
  const left = profile === undefined ? words : words.filter((word) => ON_DATABASES.includes(word) && word !== 'CONNECT');
  const selectors = [...new Set(databases)].map(quoted);
  const grants = [...onDatabases(left, selectors), ...selectors.flatMap((database) => insideOf(left, database))];
  return {
    ...(profile === undefined ? {} : { [profile]: selectors.map((database) => `${database}.public`) }),
    ...(grants.length === 0 ? {} : { grants }),
  };
};

/** A name as a selector that means nothing else. */
const quoted = (name: string): string => (/^[^."*]+$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

/** The words in order, each once. An entry may hold several with commas: that tool pastes it into its GRANT. */
const readWords = (privileges: readonly string[], path: Path, tell: Tell): string[] => {
  const known = [...ON_DATABASES, ...INSIDE.flatMap(([, words]) => words)];
  const read = privileges.flatMap((written, index) =>
    written.split(',').flatMap((part) => {
      const upper = part.trim().replace(/\s+/g, ' ').toUpperCase();
      const word = SYNONYMS[upper] ?? upper;
      const place = [...path, index];
      if (!known.includes(word)) {
        tell(
          'error',
          'unknown-privilege',
          `privilege '${part}' is unknown, expected one of ${known.join(', ')}`,
          place,
          didYouMean(upper, known),
        );
        return [];
      }
      if (!ON_DATABASES.includes(word))
        tell('warning', 'privilege', `'${word}' is no privilege of a database: it is read as meant for the schema public in it`, place, {
          hint: 'postgres-user-manager asks PostgreSQL for it on the database, which refuses',
        });
      return [word];
    }),
  );
  return [...new Set(read)];
};

/** `read` or `write`, when the words are those that the profile gives on tables, with CONNECT. */
const profileOf = (words: readonly string[]): 'read' | 'write' | undefined => {
  if (!words.includes('CONNECT')) return undefined;
  const inside = words.filter((word) => !ON_DATABASES.includes(word) && word !== 'USAGE').sort();
  return (['read', 'write'] as const).find((name) => {
    const tables = POSTGRES_PROFILES[name].flatMap(({ kind, privileges }) => (kind === 'table' ? privileges : [])).sort();
    return tables.join() === inside.join();
  });
};

const onDatabases = (words: readonly string[], databases: readonly string[]): GrantEntry[] => {
  const own = words.filter((word) => ON_DATABASES.includes(word));
  if (own.length === 0) return [];
  return [{ privileges: own.includes('ALL') ? ['all'] : own.map(lower), databases }];
};

const insideOf = (words: readonly string[], database: string): GrantEntry[] =>
  INSIDE.flatMap(([kind, known]): GrantEntry[] => {
    const own = words.filter((word) => known.includes(word));
    // whoever may use what is in a schema has to get into it
    if (kind === 'schema') {
      if (!words.some((word) => INSIDE.some(([, inside]) => inside.includes(word)))) return [];
      return [{ privileges: ['usage'], schemas: 'public', database }];
    }
    if (own.length === 0) return [];
    return [{ privileges: own.map(lower), ...(kind === 'table' ? { tables: 'public.*' } : { routines: 'public.*' }), database }];
  });

const lower = (word: string): string => word.toLowerCase();
