import { groupBy } from '../../core/group.ts';
import type { Finding } from '../../model/finding.ts';
import { nameKey } from '../../model/key.ts';
import { askerOf, type SchemaRow, tiedRows } from './access-asker.ts';
import type { AccessState } from './access-state.ts';

/** Rows of declared users that match a schema with equal rank, and give different things there: what counts can change at a restart. */
export const tieFindings = (state: AccessState, declared: ReadonlySet<string>): readonly Finding[] => {
  const found = [...state.logins].flatMap((user) => {
    if (!declared.has(user) || (state.holdings.get(user)?.schemas.size ?? 0) < 2) return [];
    const asker = askerOf(state, user);
    return state.schemas.flatMap((schema) => {
      const rows = tiedRows(asker, schema);
      return rows.length > 0 ? [{ user, schema, rows: rows.map(rowText) }] : [];
    });
  });
  return [...groupBy(found, ({ user, rows }) => JSON.stringify([user, rows])).values()].flatMap(([first, ...more]): Finding[] =>
    first
      ? [
          {
            severity: 'warning',
            code: 'access/tied',
            message: `${first.rows.join(' and ')} match schema ${nameKey(first.schema)}${more.length > 0 ? ` and ${more.length} more` : ''} with equal rank: only one of them counts for '${first.user}', and which can change when the server restarts`,
            hint: 'grant on the schemas themselves, and take the patterns away',
          },
        ]
      : [],
  );
};

const rowText = ({ source, stored }: SchemaRow): string => `the grant on pattern \`${stored}\` to '${source.holdings.name}'`;
