import type { Postgres } from '../lab/postgres.ts';
import { stateOf, type Verdicts, verdictsOf } from './observe.ts';
import { applyOn, type ScenarioOptions } from './scenario.ts';

/** Two databases and what is in them; somebody who left owns a table, and the creator's default privileges name a group. */
export const DATABASES = ['a', 'b'] as const;
export const OPTIONS: ScenarioOptions = { target: 'databases: [a, b]\ndefaults_for: { a: [maker], b: [maker] }' };

/** Makes what both manifests are about. */
export const furnish = async (server: Postgres): Promise<void> => {
  process.env.ROLECALL_CRASH = 'crash-password';
  await server.query(server.master, 'postgres', 'CREATE ROLE maker; CREATE ROLE nobody; CREATE ROLE stray LOGIN');
  for (const database of DATABASES) {
    await server.query(server.master, 'postgres', `CREATE DATABASE ${database}`);
    await server.query(
      server.superuser,
      database,
      `CREATE SCHEMA s AUTHORIZATION maker; CREATE TABLE s.one (a int, b int); CREATE TABLE s.two (a int); CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
       ALTER TABLE s.one OWNER TO maker; ALTER TABLE s.two OWNER TO maker; ALTER ROUTINE s.f() OWNER TO maker`,
    );
  }
};

const HEAD = 'existing: [maker, stray]\n';

/** What was: two groups, a user in each, and one who will leave. */
export const OLD = `${HEAD}
groups:
  readers: { read: [a.s, b.s] }
  writers: { write: [a.s, b.s] }
  owners: { own: [b.s] }
  narrow: { grants: [{ privileges: [select], tables: s.one, database: a }] }
users:
  jane: { auth: password, password: "\${env:ROLECALL_CRASH}", groups: [readers] }
  john: { auth: password, password: "\${env:ROLECALL_CRASH}", groups: [writers, narrow], settings: { statement_timeout: 30s } }
  kim: { auth: iam, groups: [readers] }
  leaver: { auth: password, password: "\${env:ROLECALL_CRASH}", groups: [writers] }
public: [{ databases: a, grant: [temporary] }]
`;

/** What shall be: everybody moves, grants and columns change, one user goes and one comes, a schema changes hands. */
export const NEW = `${HEAD}
groups:
  readers: { read: [a.s, b.s], grants: [{ privileges: [execute], routines: s.f, database: b }] }
  writers: { read: [a.s], write: [b.s] }
  owners: { groups: [readers] }
  narrow: { own: [b.s], grants: [{ privileges: [select], tables: s.one, columns: [a], database: a }] }
users:
  jane: { auth: password, password: "\${env:ROLECALL_CRASH}", groups: [writers] }
  john: { auth: iam, groups: [readers, narrow], connection_limit: 3 }
  kim: { auth: password, password: "\${env:ROLECALL_CRASH}", groups: [writers] }
  newcomer: { auth: password, password: "\${env:ROLECALL_CRASH}", groups: [{ name: readers, until: 2027-01-01 }] }
removed: { leaver: { drop: true, reassign_to: maker } }
public: [{ databases: a, revoke: [temporary] }]
`;

/** And back again: who came goes. */
export const BACK = `${OLD}removed: { newcomer: { drop: true, reassign_to: maker } }\n`;

/** The leaver owns something. */
export const settleIn = async (server: Postgres): Promise<void> => {
  await server.query(
    server.superuser,
    'a',
    'CREATE TABLE IF NOT EXISTS s.belongings (a int); ALTER TABLE s.belongings OWNER TO leaver; GRANT SELECT ON s.belongings TO stray',
  );
};

/** One side of the way there and back. */
export type Side = { readonly body: string; readonly state: readonly string[]; readonly verdicts: Verdicts };

/** Applies without any trouble and remembers what that makes. */
export const reference = async (server: Postgres, body: string): Promise<Side> => {
  const { exitCode, result } = await applyOn(server, body, OPTIONS);
  if (exitCode !== 0) throw new Error(JSON.stringify(result));
  if (body !== NEW) await settleIn(server);
  return { body, state: await stateOf(server, DATABASES), verdicts: await verdictsOf(server, DATABASES) };
};

/** Waits until no session of ours is left on the server: one whose client vanished may stay for the minute of its keepalives. */
export const untilQuiet = async (server: Postgres): Promise<void> => {
  const sessions = () =>
    server.query(
      server.superuser,
      'postgres',
      `SELECT pid, datname, application_name, state, wait_event_type, wait_event, query, (now() - backend_start)::text AS age
       FROM pg_stat_activity WHERE application_name LIKE 'rolecall%'`,
    );
  for (const deadline = Date.now() + 90_000; Date.now() < deadline; ) {
    if ((await sessions()).length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`sessions of the program stay open: ${JSON.stringify(await sessions())}`);
};

/** Memberships of the master that a borrowing left behind: all but the one that the creator of a role has anyway. */
export const borrowed = async (server: Postgres): Promise<readonly unknown[]> =>
  await server.query(
    server.superuser,
    'postgres',
    `SELECT m.roleid::regrole::text AS role FROM pg_auth_members m WHERE member = 'master'::regrole AND roleid::regrole::text !~ '^rds' AND ((to_jsonb(m) ->> 'inherit_option') IS NULL OR grantor <> 10)`,
  );
