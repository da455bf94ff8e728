import { beforeAll, expect, test } from 'vitest';
import { checkupOf } from '../../../src/core/checkup.ts';
import { gatherEvidence } from '../../../src/engine/doctor.ts';
import type { Session } from '../../../src/engine/session.ts';
import type { Target } from '../../../src/model/declared.ts';
import { Failure } from '../../../src/model/finding.ts';
import { mysql } from '../../../src/providers/mysql/index.ts';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { declaredOn } from './scenario.ts';
import { mysqlTarget } from './target.ts';

const { reach, tls, session, user } = mysql.checkup!;

eachMysql(
  (server, version) => {
    const BODY = 'groups: { g: {} }\n';
    const target = (): Target => declaredOn(server(), BODY).target;
    const at = (endpoint: object): Target => ({ ...target(), endpoint: { ...mysqlTarget(server(), {}, endpoint).endpoint } });
    const verified = (ca: string, host = 'localhost') => at({ host, tls: 'verify-full', ca });
    const isMysql = (): boolean => server().flavour === 'mysql';

    beforeAll(async () => {
      const { superuser, query } = server();
      await query(
        superuser,
        "CREATE USER jane@'127.0.0.1' IDENTIFIED BY 'canary-1' WITH MAX_USER_CONNECTIONS 3",
        "CREATE USER jane@'10.%' IDENTIFIED BY 'canary-1' ACCOUNT LOCK",
        "CREATE USER far@'10.%' IDENTIFIED BY 'canary-1'",
        "CREATE USER strict@'%' IDENTIFIED BY 'canary-1' REQUIRE SSL ACCOUNT LOCK",
        "CREATE USER token@'%' IDENTIFIED BY 'canary-1'",
        "CREATE USER weak@'%' IDENTIFIED BY 'canary-1'",
        "CREATE USER stale@'%' IDENTIFIED BY 'canary-1' PASSWORD EXPIRE",
        "CREATE USER aged@'%' IDENTIFIED BY 'canary-1' PASSWORD EXPIRE INTERVAL 30 DAY",
        "CREATE USER fresh@'%' IDENTIFIED BY 'canary-1' PASSWORD EXPIRE INTERVAL 90 DAY",
        "CREATE USER kept@'%' IDENTIFIED BY 'canary-1' PASSWORD EXPIRE NEVER",
        isMysql()
          ? "UPDATE mysql.user SET password_last_changed = NOW() - INTERVAL 40 DAY WHERE User IN ('aged', 'fresh', 'kept', 'weak')"
          : `UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.password_last_changed', UNIX_TIMESTAMP() - 40 * 86400)
              WHERE User IN ('aged', 'fresh', 'kept', 'weak')`,
        'CREATE ROLE makers',
        'GRANT CREATE USER ON *.* TO makers',
        "CREATE USER hired@'%' IDENTIFIED BY 'canary-1'",
        "GRANT makers TO hired@'%'",
        isMysql() ? "SET DEFAULT ROLE makers TO hired@'%'" : "SET DEFAULT ROLE makers FOR hired@'%'",
        "CREATE USER strong@'%' IDENTIFIED BY 'canary-1'",
        ...(isMysql()
          ? [
              "GRANT SYSTEM_USER ON *.* TO strong@'%'",
              "GRANT SELECT ON mysql.* TO weak@'%'",
              "UPDATE mysql.user SET plugin = 'AWSAuthenticationPlugin', authentication_string = 'RDS' WHERE User = 'token'",
            ]
          : [
              `UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.plugin', 'AWSAuthenticationPlugin', '$.authentication_string', 'RDS')
                WHERE User = 'token'`,
            ]),
      );
    });

    test('what a login finds of itself', async () => {
      const facts = await session(target(), ['strong', 'jane@10.%', 'nobody']);
      expect(facts).toMatchObject({
        user: 'master',
        account: "'master'@'%'",
        version: expect.stringMatching(new RegExp(`^${version.replace('.', '\\.')}\\.`)),
        tls: null,
        readOnly: false,
        superuser: false,
        createrole: true,
        iamPath: null,
        hasIamRole: false,
        notAdministered: isMysql() ? ['strong'] : [],
      });
      const [row] = await server().query(server().superuser, 'SELECT @@GLOBAL.max_connections AS room');
      const own = await server().connect(server().superuser);
      const { connections } = await session(target(), []);
      await own.end();
      expect([connections!.room, connections!.open >= 1]).toEqual([Number(row!.room), true]);
      // The server is on this machine, and has its clock.
      expect(Math.abs(facts.skewMs!)).toBeLessThan(60_000);
    });

    test('a session that is encrypted says how, and a login without rights that it has none', async () => {
      expect(await session(verified(server().caFile!), [])).toMatchObject({ tls: expect.stringMatching(/^TLSv1\.[23], \w/) });
      process.env.ROLECALL_TEST_WEAK = 'canary-1';
      const password = { source: 'env', name: 'ROLECALL_TEST_WEAK', text: '' } as const;
      const as = (login: string): Target => ({ ...target(), login: { user: login, auth: 'password', password } });
      expect(await session(as('weak'), [])).toMatchObject({ user: 'weak', createrole: false, superuser: false });
      // A role that is active counts as the account's own.
      expect(await session(as('hired'), [])).toMatchObject({ user: 'hired', createrole: true });
    });

    test('a server that only reads says so', async () => {
      const { superuser, query } = server();
      await query(superuser, 'SET GLOBAL read_only = 1');
      try {
        expect(await session(target(), [])).toMatchObject({ readOnly: true });
      } finally {
        await query(superuser, 'SET GLOBAL read_only = 0');
      }
    });

    test('what the grant tables say of a user, by the account that a login from here gets', async () => {
      expect(await user(target(), 'jane', '')).toEqual({
        exists: true,
        account: "'jane'@'127.0.0.1'",
        like: null,
        login: true,
        locked: null,
        iamPath: null,
        hasIamRole: false,
        adPath: false,
        passwordOver: false,
        connectionLimit: 3,
        sessions: 0,
        database: '',
        connect: true,
        lacks: null,
      });
      const own = await server().connect({ user: 'jane', password: 'canary-1' });
      expect(await user(target(), 'jane', '')).toMatchObject({ sessions: 1 });
      await own.end();
      // Who does not see the sessions of others does not count them.
      const { superuser, query } = server();
      await query(superuser, "REVOKE PROCESS ON *.* FROM master@'%'");
      expect(await user(target(), 'jane', '')).toMatchObject({ connectionLimit: 3, sessions: null });
      await query(superuser, "GRANT PROCESS ON *.* TO master@'%' WITH GRANT OPTION");
      expect(await user(target(), 'far', '')).toMatchObject({ lacks: "an account for '127.0.0.1', and has those for '10.%'" });
      expect(await user(target(), 'strict', '')).toMatchObject({ login: false, lacks: expect.stringContaining('REQUIRE SSL') });
      expect(await user(target(), 'token', '')).toMatchObject({ iamPath: ["'token'@'%'", 'AWSAuthenticationPlugin'] });
      expect(await user(target(), 'JANE', '')).toMatchObject({ exists: false, like: 'jane', iamPath: null });
    });

    test('whether a password is over, by a mark or by its age, is told as the server has it', async () => {
      const { superuser, query } = server();
      const over = async (name: string) => (await user(target(), name, '')).passwordOver;
      const all = async () => await Promise.all(['stale', 'aged', 'fresh', 'kept', 'weak'].map(over));
      expect(await all()).toEqual([true, true, false, false, false]);
      await query(superuser, 'SET GLOBAL default_password_lifetime = 30');
      try {
        expect(await all()).toEqual([true, true, false, false, true]);
        await query(superuser, 'FLUSH PRIVILEGES');
        // Where the server lets them in, it lets them do nothing.
        const isRefused = async (name: string): Promise<boolean> =>
          await query({ user: name, password: 'canary-1' }, 'SELECT 1').then(
            () => false,
            () => true,
          );
        expect(await Promise.all(['aged', 'fresh', 'kept', 'weak'].map(isRefused))).toEqual([true, false, false, true]);
      } finally {
        await query(superuser, 'SET GLOBAL default_password_lifetime = 0');
      }
    });

    test('TLS and certificate are told whether or not they are trusted', async () => {
      expect(await tls(verified(server().caFile!))).toMatchObject({
        protocol: 'TLSv1.3',
        error: null,
        validUntil: expect.stringMatching(/Z$/),
      });
      expect(await tls(verified('rds'))).toMatchObject({ error: expect.stringMatching(/CERT|SIGNATURE/) });
      expect(await tls(verified(server().caFile!, '127.0.0.1'))).toMatchObject({ protocol: 'TLSv1.3' });
      await expect(tls(at({ port: 1, tls: 'require' }))).rejects.toThrow(Failure);
    });

    test('what does not listen is told by why', async () => {
      expect(await reach(target())).toMatchObject({ trouble: null });
      expect(await reach(at({ port: 1 }))).toEqual({ dialled: '127.0.0.1:1', trouble: 'ECONNREFUSED' });
    });

    test('a target that cannot be checked keeps no other from it', async () => {
      const declared = declaredOn(server(), BODY);
      const other = { ...declared, target: { ...declared.target, name: 'other', engine: 'oracle' as never } };
      const both: Session = { stack: 'a/b', asOf: declared.asOf, declareds: [other, declared], account: null, elsewhere: [], findings: [] };
      const evidence = await gatherEvidence(both, { checks: [], now: Date.parse('2026-06-01T00:00:00Z') });
      const { checks, summary } = checkupOf(evidence, []);
      expect(checks.map(({ target: name, check, status }) => [name === 'other' ? name : 'it', check, status])).toEqual([
        ['other', 'found', 'unread'],
        ...['reachable', 'login', 'writer', 'connections', 'server-clock', 'administration', 'denied-logged'].map((check) => [
          'it',
          check,
          expect.anything(),
        ]),
      ]);
      expect(summary.unread).toBe(1);
    });

    test('of one login the first cause that keeps it out is found, and of one that comes in none', async () => {
      process.env.ROLECALL_TEST_JANE = 'canary-1';
      const body = 'users: { jane: { auth: password, password: "${env:ROLECALL_TEST_JANE}", hosts: ["127.0.0.1"] } }\n';
      const declared = declaredOn(server(), body);
      const one: Session = { stack: 'a/b', asOf: declared.asOf, declareds: [declared], account: null, elsewhere: [], findings: [] };
      const found = async (login: string) =>
        checkupOf(await gatherEvidence(one, { checks: [], login: { user: login }, now: Date.parse('2026-06-01T00:00:00Z') }), []);
      const causes = await Promise.all(['nobody', 'far', 'token'].map(async (login) => (await found(login)).cause));
      expect(causes).toEqual(['user', 'user-host', 'user-method']);
      const { cause, checks } = await found('jane');
      expect({ cause, checks: checks.map(({ check, message }) => [check, message]) }).toEqual({
        cause: null,
        checks: [
          ['reachable', `127.0.0.1:${server().port} answers`],
          ['user', "user 'jane' is there"],
          ['user-host', "'jane'@'127.0.0.1'"],
          ['user-login', 'not locked'],
          ['user-method', 'a password'],
          ['user-password', 'its password has not expired'],
          ['user-connections', '0 of 3 open'],
          ['user-in', 'logged in'],
        ],
      });
    });
  },
  { only: ['9.7', '11.8'] },
);
