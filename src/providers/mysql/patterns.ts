/**
 * The column Db of mysql.db is a pattern: `_` is any character, `%` any run of them, a backslash makes the next one itself.
 * With partial_revokes on all three are themselves (MySQL 8.0 manual, 6.2.12).
 */

/** The one spelling in which a grant means this schema and no other. */
export const schemaPattern = (schema: string, partialRevokes: boolean): string =>
  partialRevokes ? schema : schema.replaceAll(/[\\_%]/g, '\\$&');

/** The schema that a stored Db means, when that is how we would write it; null: a pattern, or another spelling. */
export const patternSchema = (stored: string, partialRevokes: boolean): string | null => {
  const schema = partialRevokes ? stored : stored.replaceAll(/\\(.)/gs, '$1');
  return schemaPattern(schema, partialRevokes) === stored ? schema : null;
};

const compiled = new Map<string, RegExp>();

/** Whether a stored Db covers a schema. */
export const coversSchema = (stored: string, schema: string, partialRevokes: boolean): boolean => {
  if (partialRevokes) return stored === schema;
  if (!/[\\_%]/.test(stored)) return stored === schema;
  let pattern = compiled.get(stored);
  if (!pattern) {
    pattern = new RegExp(`^${stored.replaceAll(/\\(.)|([_%])|([^\\_%])|\\$/gs, toRegExp)}$`, 's');
    compiled.set(stored, pattern);
  }
  return pattern.test(schema);
};

const toRegExp = (_: string, escaped?: string, wild?: string, plain?: string): string => {
  if (wild !== undefined) return wild === '%' ? '.*' : '.';
  return (escaped ?? plain ?? '\\').replaceAll(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
};
