/** A quoted identifier: every name that reaches a statement passes here. Throws on what PostgreSQL cannot store. */
export const ident = (name: string): string => {
  if (name === '' || name.includes('\0')) throw new RangeError(`not an identifier: ${JSON.stringify(name)}`);
  return `"${name.replaceAll('"', '""')}"`;
};

/** A string literal that reads the same whatever `standard_conforming_strings` says. */
export const literal = (text: string): string => {
  if (text.includes('\0')) throw new RangeError('a string literal cannot hold NUL');
  const quoted = text.replaceAll("'", "''");
  return quoted.includes('\\') ? ` E'${quoted.replaceAll('\\', '\\\\')}'`.trimStart() : `'${quoted}'`;
};

/** `"schema"."name"`, or the name alone where there is no schema. */
export const qualified = (schema: string | null, name: string): string =>
  schema === null ? ident(name) : `${ident(schema)}.${ident(name)}`;
