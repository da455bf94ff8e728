import { expect, test } from 'vitest';
import { eachMajor } from '../../lab/majors.ts';
import { IAM_ONLY } from '../../lab/postgres.ts';

eachMajor(
  (server, major) => {
    test('answers with the version that is asked for', async () => {
      const [row] = await server().query(server().superuser, 'postgres', 'SHOW server_version');
      expect(row).toEqual({ server_version: server().version });
      expect(server().version).toMatch(new RegExp(`^${major}\\.`));
    });

    test('has a master that is no superuser and owns the databases that it makes', async () => {
      const { master, query } = server();
      await query(master, 'postgres', 'CREATE DATABASE app');
      const [row] = await query(
        master,
        'app',
        `SELECT r.rolname, r.rolsuper, r.rolcreaterole FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON r.oid = d.datdba
         WHERE d.datname = pg_catalog.current_database()`,
      );
      expect(row).toEqual({ rolname: 'master', rolsuper: false, rolcreaterole: true });
    });

    test('refuses a wrong password', async () => {
      await expect(server().connect({ user: 'master', password: 'wrong' })).rejects.toMatchObject({ code: '28P01' });
    });

    test('is encrypted, and verified against its own authority', async () => {
      const sql = 'SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()';
      expect(await server().query(server().master, 'postgres', sql)).toEqual([{ ssl: true }]);
      expect(server().caFile).not.toBeNull();
    });

    test('turns away the password of whoever joins rds_iam, once its pg_hba.conf says so', async () => {
      const { master, query, setHba } = server();
      const jane = { user: 'jane', password: 'jane-password' };
      await query(master, 'postgres', `CREATE ROLE jane LOGIN PASSWORD 'jane-password'; GRANT rds_iam TO jane`);
      expect(await query(jane, 'postgres', 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      await setHba(IAM_ONLY);
      await expect(query(jane, 'postgres', 'SELECT 1')).rejects.toMatchObject({ code: '28000' });
      expect(await query(master, 'postgres', 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });

    test('keeps what was committed when the plug is pulled', async () => {
      const { superuser, query, crash, restart } = server();
      await query(superuser, 'postgres', 'CREATE TABLE kept AS SELECT 1 AS one');
      await crash();
      await expect(query(superuser, 'postgres', 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      await restart();
      expect(await query(superuser, 'postgres', 'SELECT * FROM kept')).toEqual([{ one: 1 }]);
      expect(server().log()).toContain('not properly shut down');
    });
  },
  { tls: true, fsync: true },
);
