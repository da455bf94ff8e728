import type { Socket } from 'node:net';
import { parseComment } from '../../core/mark.ts';
import type { SessionFacts, UserFacts } from '../../model/checkup.ts';
import type { Target } from '../../model/declared.ts';
import { agreed, type Place, reached } from '../handshake.ts';
import { authoritiesOf } from '../login.ts';
import type { Checker, Timeouts } from '../provider.ts';
import { addressOf } from './address.ts';
import { PER_GRANTOR_MEMBERSHIPS } from './authority.ts';
import { connect, timeoutOptions } from './connect.ts';

/** What the checks of `doctor` need of a PostgreSQL server. */
export const checkup: Checker = {
  reach: async (target, timeouts) => await reached(await placeOf(target), timeouts),
  tls: async (target, timeouts) => await agreed(await placeOf(target), await authoritiesOf(target), upgrade, timeouts),
  session: async (target, roles, timeouts) =>
    await asked(target, timeouts, async (query): Promise<SessionFacts> => {
      const [row] = await query(SESSION, [roles]);
      const { version_num: version, ...facts } = row as Omit<SessionFacts, 'perGrantor'> & { readonly version_num: number };
      return { ...facts, perGrantor: version >= PER_GRANTOR_MEMBERSHIPS };
    }),
  user: async (target, user, database, timeouts) =>
    await asked(target, timeouts, async (query): Promise<UserFacts> => {
      const [row] = await query(USER, [user, database]);
      const { comment, ...facts } = row as Omit<UserFacts, 'locked' | 'database'> & { readonly comment: string | null };
      return { ...facts, locked: parseComment(comment).mark?.locked ?? null, database };
    }),
};

/** Where a target is dialled; of what the environment names, whatever it names. */
const placeOf = async (target: Target): Promise<Place> => {
  const { host, port, via } = target.endpoint.kind === 'explicit' ? target.endpoint : await addressOf(target, { as: 'apply' }, process.env);
  const dialled = via ?? { host, port };
  return {
    host,
    port,
    ...(via ? { via } : {}),
    ...(dialled.host.startsWith('/') ? { path: `${dialled.host}/.s.PGSQL.${dialled.port}` } : {}),
  };
};

/** PostgreSQL manual, "Message Formats": SSLRequest. One byte comes back, and TLS follows an S. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

const upgrade = (socket: Socket): Promise<boolean> =>
  new Promise((resolve) => {
    socket.once('data', (answer) => resolve(answer.toString('latin1', 0, 1) === 'S'));
    socket.write(SSL_REQUEST);
  });

type Query = (text: string, values: readonly unknown[]) => Promise<readonly unknown[]>;

const asked = async <T>(target: Target, timeouts: Timeouts | undefined, work: (query: Query) => Promise<T>): Promise<T> => {
  const connected = await connect(target, {
    as: 'apply',
    database: target.maintenanceDatabase,
    applicationName: 'rolecall doctor',
    ...timeoutOptions(timeouts),
  });
  try {
    return await work(async (text, values) => (await connected.client.query(text, [...values])).rows);
  } finally {
    await connected.close();
  }
};

/** Whether a membership gives the rights of its role: an attribute of the member before 16, an option of each from then on. */
const INHERITED = "coalesce((pg_catalog.to_jsonb(m) ->> 'inherit_option')::boolean, r.rolinherit)";

/** From a role to another over whatever groups, the shortest way; what is not inherited leads nowhere (docs/limits.md). */
const pathSql = (role: string, to: string): string => `(
  WITH RECURSIVE way AS (
    SELECT r.oid, ARRAY[r.rolname::text] AS path FROM pg_catalog.pg_roles r WHERE r.rolname::text = ${role}
    UNION
    SELECT g.oid, w.path || g.rolname::text
      FROM way w
      JOIN pg_catalog.pg_roles r ON r.oid = w.oid
      JOIN pg_catalog.pg_auth_members m ON m.member = r.oid AND ${INHERITED}
      JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
     WHERE g.rolname::text <> ALL (w.path))
  SELECT path FROM way WHERE path[pg_catalog.array_upper(path, 1)] = '${to}' AND pg_catalog.array_length(path, 1) > 1
   ORDER BY pg_catalog.array_length(path, 1), path LIMIT 1)`;

