import { groupBy } from '../../core/group.ts';
import type { Change } from '../../model/change.ts';
import type { Finding } from '../../model/finding.ts';
import { distinct, nameKey } from '../../model/key.ts';

/**
 * Grants on routines that the server does not keep: of mysql.procs_priv it writes user, schema and routine as if they were latin1, so
 * that names beyond ASCII stand there as others. They are in force until the next FLUSH PRIVILEGES or restart, and can then not be
 * revoked either (seen on MySQL 8.0 and 9.7, MariaDB 10.11 and 11.8).
 */
export const unkeptRoutines = (changes: readonly Change[]): Finding[] => {
  const found = changes.flatMap((change) => {
    if (change.kind !== 'grant' || change.after === null || change.blocked !== undefined) return [];
    const { grantee, on } = change.after;
    if ((on.kind !== 'function' && on.kind !== 'procedure') || typeof grantee !== 'string') return [];
    const names = [grantee, on.schema ?? '', ...on.names].filter((name) => !ASCII.test(name));
    return names.map((name) => ({ name, grantee, source: change.source }));
  });
  return [...groupBy(found, ({ source, grantee }) => JSON.stringify([grantee, source])).values()].map(
    ([first, ...more]): Finding => ({
      severity: 'error',
      code: 'grant/not-kept',
      message: `'${first!.grantee}' would get privileges on a routine, and ${distinct([first!, ...more].map(({ name }) => nameKey(name))).join(', ')} ${more.length > 0 ? 'are' : 'is'} not ASCII: the server writes such names down wrong, and forgets the grant when it restarts`,
      hint: 'grant execute on the schema instead, or take names in ASCII',
      ...(first!.source ? { source: first!.source } : {}),
    }),
  );
};

const ASCII = /^[\0-\x7f]*$/;
