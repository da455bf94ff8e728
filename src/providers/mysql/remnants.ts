import { groupBy } from '../../core/group.ts';
import { difference, wordOf } from '../../core/privileges.ts';
import type { Privileges } from '../../model/access.ts';
import { nameKey, pathKey } from '../../model/key.ts';
import { isSystemSchema } from './catalog.ts';
import type { Differing } from './grants.ts';
import { foldOf, type Shelf, type Shelves } from './places.ts';
import type { Comparison, Scope } from './scope.ts';

/** Grants outlive what they are on: when it is made again, they are in force again. */
export const reportMissing = (scope: Scope, compare: Comparison, account: string, shelves: Shelves<Privileges>): void => {
  const gone = [...shelves.values()].flatMap((shelf) => missingOn(scope, shelf));
  if (gone.length === 0) return;
  const exact = scope.exact.has(account);
  const source = scope.declared.roles.get(account)?.source;
  compare.report({
    severity: exact ? 'note' : 'warning',
    code: 'grant/missing-object',
    message: `'${account}' holds privileges on ${gone.length === 1 ? 'something that is' : `${gone.length} things that are`} not there: ${gone.slice(0, 5).join(', ')}${gone.length > 5 ? ', …' : ''}; they would be in force again as soon as it is made`,
    ...(exact ? {} : { hint: 'revoke them, or let the account be managed exactly' }),
    ...(source ? { source } : {}),
  });
};

const missingOn = (scope: Scope, { container, values }: Shelf<Privileges>): readonly string[] => {
  const { kind, schema, relation } = container;
  const there = thereOf(scope);
  if (kind === 'schema')
    return [...values.keys()].filter((name) => !isSystemSchema(name) && !there.has(name)).map((name) => `schema ${nameKey(name)}`);
  if ((kind !== 'table' && kind !== 'column') || isSystemSchema(schema!)) return [];
  const tables = there.get(foldOf(scope)(schema!));
  if (kind === 'column')
    return tables?.has(foldOf(scope)(relation!)) ? [] : [...values.keys()].map((name) => `column ${pathKey(schema!, relation!, name)}`);
  const gone: string[] = [];
  for (const name of values.keys()) if (!tables?.has(name)) gone.push(`table ${pathKey(schema!, name)}`);
  return gone;
};

/** Whether a table is there, by names as they count. */
export const isThere = (scope: Scope, schema: string, table: string): boolean => thereOf(scope).get(schema)?.has(table) === true;

type Tables = ReadonlyMap<string, ReadonlySet<string>>;
const known = new WeakMap<Scope, Tables>();

/** The tables of each schema. */
const thereOf = (scope: Scope): Tables => {
  let there = known.get(scope);
  if (!there) {
    const fold = foldOf(scope);
    const { schemas, tables } = scope.snapshot;
    there = new Map<string, ReadonlySet<string>>([
      ...schemas.map((schema) => [fold(schema), new Set<string>()] as const),
      ...tables.map(({ schema, names }) => [fold(schema), new Set(names.map(fold))] as const),
    ]);
    known.set(scope, there);
  }
  return there;
};

/** What was taken back from a global privilege on one schema (partial_revokes): it stays, unless a grant on that schema lifts it. */
export const reportRestrictions = (scope: Scope, compare: Comparison, account: string, differing: readonly Differing[]): void => {
  for (const { schema, privileges } of restrictionsOf(scope).get(account) ?? []) {
    const row = differing.find(({ container, names }) => container.kind === 'schema' && names.includes(schema));
    const lifted = row
      ? difference(row.after, row.before)
          .map(wordOf)
          .filter((word) => privileges.includes(word))
      : [];
    const source = row?.grant?.source ?? scope.declared.roles.get(account)?.source;
    compare.report({
      severity: lifted.length > 0 ? 'warning' : 'note',
      code: 'grant/restriction',
      message:
        lifted.length > 0
          ? `'${account}' is kept from ${privileges.join(', ')} on schema ${nameKey(schema)} by a partial revoke, which the grant of ${lifted.join(', ')} lifts`
          : `'${account}' is kept from ${privileges.join(', ')} on schema ${nameKey(schema)} by a partial revoke, which is left as it is`,
      ...(source ? { source } : {}),
    });
  }
};

/** Packages and libraries have grants of their own, which no manifest speaks of: they stay, also where everything else is exact. */
export const reportOtherGrants = (scope: Scope, compare: Comparison): void => {
  const held = (scope.snapshot.otherGrants ?? []).map((grant) => ({ ...grant, account: scope.rename(grant.account) }));
  for (const [account, grants] of groupBy(held, ({ account }) => account)) {
    const declared = scope.declared.roles.get(account);
    if (!declared) continue;
    const places = grants.map(({ kind, schema, name, privileges }) => `${heldWords(privileges)} on ${kind} ${pathKey(schema, name)}`);
    compare.report({
      severity: 'warning',
      code: 'grant/other-kind',
      message: `'${account}' holds what no manifest can name, and it is left as it is: ${places.slice(0, 3).join('; ')}${places.length > 3 ? `; and ${places.length - 3} more` : ''}`,
      hint: 'revoke by hand what it shall not have',
      source: declared.source,
    });
  }
};

const heldWords = (privileges: Privileges): string =>
  `${privileges.map(wordOf).join(', ')}${privileges.some((one) => one.endsWith('*')) ? ' with grant option' : ''}`;

type Restrictions = Scope['snapshot']['restrictions'];
const restrictions = new WeakMap<Scope, ReadonlyMap<string, Restrictions>>();

const restrictionsOf = (scope: Scope): ReadonlyMap<string, Restrictions> => {
  let found = restrictions.get(scope);
  if (!found) {
    const byAccount = new Map<string, Restrictions[number][]>();
    for (const row of scope.snapshot.restrictions) {
      const account = scope.rename(row.account);
      byAccount.set(account, [...(byAccount.get(account) ?? []), row]);
    }
    found = byAccount;
    restrictions.set(scope, found);
  }
  return found;
};
