import { groupBy } from '../../core/group.ts';
import { nearest } from '../../core/nearest.ts';
import { isEverything, isPattern, matches } from '../../core/selector.ts';
import type { ObjectKind, OwnedObjects, Privileges } from '../../model/access.ts';
import type { DeclaredGrant, DeclaredPublic, Part } from '../../model/declared.ts';
import { byCodeUnit, distinct, pathKey } from '../../model/key.ts';
import type { Match } from '../../model/plan.ts';
import { expandAll } from './catalog.ts';
import { splitRoutine } from './routine.ts';
import { schemasSelected } from './schemas.ts';
import type { Comparison, Scope } from './scope.ts';
import { signatureKey } from './signature.ts';

/** A declared grant ready to be matched: privileges by this server's words, and how many objects it has met. */
export type Rule = {
  readonly grantee: string;
  readonly privileges: Privileges;
  readonly grant: DeclaredGrant | DeclaredPublic;
  readonly effect: 'hold' | 'public-grant' | 'public-revoke';
  matched: number;
};

export type RuleBook = {
  /** The rules for rows of this kind and place, whatever the names. */
  readonly forPlace: (row: OwnedObjects) => readonly Rule[];
  readonly all: readonly Rule[];
};

/** Shared kinds that a selector names within the managed databases. */
const SHARED: ReadonlySet<ObjectKind> = new Set(['database', 'tablespace', 'parameter']);

export const ruleBook = (scope: Scope): RuleBook => {
  const all: Rule[] = [
    ...scope.declared.grants.map((grant) => rule(scope, grant, grant.grantee, 'hold')),
    ...scope.declared.publics.map((grant) => rule(scope, grant, '', grant.action === 'grant' ? 'public-grant' : 'public-revoke')),
  ];
  const index = groupBy(all, (one) =>
    indexKey(one.grant.kind, one.grant.schema && !isPattern(one.grant.schema) ? one.grant.schema.text : null),
  );
  const places = new Map<string, readonly Rule[]>();
  return {
    all,
    forPlace: (row) => {
      const schema = row.kind === 'schema' ? row.names[0]! : row.schema;
      // No name holds a NUL.
      const place = `${row.kind} ${row.origin ?? ''} ${row.database ?? ''}\0${schema ?? ''}`;
      const known = places.get(place);
      if (known) return known;
      const candidates = [
        ...(index.get(indexKey(row.kind, null)) ?? []),
        ...(schema === null ? [] : (index.get(indexKey(row.kind, schema)) ?? [])),
      ];
      const found = candidates.filter((one) => inPlace(one, row));
      places.set(place, found);
      return found;
    },
  };
};

/** Rules by kind and literal schema (null: a pattern, or none), so that ten thousand of them are not tried on every schema. */
const indexKey = (kind: ObjectKind, schema: string | null): string => `${kind} ${schema === null ? '' : `.${schema}`}`;

const rule = (scope: Scope, grant: DeclaredGrant | DeclaredPublic, grantee: string, effect: Rule['effect']): Rule => ({
  grantee,
  privileges: expandAll(grant.privileges, grant.kind, scope.version),
  grant,
  effect,
  matched: 0,
});

const inPlace = (one: Rule, row: OwnedObjects): boolean => {
  const { database, schema } = one.grant;
  if (!SHARED.has(row.kind) && !(database && matches(database, row.database!))) return false;
  if (row.schema === null) return true;
  if (!schema || !matches(schema, row.schema)) return false;
  return !(row.origin === 'system' && isPattern(schema));
};

/** The object's name as the rule selects it; null when every name of the row is meant. Objects of extensions and of the system only by their own name. */
const namePart = (one: Rule, row: OwnedObjects): Part | null => {
  const part =
    row.kind === 'database'
      ? (one.grant.database ?? one.grant.name)
      : row.kind === 'schema'
        ? (one.grant.schema ?? one.grant.name)
        : one.grant.name;
  return part && isEverything(part) && !row.origin ? null : part;
};

