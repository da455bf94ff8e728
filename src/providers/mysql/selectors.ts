import { groupBy } from '../../core/group.ts';
import { nearest } from '../../core/nearest.ts';
import { isEverything, isPattern, matches } from '../../core/selector.ts';
import { parseAccount } from '../../model/account.ts';
import type { DeclaredGrant, Part } from '../../model/declared.ts';
import type { Position } from '../../model/finding.ts';
import { byCodeUnit, distinct } from '../../model/key.ts';
import type { Match } from '../../model/plan.ts';
import { isSystemSchema } from './catalog.ts';
import { type Container, foldOf } from './places.ts';
import type { Comparison, Scope } from './scope.ts';
import type { Snapshot } from './snapshot.ts';
import { accountSql } from './sql.ts';

/** Objects of one container that a selector means. */
export type Selection = { readonly container: Container; readonly names: readonly string[] };

/** What selectors of the manifest mean on the server. */
export type Selectors = {
  readonly selected: (grant: DeclaredGrant) => readonly Selection[];
  /** Reports the ones that met nothing, or more than they may. */
  readonly report: (compare: Comparison) => void;
  /** What each of them met, for the plan. */
  readonly matches: () => Match[];
};

export const selectors = (scope: Scope): Selectors => {
  const inventory = inventoryOf(scope);
  const known = new Map<string, readonly Selection[]>();
  const odd: DeclaredGrant[] = [];
  const selected = (grant: DeclaredGrant): readonly Selection[] => {
    if (isOneTable(grant)) return select(inventory, grant);
    // Most of ten thousand grants say the same.
    const key = selectorKey(grant);
    const found = known.get(key) ?? select(inventory, grant);
    known.set(key, found);
    return found;
  };
  return {
    selected: (grant) => {
      const found = selected(grant);
      if (found.length !== 1 || grant.kind === 'column' || isUnseen(inventory, grant, found)) odd.push(grant);
      return found;
    },
    report: (compare) => {
      for (const grant of odd) reportPlaces(inventory, compare, grant, selected(grant));
    },
    matches: () =>
      eachOnce(scope.declared.grants)
        .sort(byMeaning)
        .map(({ grant }) => matchOf(grant, selected(grant))),
  };
};

const isOneTable = ({ kind, schema, name }: DeclaredGrant): boolean =>
  kind === 'table' && schema !== null && name !== null && !isPattern(schema) && !isPattern(name);

type Met = { readonly grant: DeclaredGrant; readonly key: string };

/** What a user is granted stands at one place for all of its accounts. */
const eachOnce = (grants: readonly DeclaredGrant[]): Met[] => {
  const met = new Map<Position, Met[]>();
  for (const grant of grants) {
    const key = selectorKey(grant);
    const here = met.get(grant.source);
    if (!here) met.set(grant.source, [{ grant, key }]);
    else if (!here.some((one) => one.key === key && one.grant.selector === grant.selector)) here.push({ grant, key });
  }
  return [...met.values()].flat();
};

const selectorKey = ({ kind, schema, name, columns }: DeclaredGrant): string =>
  `${kind} ${partKey(schema)} ${partKey(name)} ${columns === undefined ? '' : JSON.stringify(columns)}`;
const partKey = (part: Part | null): string => (part === null ? '' : `${part.literal ? '=' : '~'}${part.text}\0`);

/** By what they are first: where they stand in the manifest is a matter of its layout. */
const byMeaning = (a: Met, b: Met): number =>
  byCodeUnit(a.grant.selector, b.grant.selector) ||
  byCodeUnit(a.grant.kind, b.grant.kind) ||
  byCodeUnit(a.key, b.key) ||
  byCodeUnit(a.grant.source.file, b.grant.source.file) ||
  a.grant.source.line - b.grant.source.line ||
  a.grant.source.column - b.grant.source.column;

const matchOf = ({ selector, kind, source }: DeclaredGrant, places: readonly Selection[]): Match => ({
  selector,
  database: null,
  kind,
  count: countOf(places),
  source,
});

const countOf = (places: readonly Selection[]): number => places.reduce((sum, { names }) => sum + names.length, 0);

/** What is there to be selected. `fold`: how names of schemas and tables count (lower_case_table_names). */
type Inventory = {
  readonly scope: Scope;
  readonly fold: (name: string) => string;
  readonly schemas: Names;
  readonly tables: ReadonlyMap<string, Names>;
  readonly columns: ReadonlyMap<string, readonly string[]>;
  readonly routines: ReadonlyMap<string, readonly Routines[]>;
};
type Routines = { readonly kind: 'function' | 'procedure'; readonly names: readonly string[] };

