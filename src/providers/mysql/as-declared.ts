import { samePrivileges } from '../../core/privileges.ts';
import { isPattern } from '../../core/selector.ts';
import type { Privileges } from '../../model/access.ts';
import type { DeclaredGrant } from '../../model/declared.ts';
import type { Held } from './places.ts';
import { isThere } from './remnants.ts';
import { tablePrivileges } from './rows.ts';
import type { Scope } from './scope.ts';
import { unknownWords } from './words.ts';

/**
 * Whether an account holds just what its grants say, each of them on one table that is there. Most of ten thousand accounts do, and
 * nothing has to be put together or told for them; false means no more than that one has to look.
 */
export const asDeclared = (scope: Scope): ((held: Held, grants: readonly DeclaredGrant[]) => boolean) => {
  const known = new Set<Privileges>();
  const isKnown = (privileges: Privileges): boolean => {
    if (known.has(privileges)) return true;
    if (unknownWords(scope, privileges, 'table').length > 0) return false;
    known.add(privileges);
    return true;
  };
  return ({ rows, onTables }, grants) => {
    if (scope.server.lowerCaseTableNames !== 0 || rows.length > 0 || (onTables?.count ?? 0) !== grants.length) return false;
    if (!onTables) return true;
    const held = tablePrivileges(onTables);
    return grants.every(({ kind, schema, name, privileges }) => {
      if (kind !== 'table' || !schema || !name || isPattern(schema) || isPattern(name)) return false;
      const place = `${schema.text}\0${name.text}`;
      const before = held.get(place);
      if (!before || !samePrivileges(before, privileges)) return false;
      // Another grant on the same table has to be put together with this one.
      held.delete(place);
      return isKnown(privileges) && isThere(scope, schema.text, name.text);
    });
  };
};
