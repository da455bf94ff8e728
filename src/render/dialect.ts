import type { PlanTarget, Step } from '../model/plan.ts';
import { visible, visibleSql } from './escape.ts';

/** How a script of the target's statements is written for the client that runs it. */
export type Dialect = {
  /** What stands on top, beside comments. */
  readonly head: readonly string[];
  /** Tells where the secrets go, as the text of a comment each. */
  readonly secretNotes: (secrets: readonly Step[]) => readonly string[];
  readonly connect: (database: string) => readonly string[];
  /** The statement with a place for its secret, invisible characters escaped. */
  readonly statement: (step: Step, secrets: readonly Step[]) => string;
};

/** The client's language by engine. */
export const dialectOf = ({ engine }: Pick<PlanTarget, 'engine'>): Dialect => (engine === 'postgres' ? PSQL : MYSQL);

/** The name of the client. */
export const clientOf = ({ engine }: Pick<PlanTarget, 'engine'>): 'psql' | 'mysql' => (engine === 'postgres' ? 'psql' : 'mysql');

/**
 * A secret is a psql variable (`psql --set=secret_1=…`); an unset one is a syntax error, and the script stops there. A SCRAM verifier
 * in its place keeps the password out of the server's log.
 */
const PSQL: Dialect = {
  head: ['\\set ON_ERROR_STOP on'],
  secretNotes: (secrets) =>
    secrets.map((step, index) => `secret_${index + 1}: the password at ${step.secret}, as a SCRAM verifier if it is not to be logged`),
  connect: (database) => [connectSql(database)],
  statement: (step, secrets) => visibleSql(withVariable(step, secrets)).trimEnd(),
};

/**
 * For `mysql` and `mariadb`, which stop at the first error unless told otherwise. They have no variables: a secret stays the reference,
 * which is a syntax error until somebody writes the quoted password in its place. Nor have quoted names there any escapes: what cannot
 * be seen is shown escaped, and such a statement cannot be pasted.
 */
const MYSQL: Dialect = {
  head: ["SET SESSION sql_mode = '';"],
  secretNotes: (secrets) => [...new Set(secrets.map((step) => `put the quoted password in the place of ${step.secret}`))],
  connect: () => [],
  statement: (step) => {
    const shown = visible(step.sql);
    return shown === step.sql ? shown : `-- cannot be pasted, a name holds what cannot be seen: ${shown}`;
  },
};

/**
 * psql reads a database name with `=` or a URI as a connection string, so what is not plain goes as one. Inside single quotes
 * it knows C's escapes, and what comes out it unquotes once more as an identifier: hence the `"` around (psql manual,
 * "Meta-Commands"; tried with psql on such names).
 */
const connectSql = (database: string): string => {
  if (/^[A-Za-z0-9_][A-Za-z0-9_ .@$-]*$/.test(database)) return `\\connect "${database}"`;
  const value = `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const identifier = `"${value.replaceAll('"', '""')}"`;
  return `\\connect -reuse-previous=on '${bytesEscaped(identifier.replaceAll('\\', '\\\\').replaceAll("'", "''"))}'`;
};

/** Invisible characters as the octal escapes of their UTF-8 bytes. */
const bytesEscaped = (text: string): string =>
  [...text]
    .map((character) =>
      visible(character) === character
        ? character
        : [...new TextEncoder().encode(character)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
    )
    .join('');

/** The reference at the end of the statement as a psql variable; one that is only quoted in a comment stays text. */
const withVariable = (step: Step, secrets: readonly Step[]): string => {
  if (step.secret === undefined || !step.sql.endsWith(step.secret)) return step.sql;
  return `${step.sql.slice(0, -step.secret.length)}:'secret_${secrets.indexOf(step) + 1}'`;
};
