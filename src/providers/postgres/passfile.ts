/** What a password file is searched for. */
export type Wanted = { readonly host: string; readonly port: number; readonly database: string; readonly user: string };

/**
 * The password of the first line of a `.pgpass` text that fits: `host:port:database:user:password`, `*` fits anything,
 * `\` keeps the next character as it is (PostgreSQL manual, "The Password File").
 */
export const passwordIn = (text: string, wanted: Wanted): string | undefined => {
  // A socket's directory is looked up as localhost.
  const host = wanted.host.startsWith('/') ? 'localhost' : wanted.host;
  const sought = [host, String(wanted.port), wanted.database, wanted.user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = fieldsOf(line);
    if (fields.length >= 5 && sought.every((value, index) => fields[index] === '*' || unescaped(fields[index]!) === value)) {
      return unescaped(fields.slice(4).join(':'));
    }
  }
  return undefined;
};

/** Cut at every colon that no backslash keeps. */
const fieldsOf = (line: string): string[] => {
  const fields = [''];
  for (const [piece] of line.matchAll(/\\.|:|[^\\:]+|\\$/gs)) {
    if (piece === ':') fields.push('');
    else fields[fields.length - 1] += piece;
  }
  return fields;
};

const unescaped = (field: string): string => field.replaceAll(/\\(.)/gs, '$1');