/** Objects of a row that the same rules are about. */
export type Cell = {
  readonly names: readonly string[];
  readonly rules: readonly Rule[] /** All names of the row: then ALL … IN SCHEMA may be exact. */;
  readonly whole: boolean;
};

/** Splits a row by the rules that each name is under. */
export const cellsOf = (row: OwnedObjects, rules: readonly Rule[]): Cell[] => {
  if (rules.length === 0) return [{ names: row.names, rules, whole: true }];
  const always = rules.filter((one) => namePart(one, row) === null && row.kind !== 'column');
  const partial = rules.filter((one) => !always.includes(one));
  if (partial.length === 0) return [{ names: row.names, rules: always, whole: true }];
  const cells = new Map<string, { names: string[]; rules: Rule[] }>();
  for (const name of row.names) {
    const met = partial.filter((one) => meets(one, row, name));
    const key = met.map((one) => partial.indexOf(one)).join();
    const cell = cells.get(key);
    if (cell) cell.names.push(name);
    else cells.set(key, { names: [name], rules: [...always, ...met] });
  }
  return [...cells.values()].map((cell) => ({ ...cell, whole: cells.size === 1 }));
};

const meets = (one: Rule, row: OwnedObjects, name: string): boolean => {
  const part = namePart(one, row);
  if (part && row.origin && isPattern(part)) return false;
  if (row.kind === 'column')
    return (!part || matches(part, row.relation!)) && 'columns' in one.grant && (one.grant.columns ?? []).includes(name);
  if (!part) return true;
  return row.kind === 'routine' ? meetsRoutine(part, name) : matches(part, name);
};

/** A routine is named with its argument types, however they are spelled, or without them: then the name alone must be met. */
const meetsRoutine = (part: Part, name: string): boolean => {
  const actual = splitRoutine(name) ?? { name, args: '' };
  if (isPattern(part)) return matches(part, actual.name) || matches(part, name);
  if (part.text === actual.name) return true;
  const wanted = splitRoutine(part.text);
  return wanted !== undefined && wanted.name === actual.name && sameTypes(wanted.args, actual.args);
};

const sameTypes = (a: string, b: string): boolean => a === b || (signatureKey(a) !== undefined && signatureKey(a) === signatureKey(b));

/** What selectors met: reported with the plan, an error where a literal name met nothing, a warning for a pattern. */
export const reportMatches = (scope: Scope, book: RuleBook, compare: Comparison): Match[] => {
  const found = new Map<string, Match>();
  for (const one of book.all) {
    const { grant } = one;
    const key = `${grant.selector} ${grant.kind} ${grant.source.file} ${String(grant.source.line).padStart(9, '0')} ${grant.source.column}`;
    const before = found.get(key);
    const database = grant.database && !isPattern(grant.database) ? grant.database.text : null;
    found.set(key, {
      selector: grant.selector,
      database,
      kind: grant.kind,
      count: Math.max(one.matched, before?.count ?? 0),
      source: grant.source,
    });
    if (one.matched === 0) reportNone(scope, one, compare);
    else if (one.matched > 1 && grant.kind === 'routine') reportAmbiguous(scope, one, compare);
    else if (grant.kind === 'column') reportColumns(scope, one, compare);
  }
  // By what they are first: where they stand in the manifest is a matter of its layout.
  return [...found]
    .map(([key, match]) => ({
      match,
      order: `${match.selector} ${match.kind} ${match.database ?? ''} ${String(match.count).padStart(9, '0')} ${key}`,
    }))
    .sort((a, b) => byCodeUnit(a.order, b.order))
    .map(({ match }) => match);
};

