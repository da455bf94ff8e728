import { nearest } from '../../core/nearest.ts';
import { isPattern } from '../../core/selector.ts';
import { parseAccount } from '../../model/account.ts';
import type { DeclaredGrant } from '../../model/declared.ts';
import { columnMet, type Inventory, type Selection, schemasMet, tablesMet } from './inventory.ts';
import type { Comparison } from './scope.ts';
import { accountSql } from './sql.ts';

/** What is wrong with a selector, by what it met. */
export const reportPlaces = (inventory: Inventory, compare: Comparison, grant: DeclaredGrant, places: readonly Selection[]): void => {
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
export const isUnseen = (inventory: Inventory, { kind, schema, name }: DeclaredGrant, places: readonly Selection[]): boolean =>
  inventory.scope.snapshot.unseen.includes('routine') &&
  (kind === 'routine' || kind === 'function' || kind === 'procedure') &&
  (places.length === 0 || [schema, name].some((part) => part !== null && isPattern(part))) &&
  schemasMet(inventory, schema).length > 0;

/** What is not seen is not known to be nothing. */
const reportUnseen = ({ scope }: Inventory, compare: Comparison, grant: DeclaredGrant): void => {
  const { currentUser } = scope.server;
  const pattern = [grant.schema, grant.name].some((part) => part !== null && isPattern(part));
  const what = pattern
    ? `may match more routines than '${currentUser}' is shown`
    : `matches no routine that '${currentUser}' is shown, and it is not shown all`;
  compare.report({
    severity: pattern ? 'warning' : 'error',
    code: 'selector/unseen',
    message: `${grant.kind} selector '${grant.selector}' ${what}`,
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
