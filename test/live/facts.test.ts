import type { Client } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { eachMajor } from '../lab/majors.ts';
import { IAM_ONLY, type Postgres } from '../lab/postgres.ts';

/* Facts about PostgreSQL by itself, without a line of ours: docs/facts.md names them. */

/** Runs SQL on one connection and returns the codes of the warnings that came with its success. */
const warningsOf = async (client: Client, sql: string): Promise<string[]> => {
  const codes: string[] = [];
  const listen = ({ severity, code }: { readonly severity?: string | undefined; readonly code?: string | undefined }) => {
    if (severity === 'WARNING') codes.push(code ?? '');
  };
  client.on('notice', listen);
  await client.query(sql).finally(() => client.off('notice', listen));
  return codes;
};

const asMaster = async <T>(server: Postgres, body: (client: Client) => Promise<T>): Promise<T> => {
  const client = await server.connect(server.master, 'facts');
  try {
    return await body(client);
  } finally {
    await client.end();
  }
};

const value = async (client: Client, sql: string): Promise<unknown> => Object.values((await client.query(sql)).rows[0] as object)[0];
const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown }).code;

eachMajor(
  (server, major) => {
    const since16 = major >= 16;
    // from 15 on nobody but the database's owner makes objects in its schema public
    beforeAll(async () => {
      await server().query(server().master, 'postgres', 'CREATE DATABASE facts');
    });

    describe('grants', () => {
      test('a GRANT that changes nothing writes a new version of the row', async () => {
        await asMaster(server(), async (client) => {
          await client.query('CREATE TABLE same (a int); CREATE ROLE same_r; GRANT SELECT ON same TO same_r');
          const version = "SELECT ctid::text || ' ' || xmin FROM pg_class WHERE oid = 'same'::regclass";
          const before = await value(client, version);
          await client.query('GRANT SELECT ON same TO same_r');
          expect(await value(client, version)).not.toBe(before);
        });
      });

      test('a GRANT without the right to grant is a success with the warning 01007', async () => {
        await server().query(server().superuser, 'facts', 'CREATE TABLE hers (a int); GRANT SELECT ON hers TO PUBLIC');
        await asMaster(server(), async (client) => {
          await client.query('CREATE ROLE hers_r');
          expect(await warningsOf(client, 'GRANT SELECT ON hers TO hers_r')).toEqual(['01007']);
          expect(await value(client, "SELECT relacl::text LIKE '%hers_r%' FROM pg_class WHERE oid = 'hers'::regclass")).toBe(false);
        });
      });

      test('a REVOKE on a table takes the same privilege from its columns', async () => {
        await asMaster(server(), async (client) => {
          await client.query(
            'CREATE TABLE cols (a int); CREATE ROLE cols_r; GRANT SELECT ON cols TO cols_r; GRANT SELECT (a) ON cols TO cols_r',
          );
          await client.query('REVOKE SELECT ON cols FROM cols_r');
          expect(await value(client, "SELECT has_column_privilege('cols_r', 'cols', 'a', 'SELECT')")).toBe(false);
        });
      });

      test('from 18 on every table that a GRANT names is locked until the transaction ends', async () => {
        await asMaster(server(), async (client) => {
          await client.query('CREATE TABLE l1 (a int); CREATE TABLE l2 (a int); CREATE ROLE locks_r');
          await client.query('BEGIN; GRANT SELECT ON l1, l2 TO locks_r');
          const held =
            "SELECT count(DISTINCT objid)::int FROM (SELECT coalesce(objid, relation) AS objid FROM pg_locks WHERE pid = pg_backend_pid()) l WHERE objid IN ('l1'::regclass, 'l2'::regclass)";
          expect(await value(client, held)).toBe(major >= 18 ? 2 : 0);
          await client.query('ROLLBACK');
        });
      });

      test('of two sessions that grant on one table at once the second fails', async () => {
        const [first, second] = await Promise.all([server().connect(server().master, 'facts'), server().connect(server().master, 'facts')]);
        try {
          await first.query('CREATE TABLE raced (a int); CREATE ROLE raced_r1; CREATE ROLE raced_r2');
          await first.query('BEGIN; GRANT SELECT ON raced TO raced_r1');
          const late = second.query('GRANT SELECT ON raced TO raced_r2').then(
            () => 'done',
            (error: Error) => error.message,
          );
          await new Promise((resolve) => setTimeout(resolve, 200));
          await first.query('COMMIT');
          expect(await late).toBe('tuple concurrently updated');
        } finally {
          await Promise.all([first.end(), second.end()]);
        }
      });
    });

    describe('memberships', () => {
      test('from 16 on whoever creates a role is its administrator, and cannot give that back', async () => {
        await asMaster(server(), async (client) => {
          await client.query('CREATE ROLE made');
          const rows = "SELECT count(*)::int FROM pg_auth_members WHERE roleid = 'made'::regrole AND member = 'master'::regrole";
          expect(await value(client, rows)).toBe(since16 ? 1 : 0);
          expect(await warningsOf(client, 'REVOKE made FROM master')).toEqual(['01000']);
          expect(await value(client, rows)).toBe(since16 ? 1 : 0);
        });
      });

      test('from 16 on a REVOKE takes only what the same grantor gave, and is a success otherwise', async () => {
        await asMaster(server(), async (client) => {
          await client.query(
            `CREATE ROLE club; CREATE ROLE steward; CREATE ROLE guest; GRANT club TO steward WITH ADMIN OPTION; GRANT steward TO master; SET ROLE steward; GRANT club TO guest; RESET ROLE`,
          );
          expect(await warningsOf(client, 'REVOKE club FROM guest')).toEqual(since16 ? ['01000'] : []);
          expect(await value(client, "SELECT pg_has_role('guest', 'club', 'MEMBER')")).toBe(since16);
        });
      });

      test('default privileges need the rights of the creator, not only the right to become it', async () => {
        await asMaster(server(), async (client) => {
          await client.query(
            `CREATE ROLE maker; CREATE ROLE reader; GRANT maker TO master${since16 ? ' WITH INHERIT FALSE, SET TRUE' : ''}`,
          );
          const sql = 'ALTER DEFAULT PRIVILEGES FOR ROLE maker GRANT SELECT ON TABLES TO reader';
          const outcome = await client.query(sql).then(
            () => 'done',
            (error: unknown) => codeOf(error),
          );
          expect(outcome).toBe(since16 ? '42501' : 'done');
          await client.query(`SET ROLE maker; ${sql}; RESET ROLE`);
        });
      });

      test.runIf(since16)('from 16 on WITH ADMIN FALSE leaves behind what REVOKE ADMIN OPTION refuses to', async () => {
        await asMaster(server(), async (client) => {
          await client.query(
            'CREATE ROLE guild; CREATE ROLE elder; CREATE ROLE novice; GRANT guild TO elder WITH ADMIN OPTION; GRANT elder TO master; SET ROLE elder; GRANT guild TO novice; RESET ROLE',
          );
          await expect(client.query('REVOKE ADMIN OPTION FOR guild FROM elder')).rejects.toMatchObject({ code: '2BP01' });
          expect(await warningsOf(client, 'GRANT guild TO elder WITH ADMIN FALSE')).toEqual([]);
          await expect(client.query('SET ROLE elder; REVOKE guild FROM novice')).rejects.toMatchObject({ code: '42501' });
          await client.query('RESET ROLE; REVOKE guild FROM novice GRANTED BY elder');
          expect(await value(client, "SELECT pg_has_role('novice', 'guild', 'MEMBER')")).toBe(false);
        });
      });

      test('a role that granted memberships cannot be dropped from 16 on', async () => {
        await asMaster(server(), async (client) => {
          await client.query(
            'CREATE ROLE lodge; CREATE ROLE warden; CREATE ROLE visitor; GRANT lodge TO warden WITH ADMIN OPTION; GRANT warden TO master; SET ROLE warden; GRANT lodge TO visitor; RESET ROLE',
          );
          const outcome = await client.query('DROP ROLE warden').then(
            () => 'done',
            (error: unknown) => codeOf(error),
          );
          expect(outcome).toBe(since16 ? '2BP01' : 'done');
        });
      });
    });

    describe('logins', () => {
      test('`+role` in pg_hba.conf counts a membership without INHERIT and SET, and over other roles', async () => {
        const user = { user: 'hba_u', password: 'hba-password' };
        const options = since16 ? ' WITH INHERIT FALSE, SET FALSE' : '';
        await server().query(
          server().superuser,
          'postgres',
          `CREATE ROLE hba_g; CREATE ROLE hba_u LOGIN PASSWORD 'hba-password'; GRANT hba_g TO hba_u${options}`,
        );
        await server().query(user, 'postgres', 'SELECT 1');
        await server().query(server().superuser, 'postgres', `GRANT rds_iam TO hba_g${options}`);
        await expect(server().query(user, 'postgres', 'SELECT 1')).rejects.toThrow(/reject/);
      });

      test('NOLOGIN does not end a session', async () => {
        await server().query(server().master, 'postgres', "CREATE ROLE stays LOGIN PASSWORD 'stays-password'");
        const session = await server().connect({ user: 'stays', password: 'stays-password' }, 'postgres');
        await server().query(server().master, 'postgres', 'ALTER ROLE stays NOLOGIN');
        await expect(session.query('SELECT 1')).resolves.toBeDefined();
        await session.end();
      });

      test('an advisory lock belongs to its database', async () => {
        const [here, there] = await Promise.all([
          server().connect(server().master, 'facts'),
          server().connect(server().master, 'template1'),
        ]);
        try {
          await here.query('SELECT pg_advisory_lock(42)');
          expect(await value(there, 'SELECT pg_try_advisory_lock(42)')).toBe(true);
        } finally {
          await Promise.all([here.end(), there.end()]);
        }
      });
    });
  },
  { hba: IAM_ONLY },
);
