import { groupBy } from '../../core/group.ts';
import { isPattern, matches } from '../../core/selector.ts';
import type { OwnedObjects } from '../../model/access.ts';
import type { Part } from '../../model/declared.ts';
import type { Reality } from '../provider.ts';

type ByName = ReadonlyMap<string, OwnedObjects>;
const known = new WeakMap<Reality['objects'], ReadonlyMap<string, ByName>>();

/** The schemas that two parts of a selector name, system ones only by their own name. Thousands of selectors ask: they are indexed. */
export const schemasSelected = (reality: Reality, database: Part, schema: Part): OwnedObjects[] =>
  chosen(byDatabase(reality), database).flatMap((schemas) =>
    chosen(schemas, schema).filter((row) => row.origin !== 'system' || !isPattern(schema)),
  );

/** The values whose key the part selects: looked up where it is a name. */
const chosen = <V>(values: ReadonlyMap<string, V>, part: Part): V[] => {
  if (isPattern(part)) return [...values].flatMap(([name, value]) => (matches(part, name) ? [value] : []));
  const value = values.get(part.text);
  return value === undefined ? [] : [value];
};

const byDatabase = ({ objects }: Reality): ReadonlyMap<string, ByName> => {
  const found = known.get(objects) ?? index(objects);
  known.set(objects, found);
  return found;
};

const index = (objects: Reality['objects']): ReadonlyMap<string, ByName> => {
  const schemas = objects.filter((row) => row.kind === 'schema' && row.database !== null);
  const databases = groupBy(schemas, (row) => row.database!);
  return new Map([...databases].map(([database, rows]) => [database, new Map(rows.map((row) => [row.names[0]!, row]))]));
};