/** $1: names of declared roles. Of others' sessions the kind is seen by who may read statistics alone. */
const SESSION = `
SELECT session_user::text AS "user",
       pg_catalog.current_setting('server_version') AS version,
       pg_catalog.current_setting('server_version_num')::integer AS version_num,
       (SELECT s.version || ', ' || s.cipher FROM pg_catalog.pg_stat_ssl s WHERE s.pid = pg_catalog.pg_backend_pid() AND s.ssl) AS tls,
       pg_catalog.pg_is_in_recovery() OR pg_catalog.current_setting('transaction_read_only') = 'on' AS "readOnly",
       pg_catalog.json_build_object(
         'open', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a
                   WHERE a.usesysid IS NOT NULL AND coalesce(a.backend_type, 'client backend') = 'client backend'
                     AND a.pid <> pg_catalog.pg_backend_pid()),
         'room', pg_catalog.current_setting('max_connections')::integer
                 - pg_catalog.current_setting('superuser_reserved_connections')::integer
                 - coalesce(nullif(pg_catalog.current_setting('reserved_connections', true), '')::integer, 0)
                 - coalesce(nullif(pg_catalog.current_setting('rds.rds_superuser_reserved_connections', true), '')::integer, 0)
       ) AS connections,
       me.rolsuper AS superuser,
       me.rolcreaterole AS createrole,
       ${pathSql('session_user::text', 'rds_iam')} AS "iamPath",
       EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'rds_iam') AS "hasIamRole",
       ARRAY(SELECT r.rolname::text FROM pg_catalog.pg_roles r
              WHERE r.rolname::text = ANY ($1::text[]) AND r.oid <> me.oid
                AND NOT pg_catalog.pg_has_role(r.oid, 'USAGE WITH ADMIN OPTION')
                AND pg_catalog.current_setting('server_version_num')::integer >= ${PER_GRANTOR_MEMBERSHIPS}
              ORDER BY r.rolname::text COLLATE "C") AS "notAdministered"
  FROM pg_catalog.pg_roles me WHERE me.rolname = session_user`;

/** $1: a user, $2: a database. */
const USER = `
SELECT r.oid IS NOT NULL AS "exists",
       (SELECT o.rolname::text FROM pg_catalog.pg_roles o WHERE pg_catalog.lower(o.rolname::text) = pg_catalog.lower($1) AND o.rolname::text <> $1
         ORDER BY o.rolname::text COLLATE "C" LIMIT 1) AS "like",
       coalesce(r.rolcanlogin, false) AS login,
       pg_catalog.shobj_description(r.oid, 'pg_authid') AS comment,
       ${pathSql('$1', 'rds_iam')} AS "iamPath",
       EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'rds_iam') AS "hasIamRole",
       ${pathSql('$1', 'rds_ad')} IS NOT NULL AS "adPath",
       coalesce(r.rolvaliduntil <= pg_catalog.now(), false) AS "passwordOver",
       coalesce(r.rolconnlimit, -1) AS "connectionLimit",
       (SELECT pg_catalog.count(*)::integer FROM pg_catalog.pg_stat_activity a WHERE a.usesysid = r.oid) AS sessions,
       CASE WHEN d.oid IS NULL OR r.oid IS NULL THEN NULL
            ELSE d.datallowconn AND pg_catalog.has_database_privilege(r.oid, d.oid, 'CONNECT') END AS connect
  FROM (SELECT) one
  LEFT JOIN pg_catalog.pg_roles r ON r.rolname::text = $1
  LEFT JOIN pg_catalog.pg_database d ON d.datname::text = $2`;
