import type { Connected } from './connect.ts';

/** Other sessions whose open transactions have written something; who may not look into other sessions sees none. */
const WRITERS = `
SELECT a.pid, a.usename, a.application_name, pg_catalog.to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
  FROM pg_catalog.pg_stat_activity a
 WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.backend_xid IS NOT NULL AND a.backend_type = 'client backend'
 ORDER BY a.xact_start, a.pid LIMIT 3`;

/** What to do about a lock that was not had in time: as near as can be said, whose it is. */
export const lockHint = async ({ client }: Connected): Promise<string> => {
  const { rows } = await client.query({ text: WRITERS, rowMode: 'array' }).catch(() => ({ rows: [] }));
  if (rows.length === 0) return 'another session holds a lock on it: pg_stat_activity shows the transactions that are open';
  const named = (rows as (string | number | null)[][]).map(
    ([pid, user, application, since]) => `'${application || 'a session'}' as '${user}', pid ${pid}, since ${since}`,
  );
  return `wait for the open ${named.length === 1 ? 'transaction' : 'transactions'} of ${named.join('; ')}, or end ${named.length === 1 ? 'it' : 'them'}`;
};
