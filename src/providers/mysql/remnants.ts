import { difference, wordOf } from '../../core/privileges.ts';
import { nameKey, pathKey } from '../../model/key.ts';
import { isSystemSchema } from './catalog.ts';
import type { Differing } from './grants.ts';
import type { Place, Rows } from './places.ts';
import type { Comparison, Scope } from './scope.ts';

/** Grants outlive what they are on: when it is made again, they are in force again. */
export const reportMissing = (scope: Scope, compare: Comparison, account: string, rows: Rows): void => {
  const gone = [...rows.values()].flatMap(({ place }) => (isThere(scope, place) ? [] : [nameOf(place)]));
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

const nameOf = ({ kind, schema, relation, name }: Place): string =>
  `${kind} ${pathKey(...[schema, relation, name].filter((part) => part !== null && part !== undefined))}`;

const isThere = (scope: Scope, { kind, schema, relation, name }: Place): boolean => {
  const there = thereOf(scope);
  const fold = scope.server.lowerCaseTableNames === 0 ? (text: string) => text : (text: string) => text.toLowerCase();
  switch (kind) {
    case 'schema':
      return isSystemSchema(name) || there.has(fold(name));
    case 'table':
    case 'column':
      return isSystemSchema(schema!) || there.has(`${fold(schema!)}\0${fold(relation ?? name)}`);
    case 'global':
    case 'pattern':
    case 'function':
    case 'procedure':
    case 'proxy':
      return true;
  }
};

const known = new WeakMap<Scope, ReadonlySet<string>>();

/** Schemas, and tables as `schema NUL table`. */
const thereOf = (scope: Scope): ReadonlySet<string> => {
  let there = known.get(scope);
  if (!there) {
    const fold = scope.server.lowerCaseTableNames === 0 ? (text: string) => text : (text: string) => text.toLowerCase();
    const { schemas, tables } = scope.snapshot;
    const names = new Set(schemas.map(fold));
    for (const { schema, names: inSchema } of tables) {
      const prefix = fold(schema);
      for (const name of inSchema) names.add(`${prefix}\0${fold(name)}`);
    }
    there = names;
    known.set(scope, there);
  }
  return there;
};

/** What was taken back from a global privilege on one schema (partial_revokes): it stays, unless a grant on that schema lifts it. */
export const reportRestrictions = (scope: Scope, compare: Comparison, account: string, differing: readonly Differing[]): void => {
  for (const { schema, privileges } of restrictionsOf(scope).get(account) ?? []) {
    const row = differing.find(({ place }) => place.kind === 'schema' && place.name === schema);
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