const reportNone = (scope: Scope, one: Rule, compare: Comparison): void => {
  const { grant } = one;
  const unread = grant.database && scope.snapshot.unread.some(({ database }) => matches(grant.database!, database));
  if (unread) return;
  const parts = [grant.database, grant.schema, grant.name].filter((part): part is Part => part !== null);
  const profiled = 'profile' in grant && grant.profile !== undefined;
  // A profile speaks of whole schemas: an empty one is nothing to warn about.
  const schemaMet = !grant.schema || !grant.database || schemasSelected(scope.reality, grant.database, grant.schema).length > 0;
  if (profiled && schemaMet && parts.some(isPattern)) return;
  if (!schemaMet) {
    reportSchema(scope, one, compare);
    return;
  }
  // its privileges are told to be unknown
  if (grant.kind === 'parameter' && scope.version < 150000) return;
  const pattern = parts.some(isPattern);
  compare.report({
    severity: pattern ? 'warning' : 'error',
    code: 'selector/no-match',
    message: `${grant.kind.replaceAll('_', ' ')} selector '${grant.selector}' matches nothing on the server`,
    source: grant.source,
    ...hintFor(scope, one),
  });
};

/** A rule names its columns one by one: that another one is there does not make up for the one that is not. */
const reportColumns = (scope: Scope, one: Rule, compare: Comparison): void => {
  const { name, selector, source } = one.grant;
  const rows = scope.reality.objects.filter((row) => row.kind === 'column' && inPlace(one, row) && name && matches(name, row.relation!));
  const there = new Set(rows.flatMap((row) => row.names));
  for (const column of ('columns' in one.grant && one.grant.columns) || []) {
    if (there.has(column)) continue;
    compare.report({
      severity: 'error',
      code: 'selector/no-column',
      message: `column '${column}' of table selector '${selector}': no table that it matches has it`,
      source,
    });
  }
};

/** Without its argument types a routine must be the only one of its name in the schema. */
const reportAmbiguous = (scope: Scope, one: Rule, compare: Comparison): void => {
  const { name, selector, source } = one.grant;
  if (!name || isPattern(name) || splitRoutine(name.text) !== undefined) return;
  const rows = scope.reality.objects.filter((row) => row.kind === 'routine' && inPlace(one, row));
  const bySchema = groupBy(rows, (row) => pathKey(row.database!, row.schema!));
  for (const [schema, same] of bySchema) {
    const signatures = distinct(same.flatMap((row) => row.names.filter((routine) => meets(one, row, routine))));
    if (signatures.length < 2) continue;
    compare.report({
      severity: 'error',
      code: 'selector/ambiguous',
      message: `routine selector '${selector}' means ${signatures.length} routines of schema ${schema}: ${signatures.join(', ')}`,
      hint: 'write its argument types, or a pattern for all of them',
      source,
    });
  }
};

/** Said the same for every kind that a profile speaks of, and so said once. */
const reportSchema = (scope: Scope, { grant }: Rule, compare: Comparison): void => {
  const { text: schema } = grant.schema!;
  if (isPattern(grant.schema!)) {
    compare.report({
      severity: 'warning',
      code: 'selector/no-match',
      message: `selector '${grant.selector}' matches nothing on the server: no schema that is looked at is called like '${schema}'`,
      source: grant.source,
    });
    return;
  }
  const known = schemasSelected(scope.reality, grant.database!, { text: '*', literal: false }).map((row) => row.names[0]!);
  const near = nearest(schema, known);
  compare.report({
    severity: 'error',
    code: 'selector/no-match',
    message: `selector '${grant.selector}' matches nothing on the server: there is no schema '${schema}' in database '${grant.database!.text}'`,
    ...(near === undefined ? {} : { hint: `did you mean '${near}'?` }),
    source: grant.source,
  });
};

const hintFor = (scope: Scope, one: Rule): { hint?: string } => {
  const wanted = one.grant.name ?? one.grant.schema ?? one.grant.database;
  if (!wanted || isPattern(wanted)) return {};
  if (one.grant.kind === 'parameter' && wanted.text.includes('*')) return { hint: 'no pattern is taken here: name each parameter' };
  const names = scope.reality.objects.filter((row) => row.kind === one.grant.kind && inPlace(one, row)).flatMap((row) => row.names);
  const near = nearest(wanted.text, names);
  return near === undefined ? {} : { hint: `did you mean '${near}'?` };
};
