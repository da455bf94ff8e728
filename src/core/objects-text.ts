import type { ObjectSet } from '../model/access.ts';
import { nameKey, pathKey } from '../model/key.ts';

/** Objects as messages name them: `table d.s.t`, `3 tables, such as d.s.t`, however many of them the set itself names. */
export const objectsText = ({ kind, database, schema, relation, names }: ObjectSet, count = names.length): string => {
  if (kind === 'global') return 'the whole server';
  const noun = kind.replaceAll('_', ' ');
  const path = [database, schema, relation].filter((part) => part !== null && part !== undefined);
  // A routine's name comes quoted where it must be, with its argument types; a large object's is a number.
  const bare = kind === 'routine' || kind === 'large_object';
  const full = [...(path.length > 0 ? [pathKey(...path)] : []), bare ? (names[0] ?? '') : nameKey(names[0] ?? '')].join('.');
  if (count === 1 && names[0] !== undefined) return `${noun} ${full}`;
  return `${count} ${noun}s${path.length > 0 ? `, such as ${full}` : ''}`;
};
