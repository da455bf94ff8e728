import type { Came, LoginFacts, Refusal } from '../../model/proof.ts';
import { attempt, during, REFUSALS } from '../attempt.ts';
import type { Prover, Trial, Tried } from '../provider.ts';
import { type Connected, connect, timeoutOptions } from './connect.ts';
import { tryProbe } from './probes.ts';
import { withoutPlace } from './trouble.ts';

/** Logins and rights of PostgreSQL, tried. */
export const prove: Prover = {
  attempt: async (trial) =>
    await attempt(
      async () => await logIn(trial),
      async (connected) => await tried(connected, trial),
      { refusalOf: (code) => MORE[code] ?? REFUSALS[code], said: withoutPlace },
    ),
  examine: async (target, user, database, timeouts) =>
    await during(await connect(target, { as: 'plan', ...timeoutOptions(timeouts) }), async ({ client }) => {
      const { rows } = await client.query<LoginFacts>(FACTS, [user, database ?? target.maintenanceDatabase]);
      return rows[0]!;
    }),
};

const logIn = ({ target, database, timeouts }: Trial): Promise<Connected> =>
  connect(target, {
    as: 'apply',
    applicationName: 'rolecall prove',
    ...(database === null ? {} : { database }),
    ...timeoutOptions(timeouts),
  });

const tried = async (connected: Connected, { target, probes }: Trial): Promise<Tried> => {
  const { rows } = await connected.client.query<{ who: string; version: number }>(WHO);
  const { who, version } = rows[0]!;
  if (who !== target.login.user)
    return { letIn: false, refusal: 'other', message: `whoever logs in as '${target.login.user}' is '${who}'` };
  const came: Came[] = [];
  for (const probe of probes) came.push(await tryProbe(connected, probe, version));
  return { letIn: true, probes: came };
};

const WHO = `SELECT session_user::text AS who, pg_catalog.current_setting('server_version_num')::int AS version`;

const MORE: Readonly<Record<string, Refusal>> = {
  'connect/not-iam': 'password-asked',
  'connect/kerberos': 'ticket-asked',
  'connect/no-connect': 'no-connect',
  'connect/closed': 'no-database',
};

/** $1: a user, $2: a database. A role that logs in by IAM is under rds_iam, one by Kerberos under rds_ad, over whatever groups. */
const FACTS = `
SELECT r.oid IS NOT NULL AS exists,
       (SELECT other.rolname::text FROM pg_catalog.pg_roles other
        WHERE lower(other.rolname) = lower($1) AND other.rolname <> $1 ORDER BY 1 LIMIT 1) AS like,
       coalesce(r.rolcanlogin, false) AS login,
       CASE WHEN r.oid IS NULL OR iam.oid IS NULL THEN false ELSE pg_catalog.pg_has_role(r.oid, iam.oid, 'MEMBER') END AS iam,
       CASE WHEN r.oid IS NULL OR ad.oid IS NULL THEN false ELSE pg_catalog.pg_has_role(r.oid, ad.oid, 'MEMBER') END AS ad,
       coalesce(r.rolvaliduntil > now(), true) AS valid,
       CASE WHEN d.oid IS NULL OR r.oid IS NULL THEN NULL
            ELSE d.datallowconn AND pg_catalog.has_database_privilege(r.oid, d.oid, 'CONNECT') END AS connect
FROM (SELECT 1) one
LEFT JOIN pg_catalog.pg_roles r ON r.rolname::text = $1
LEFT JOIN pg_catalog.pg_roles iam ON iam.rolname = 'rds_iam'
LEFT JOIN pg_catalog.pg_roles ad ON ad.rolname = 'rds_ad'
LEFT JOIN pg_catalog.pg_database d ON d.datname::text = $2`;