const inventoryOf = (scope: Scope): Inventory => {
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

const select = (inventory: Inventory, grant: DeclaredGrant): readonly Selection[] => {
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
const schemasMet = (inventory: Inventory, part: Part | null): readonly string[] => {
  if (!part) return [];
  const found = meant(inventory, inventory.schemas, part);
  if (isPattern(part)) return found;
  return found.length > 0 ? found.slice(0, 1) : isSystemSchema(part.text) ? [part.text] : [];
};

const tablesMet = (
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
const columnMet = ({ columns }: Inventory, schema: string, table: string, column: string): string | undefined => {
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

const reportPlaces = (inventory: Inventory, compare: Comparison, grant: DeclaredGrant, places: readonly Selection[]): void => {
  if (grant.kind === 'column') reportColumns(inventory, compare, grant);
  else if (isUnseen(inventory, grant, places)) reportUnseen(inventory, compare, grant);
  else if (places.length === 0) reportNone(inventory, compare, grant);
  else if (
    places.length > 1 &&
    grant.kind === 'routine' &&
    grant.name &&
    !isPattern(grant.name) &&
    grant.schema &&
    !isPattern(grant.schema)
  )
    compare.report({
      severity: 'error',
      code: 'selector/ambiguous',
      message: `routine selector '${grant.selector}' means both a function and a procedure`,
      hint: 'write it under functions or under procedures',
      source: grant.source,
    });
};

/** Whether there may be routines that the selector means and the login does not see. */
const isUnseen = (inventory: Inventory, { kind, schema, name }: DeclaredGrant, places: readonly Selection[]): boolean =>
  inventory.scope.snapshot.unseen.includes('routine') &&
  (kind === 'routine' || kind === 'function' || kind === 'procedure') &&
  (places.length === 0 || [schema, name].some((part) => part !== null && isPattern(part))) &&
  schemasMet(inventory, schema).length > 0;

/** What is not seen is not known to be nothing. */
const reportUnseen = ({ scope }: Inventory, compare: Comparison, grant: DeclaredGrant): void => {
  const { currentUser } = scope.server;
  const pattern = [grant.schema, grant.name].some((part) => part !== null && isPattern(part));
  const what = pattern ? `may match routines that '${currentUser}' does not see` : `matches no routine that '${currentUser}' sees`;
  compare.report({
    severity: pattern ? 'warning' : 'error',
    code: 'selector/unseen',
    message: `${grant.kind} selector '${grant.selector}' ${what}: it is not shown all of them`,
    hint: `as a user that may: GRANT SHOW_ROUTINE ON *.* TO ${accountSql(parseAccount(currentUser))}; or let the login that applies plan`,
    source: grant.source,
  });
};

/** A rule names its columns one by one: that another one is there does not make up for the one that is not. */
const reportColumns = (inventory: Inventory, compare: Comparison, grant: DeclaredGrant): void => {
  const tables = tablesMet(inventory, grant);
  if (tables.length === 0) {
    reportNone(inventory, compare, { ...grant, kind: 'table' });
    return;
  }
  for (const column of grant.columns ?? []) {
    if (tables.some(({ schema, names }) => names.some((table) => columnMet(inventory, schema, table, column) !== undefined))) continue;
    compare.report({
      severity: 'error',
      code: 'selector/no-column',
      message: `column '${column}' of table selector '${grant.selector}': no table that it matches has it`,
      source: grant.source,
    });
  }
};

/** A literal name that means nothing is a mistake; a pattern may well meet nothing yet. */
const reportNone = (inventory: Inventory, compare: Comparison, grant: DeclaredGrant): void => {
  const { kind, schema, name, selector, source, profile } = grant;
  const place = kind === 'schema' ? (schema ?? name) : schema;
  const met = place === null ? [] : schemasMet(inventory, place);
  const parts = [schema, name].filter((part) => part !== null);
  if (place !== null && !isPattern(place) && met.length === 0) {
    const near = nearest(place.text, inventory.schemas.all);
    compare.report({
      severity: 'error',
      code: 'selector/no-match',
      message: `selector '${selector}' matches nothing on the server: there is no schema '${place.text}'`,
      ...(near === undefined ? {} : { hint: `did you mean '${near}'?` }),
      source,
    });
    return;
  }
  const pattern = parts.some(isPattern);
  // A profile speaks of whole schemas: one without such objects is nothing to warn about.
  if (profile !== undefined && pattern && met.length > 0) return;
  const near = name === null || isPattern(name) ? undefined : nearest(name.text, candidates(inventory, grant, met));
  compare.report({
    severity: pattern ? 'warning' : 'error',
    code: 'selector/no-match',
    message: `${kind === 'proxy' ? 'account' : kind} selector '${selector}' matches nothing on the server`,
    ...(near === undefined ? {} : { hint: `did you mean '${near}'?` }),
    source,
  });
};

const candidates = ({ tables, routines, scope }: Inventory, { kind }: DeclaredGrant, schemas: readonly string[]): readonly string[] => {
  if (kind === 'proxy') {
    const { accounts, others } = scope.snapshot;
    const names = [...accounts.map(({ name }) => name), ...(others?.users ?? []), ...(others?.groups ?? [])];
    return names.filter((name) => parseAccount(name).user !== '');
  }
  if (kind === 'table') return schemas.flatMap((schema) => tables.get(schema)?.all ?? []);
  return schemas.flatMap((schema) => (routines.get(schema) ?? []).flatMap(({ names }) => names));
};
