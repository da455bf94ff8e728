import { union, wordOf } from '../../core/privileges.ts';
import type { ObjectKind, Privileges } from '../../model/access.ts';
import { patternSchema } from './patterns.ts';
import type { Scope } from './scope.ts';
import type { SnapshotGrant } from './snapshot.ts';
import { levelled, OPTION_ALONE } from './words.ts';

/** Where one row of a grant table stands: a kind and a name, and for what is in a schema that one; columns have a `relation`. */
export type Place = {
  readonly kind: Extract<ObjectKind, 'global' | 'schema' | 'pattern' | 'table' | 'column' | 'function' | 'procedure' | 'proxy'>;
  readonly schema: string | null;
  readonly relation?: string;
  readonly name: string;
};

/** What an account holds at a place. */
export type Row = { readonly place: Place; readonly privileges: Privileges };
/** By `placeKey`. */
export type Rows = Map<string, Row>;

/** One key for what the server takes for one place: columns and routines in whatever case, the rest as lower_case_table_names says. */
export const placeKey = (scope: Scope, { kind, schema, relation, name }: Place): string => {
  const fold = scope.server.lowerCaseTableNames === 0 ? same : lower;
  const last = kind === 'column' || kind === 'function' || kind === 'procedure' ? lower(name) : kind === 'proxy' ? name : fold(name);
  // No name holds a NUL.
  return `${kind}\0${schema === null ? '' : fold(schema)}\0${relation === undefined ? '' : fold(relation)}\0${last}`;
};
const same = (name: string): string => name;
const lower = (name: string): string => name.toLowerCase();

/** The rows of the grant tables by account, restricted to those of `accounts`: the others are nobody's business. */
export const heldRows = (scope: Scope, accounts: ReadonlySet<string>): ReadonlyMap<string, Rows> => {
  const held = new Map<string, Rows>();
  for (const grant of scope.snapshot.grants) {
    const account = scope.rename(grant.account);
    if (!accounts.has(account)) continue;
    const rows: Rows = held.get(account) ?? new Map();
    held.set(account, rows);
    const place = placeOf(scope, grant);
    const option = place.kind === 'column' && grant.privileges.some((privilege) => privilege.endsWith('*'));
    addTo(scope, rows, place, option ? grant.privileges.map(wordOf) : grant.privileges);
    // Columns have the grant option of their table, which says it itself where it holds anything.
    if (option) addTo(scope, rows, { kind: 'table', schema: place.schema, name: place.relation! }, [OPTION_ALONE]);
  }
  for (const rows of held.values())
    for (const [key, { place, privileges }] of rows)
      if (place.kind === 'table' && privileges.length > 1 && privileges.includes(OPTION_ALONE))
        rows.set(key, { place, privileges: levelled(scope, privileges) });
  return held;
};

/** Adds to what is known of a place already. */
const addTo = (scope: Scope, rows: Rows, place: Place, privileges: Privileges): void => {
  const key = placeKey(scope, place);
  const known = rows.get(key);
  rows.set(key, known ? { place: known.place, privileges: union(known.privileges, privileges) } : { place, privileges });
};

/** Of a schema that is stored as we would write it, the schema; otherwise the pattern as it is stored. */
const placeOf = ({ server, rename }: Scope, { level, schema, relation, name }: SnapshotGrant): Place => {
  switch (level) {
    case 'global':
      return { kind: 'global', schema: null, name: '*.*' };
    case 'schema': {
      const literal = patternSchema(schema!, server.partialRevokes);
      return literal === null ? { kind: 'pattern', schema: null, name: schema! } : { kind: 'schema', schema: null, name: literal };
    }
    case 'table':
      return { kind: 'table', schema, name: name! };
    case 'column':
      return { kind: 'column', schema, relation: relation!, name: name! };
    case 'function':
    case 'procedure':
      return { kind: level, schema, name: name! };
    case 'proxy':
      return { kind: 'proxy', schema: null, name: rename(name!) };
  }
};
