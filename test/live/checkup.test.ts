import { beforeAll, expect, test } from 'vitest';
import { Failure } from '../../src/model/finding.ts';
import { postgres } from '../../src/providers/postgres/index.ts';
import { eachMajor } from '../lab/majors.ts';
import { declaredOf } from './scenario.ts';

const { reach, tls, session, user } = postgres.checkup!;

eachMajor(
  (server, major) => {
    const target = (endpoint?: string) => declaredOf(server(), 'groups: { g: {} }\n', endpoint === undefined ? {} : { endpoint }).target;
    const verified = (ca: string, host = 'localhost') => target(`{ host: ${host}, port: ${server().port}, ca: ${ca} }`);
    beforeAll(async () => {
      const { master, superuser, query } = server();
      await query(master, 'postgres', 'CREATE DATABASE app');
      await query(master, 'postgres', 'CREATE ROLE mine');
      await query(
        superuser,
        'postgres',
        `CREATE ROLE theirs; CREATE ROLE devs; GRANT rds_iam TO devs; CREATE ROLE jane LOGIN CONNECTION LIMIT 3; GRANT devs TO jane;
         CREATE ROLE shy LOGIN NOINHERIT VALID UNTIL '2026-01-01'; GRANT devs TO shy; REVOKE CONNECT ON DATABASE app FROM PUBLIC;
         COMMENT ON ROLE shy IS '[rolecall stack=a/b locked=2026-11-20]'`,
      );
    });

    test('what a login finds of itself', async () => {
      expect(await session(target(), ['mine', 'theirs', 'nobody'])).toMatchObject({
        user: 'master',
        version: expect.stringMatching(new RegExp(`^${major}\\.`)),
        tls: null,
        readOnly: false,
        superuser: false,
        createrole: true,
        iamPath: null,
        hasIamRole: true,
        notAdministered: major >= 16 ? ['theirs'] : [],
        perGrantor: major >= 16,
      });
    });

    test('how many sessions are open, and how many may be', async () => {
      const { superuser, query, connect } = server();
      const others = await Promise.all([1, 2].map(() => connect(superuser)));
      const reserved = "('superuser_reserved_connections', 'reserved_connections')";
      const rows = await query(
        superuser,
        'postgres',
        `SELECT sum(CASE WHEN name IN ${reserved} THEN -setting::int ELSE setting::int END)::int AS room
         FROM pg_settings WHERE name = 'max_connections' OR name IN ${reserved}`,
      );
      const { connections } = await session(target(), []);
      await Promise.all(others.map((one) => one.end()));
      expect(connections).toEqual({ open: expect.any(Number), room: rows[0]!.room });
      expect(connections!.open).toBeGreaterThanOrEqual(2);
    });

    test('what the catalog says of a user, the way to rds_iam over its groups included', async () => {
      expect(await user(target(), 'jane', 'app')).toEqual({
        exists: true,
        like: null,
        login: true,
        locked: null,
        iamPath: ['jane', 'devs', 'rds_iam'],
        hasIamRole: true,
        adPath: false,
        passwordOver: false,
        connectionLimit: 3,
        sessions: 0,
        database: 'app',
        connect: false,
      });
      expect(await user(target(), 'shy', 'postgres')).toMatchObject({
        iamPath: null,
        locked: '2026-11-20',
        connect: true,
        passwordOver: true,
      });
      expect(await user(target(), 'JANE', 'nope')).toMatchObject({ exists: false, like: 'jane', iamPath: null, connect: null });
    });

    test('TLS and certificate are told whether or not they are trusted', async () => {
      expect(await tls(verified(server().caFile!))).toMatchObject({
        protocol: 'TLSv1.3',
        error: null,
        validUntil: expect.stringMatching(/Z$/),
      });
      expect(await tls(verified('rds'))).toMatchObject({ error: expect.stringMatching(/CERT|SIGNATURE/) });
    });

    test('what does not listen is told by why', async () => {
      expect(await reach(target())).toMatchObject({ trouble: null });
      expect(await reach(target('{ host: 127.0.0.1, port: 1, tls: disable }'))).toEqual({
        dialled: '127.0.0.1:1',
        trouble: 'ECONNREFUSED',
      });
      expect(await reach(target('{ host: nowhere.invalid, port: 5432, tls: disable }'))).toMatchObject({
        trouble: expect.stringMatching(/^E(NOTFOUND|AI_)/),
      });
    });

    test('a login that is refused says why', async () => {
      const wrong = { ...target(), login: { user: 'nobody', auth: 'password' as const } };
      await expect(session(wrong, [])).rejects.toThrow(Failure);
    });
  },
  { only: [13, 17, 18], tls: true },
);
