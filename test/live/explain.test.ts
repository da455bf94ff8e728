import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { rootCertificates } from 'node:tls';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { meaningsOf } from '../../src/core/signatures.ts';
import { useServer } from '../lab/majors.ts';
import { newestOfEach, useMysql } from '../lab/mysql/versions.ts';

/* What clients really say here, beside what `error-tree.test.ts` has of those that need AWS. */

/** As a program prints an error that nobody caught. */
const printed = (error: unknown): string => `${(error as Error).name}: ${(error as Error).message}`;
const causesOf = (text: string): readonly string[] => [...new Set(meaningsOf(text).map(({ cause }) => cause))];

describe('of PostgreSQL', () => {
  const server = useServer(17, { tls: true });
  const login = { user: 'app', password: 'app-password', database: 'app' };
  let other = '';

  beforeAll(async () => {
    const { master, superuser, query, dataDir } = server();
    for (const name of ['app', 'closed']) await query(master, 'postgres', `CREATE DATABASE ${name}`);
    await query(
      superuser,
      'app',
      `CREATE ROLE app LOGIN PASSWORD 'app-password'; CREATE ROLE shut PASSWORD 'app-password'; CREATE TABLE hidden (id int);
       CREATE ROLE full_up LOGIN PASSWORD 'app-password' CONNECTION LIMIT 0; REVOKE CONNECT ON DATABASE closed FROM PUBLIC`,
    );
    other = path.join(path.dirname(dataDir), 'other-ca.pem');
    fs.writeFileSync(other, rootCertificates[0]!);
  });

  /** How it is connected, and what is told. */
  const CASES: readonly (readonly [name: string, login: Partial<typeof login>, place: { readonly host?: string; readonly port?: number; readonly ca?: true }, cause: string])[] = [
    ['a wrong password', { password: 'wrong' }, {}, 'no-iam-user'],
    ['NOLOGIN', { user: 'shut' }, {}, 'no-login'],
    ['no such database', { database: 'ap' }, {}, 'no-database'],
    ['no CONNECT', { database: 'closed' }, {}, 'no-connect'],
    ['a connection limit', { user: 'full_up' }, {}, 'limit'],
    ['another authority', {}, { ca: true }, 'certificate'],
    ['a port where nothing listens', {}, { port: 1 }, 'network'],
    ['a name that nobody knows', {}, { host: 'nowhere.invalid' }, 'network'],
  ]; // biome-ignore format: a table

  test.each(CASES)('pg is understood: %s', async (_name, changed, place, cause) => {
    const { host = '127.0.0.1', port = server().port, ca } = place;
    const ssl = ca ? { ca: fs.readFileSync(other) } : false;
    const client = new pg.Client({ ...login, ...changed, host, port, ssl });
    expect(causesOf(await client.connect().then(() => 'in', printed))).toEqual([cause]);
  });

  test.skipIf(spawnSync('psql', ['--version']).status !== 0).each(CASES)('psql is understood: %s', (_name, changed, place, cause) => {
    const { host = '127.0.0.1', port = server().port, ca } = place;
    const { user, password, database } = { ...login, ...changed };
    const tls = ca ? { PGSSLMODE: 'verify-ca', PGSSLROOTCERT: other } : { PGSSLMODE: 'disable' };
    const env = { PATH: process.env.PATH ?? '', LC_ALL: 'C', PGPASSWORD: password, ...tls };
    const { stderr } = spawnSync('psql', ['-X', '-h', host, '-p', String(port), '-U', user, '-d', database, '-c', 'SELECT 1'], {
      env,
      encoding: 'utf8',
    });
    expect(causesOf(stderr)).toEqual([cause]);
  });

  test('so is a privilege that is missing in a session', async () => {
    const said = await server()
      .query({ user: 'app', password: 'app-password' }, 'app', 'SELECT * FROM hidden')
      .then(() => 'read', printed);
    expect(causesOf(said)).toEqual(['permission']);
  });
});

describe.each(newestOfEach)('of %s', (version) => {
  const server = useMysql(version);
  const login = { user: 'app', password: 'app-password' };

  beforeAll(async () => {
    const made = ['app', 'shut', 'old', 'full', 'strict'].map((user) => `CREATE USER ${user}@'%' IDENTIFIED BY 'app-password'`);
    await server().query(
      server().superuser,
      ...made,
      "ALTER USER shut@'%' ACCOUNT LOCK",
      "ALTER USER old@'%' PASSWORD EXPIRE",
      "ALTER USER full@'%' WITH MAX_USER_CONNECTIONS 1",
      "ALTER USER strict@'%' REQUIRE SSL",
      'CREATE DATABASE shop',
      'CREATE TABLE shop.orders (id int)',
    );
  });
  const says = async (changed: object, sql = 'SELECT 1'): Promise<string> => {
    const options = { ...login, host: '127.0.0.1', port: server().port, connectTimeout: 5000, ...changed };
    try {
      const connection = await createConnection(options);
      try {
        await connection.query(sql);
        return 'done';
      } finally {
        connection.destroy();
      }
    } catch (error) {
      return printed(error);
    }
  };

  test.each([
    ['a wrong password', { password: 'wrong' }, 'denied'],
    ['no password', { password: '' }, 'no-password'],
    ['no such user', { user: 'nobody' }, 'denied'],
    ['REQUIRE SSL', { user: 'strict' }, 'denied'],
    ['ACCOUNT LOCK', { user: 'shut' }, 'no-login'],
    ['an expired password', { user: 'old' }, 'password'],
    ['no such schema, or no right on it', { database: 'shap' }, 'no-connect'],
    ['a port where nothing listens', { port: 1 }, 'network'],
    ['a name that nobody knows', { host: 'nowhere.invalid' }, 'network'],
    ['an authority that nobody knows', { ssl: {} }, 'certificate'],
  ])('mysql2 is understood: %s', async (_name, changed, cause) => {
    expect(causesOf(await says(changed))).toEqual([cause]);
  });

  test('so are a connection limit and a privilege that is missing in a session', async () => {
    const held = await server().connect({ ...login, user: 'full' });
    expect(causesOf(await says({ user: 'full' }))).toEqual(['limit']);
    held.destroy();
    expect(causesOf(await says({}, 'SELECT * FROM shop.orders'))).toEqual(['permission']);
    expect(causesOf(await says({}, 'FLUSH PRIVILEGES'))).toEqual(['permission']);
    expect(causesOf(await says({}, 'USE shop'))).toEqual(['no-connect']);
  });
});
