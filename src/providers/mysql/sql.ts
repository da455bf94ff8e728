import type { Account } from '../../model/declared.ts';

/** A quoted identifier, whatever ANSI_QUOTES says. Throws on what no name can hold. */
export const ident = (name: string): string => {
  if (name === '' || name.includes('\0')) throw new RangeError(`not an identifier: ${JSON.stringify(name)}`);
  return `\`${name.replaceAll('`', '``')}\``;
};

/** A string literal under the sql_mode that every session of ours has: a backslash escapes. */
export const literal = (text: string): string => {
  if (text.includes('\0')) throw new RangeError('a string literal cannot hold NUL');
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
};

/** `'user'@'host'`; the name alone for a role of MariaDB, which has no host. */
export const accountSql = ({ user, host }: Account): string => (host === '' ? literal(user) : `${literal(user)}@${literal(host)}`);

const CLAUSE = /(SUBJECT|ISSUER|CIPHER) '((?:[^'\\]|''|\\.)*)'/gs;

/** What stands after REQUIRE: a word, or clauses, whose values are quoted anew. Throws on anything else. */
export const requireSql = (require: string): string => {
  if (require === 'none' || require === 'ssl' || require === 'x509') return require.toUpperCase();
  const clauses = [...require.matchAll(CLAUSE)].map(([, word, value]) => `${word} ${literal(unquoted(value!))}`);
  if (clauses.length === 0 || require.replaceAll(CLAUSE, '').replaceAll('AND', '').trim() !== '')
    throw new RangeError(`not a requirement of TLS: ${JSON.stringify(require)}`);
  return clauses.join(' AND ');
};

const unquoted = (value: string): string => value.replaceAll(/''|\\(.)/gs, (whole, escaped?: string) => escaped ?? whole[0]!);

/** Strings and quoted identifiers, or a secret's reference. */
const TOKEN = /'(?:[^'\\]|''|\\.)*'|`(?:[^`]|``)*`|\$\{(?:env|secret):[^}]*\}/gs;

/** The statement with what stands in for the reference, which is found outside of everything quoted; `spell`: as SQL. Throws when it is not there once. */
export const withSecret = (sql: string, reference: string, value: string, spell: (value: string) => string = literal): string => {
  let found = 0;
  const filled = sql.replaceAll(TOKEN, (token) => {
    if (token !== reference) return token;
    found++;
    return spell(value);
  });
  if (found !== 1) throw new Error(`a statement has no place for its secret ${reference}`);
  return filled;
};
