import { groupBy } from '../../core/group.ts';
import { isEverything, isPattern, matches } from '../../core/selector.ts';
import type { DeclaredGrant, Part } from '../../model/declared.ts';
import { distinct } from '../../model/key.ts';
import { isSystemSchema } from './catalog.ts';
import { type Container, foldOf } from './places.ts';
import type { Scope } from './scope.ts';
import type { Snapshot } from './snapshot.ts';

/** Objects of one container that a selector means. */
export type Selection = { readonly container: Container; readonly names: readonly string[] };

/** What is there to be selected. `fold`: how names of schemas and tables count (lower_case_table_names). */
export type Inventory = {
  readonly scope: Scope;
  readonly fold: (name: string) => string;
  readonly schemas: Names;
  readonly tables: ReadonlyMap<string, Names>;
  readonly columns: ReadonlyMap<string, readonly string[]>;
  readonly routines: ReadonlyMap<string, readonly Routines[]>;
};
type Routines = { readonly kind: 'function' | 'procedure'; readonly names: readonly string[] };

export const inventoryOf = (scope: Scope): Inventory => {
  const { schemas, tables, columns } = scope.snapshot;
  const fold = foldOf(scope);
  const bySchema = new Map<string, Routines[]>();
  for (const { schema, kind, names } of routinesOf(scope)) {
    const list = bySchema.get(schema);
    if (list) list.push({ kind, names });
    else bySchema.set(schema, [{ kind, names }]);
  }
  return {
    scope,
    fold,
    schemas: namesOf(schemas, fold),
    tables: new Map(tables.map(({ schema, names }) => [schema, namesOf(names, fold)])),
    columns: new Map(columns.map(({ schema, table, names }) => [`${schema}\0${table}`, names])),
    routines: bySchema,
  };
};

/** Grants on a routine go with it: where the login does not see all of them, those that somebody holds something on are there all the same. */
const routinesOf = ({ snapshot }: Scope): Snapshot['routines'] => {
  if (!snapshot.unseen.includes('routine')) return snapshot.routines;
  const seen = snapshot.routines.flatMap(({ schema, kind, names }) => names.map((name) => ({ schema, kind, name })));
  const held = snapshot.grants.flatMap(({ level, schema, name }) =>
    (level === 'function' || level === 'procedure') && schema !== null && name !== null ? [{ schema, kind: level, name }] : [],
  );
  const all = groupBy([...seen, ...held], ({ schema, kind }) => `${kind}\0${schema}`);
  return [...all.values()].map((routines) => {
    const { schema, kind } = routines[0]!;
    // Grants may write a name in another case.
    const names = new Map(routines.toReversed().map(({ name }) => [name.toLowerCase(), name]));
    return { schema, kind, names: distinct(names.values()) };
  });
};

/** Sorted names, and where they count alike those that do: ten thousand selectors name one table each. */
type Names = { readonly all: readonly string[]; readonly alike: ReadonlyMap<string, readonly string[]> };

const namesOf = (all: readonly string[], fold: Inventory['fold']): Names => ({ all, alike: groupBy(all, fold) });

/** The names that a part of a selector means. */
const meant = ({ fold }: Inventory, { all, alike }: Names, part: Part): readonly string[] => {
  if (isEverything(part)) return all;
  if (!isPattern(part)) return alike.get(fold(part.text)) ?? [];
  const folded = { ...part, text: fold(part.text) };
  return all.filter((name) => matches(folded, fold(name)));
};

/** What a grant means there. */
export const select = (inventory: Inventory, grant: DeclaredGrant): readonly Selection[] => {
  const { kind } = grant;
  const whole = (container: Container, names: readonly string[]): readonly Selection[] =>
    names.length === 0 ? [] : [{ container, names }];
  switch (kind) {
    case 'global':
      return whole({ kind, schema: null }, ['*.*']);
    case 'schema':
      return whole({ kind, schema: null }, schemasMet(inventory, grant.schema ?? grant.name));
    case 'table':
      return tablesMet(inventory, grant).flatMap(({ schema, names }) => whole({ kind, schema }, names));
    case 'column':
      return tablesMet(inventory, grant).flatMap(({ schema, names }) =>
        names.flatMap((relation) =>
          whole(
            { kind, schema, relation },
            (grant.columns ?? []).flatMap((column) => columnMet(inventory, schema, relation, column) ?? []),
          ),
        ),
      );
    case 'routine':
    case 'function':
    case 'procedure':
      return routinesMet(inventory, grant);
    case 'proxy':
      return whole({ kind, schema: null }, accountMet(inventory, grant.name));
    default:
      return [];
  }
};

/** A schema of the server is met by its own name alone; nobody lists those. */
export const schemasMet = (inventory: Inventory, part: Part | null): readonly string[] => {
  if (!part) return [];
  const found = meant(inventory, inventory.schemas, part);
  if (isPattern(part)) return found;
  return found.length > 0 ? found.slice(0, 1) : isSystemSchema(part.text) ? [part.text] : [];
};

export const tablesMet = (
  inventory: Inventory,
  { schema, name }: DeclaredGrant,
): readonly { readonly schema: string; readonly names: readonly string[] }[] =>
  schemasMet(inventory, schema).flatMap((one) => {
    if (isSystemSchema(one)) return name && !isPattern(name) ? [{ schema: one, names: [name.text] }] : [];
    const names = inventory.tables.get(one);
    if (!names) return [];
    const met = name ? meant(inventory, names, name) : names.all;
    return met.length === 0 ? [] : [{ schema: one, names: met }];
  });

/** Names of columns count in whatever case; what was not read is as it is written. */
export const columnMet = ({ columns }: Inventory, schema: string, table: string, column: string): string | undefined => {
  const names = columns.get(`${schema}\0${table}`);
  if (!names) return isSystemSchema(schema) ? column : undefined;
  return names.find((name) => name === column) ?? names.find((name) => name.toLowerCase() === column.toLowerCase());
};

/** Names of routines count in whatever case on every server (MySQL 8.4 manual, 11.2.3). */
const routinesMet = (inventory: Inventory, { kind, schema, name }: DeclaredGrant): readonly Selection[] =>
  schemasMet(inventory, schema).flatMap((one) =>
    (inventory.routines.get(one) ?? [])
      .filter((routines) => kind === 'routine' || kind === routines.kind)
      .map((routines) => ({
        container: { kind: routines.kind, schema: one },
        names: routines.names.filter((routine) => !name || matches(lower(name), routine.toLowerCase())),
      }))
      .filter(({ names }) => names.length > 0),
  );

const accountMet = ({ scope }: Inventory, name: Part | null): readonly string[] =>
  name && (scope.reality.roles.has(name.text) || scope.declared.roles.has(name.text)) ? [name.text] : [];

const lowered = new WeakMap<Part, Part>();
const lower = (part: Part): Part => {
  let found = lowered.get(part);
  if (!found) {
    found = { ...part, text: part.text.toLowerCase() };
    lowered.set(part, found);
  }
  return found;
};
