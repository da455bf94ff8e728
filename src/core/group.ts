/** Values by key, in order of first appearance (Map.groupBy, which Node 20 lacks). */
export const groupBy = <V, K>(values: Iterable<V>, keyOf: (value: V) => K): Map<K, V[]> => {
  const groups = new Map<K, V[]>();
  for (const value of values) append(groups, keyOf(value), value);
  return groups;
};

/** Adds a value to those of its key. */
export const append = <V, K>(groups: Map<K, V[]>, key: K, value: V): void => {
  const group = groups.get(key);
  if (group) group.push(value);
  else groups.set(key, [value]);
};
