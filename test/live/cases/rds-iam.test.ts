import { expect, test } from 'vitest';
import { eachMajor } from '../../lab/majors.ts';
import { IAM_ONLY } from '../../lab/postgres.ts';
import { codesOf } from '../scenario.ts';
import { found, makeRoom, said } from './room.ts';

const errors = (target: Parameters<typeof found>[0]) => codesOf(target.findings.filter((finding) => finding.severity === 'error'));

eachMajor(
  (server, major) => {
    const since16 = major >= 16;

    test('a user with auth: iam becomes a member of rds_iam, and whoever made it keeps its login', async () => {
      const room = await makeRoom(server(), 'jane');
      const password = { user: 'jane_u', password: 'jane-password' };
      await room.as('master', "CREATE ROLE jane_u LOGIN PASSWORD 'jane-password'");
      await server().query(password, 'jane', 'SELECT 1');
      const planned = await room.converge('users:\n  jane_u: { auth: iam }\n');
      expect(said(planned)).toEqual([
        since16 ? 'GRANT "rds_iam" TO "jane_u" WITH ADMIN FALSE, INHERIT TRUE, SET FALSE' : 'GRANT "rds_iam" TO "jane_u"',
        'ALTER ROLE "jane_u" WITH PASSWORD NULL',
      ]);
      expect(errors(planned)).toEqual([]);
      await expect(server().query(password, 'jane', 'SELECT 1')).rejects.toThrow(/reject/);
      await server().query(server().master, 'jane', 'SELECT 1');
      expect(await room.column("SELECT pg_has_role('master', 'rds_iam', 'USAGE')")).toEqual([false]);
    });

    test('a user that comes back to a password leaves rds_iam and gets one', async () => {
      process.env.IAM_BACK = 'back-password';
      const room = await makeRoom(server(), 'back');
      await room.as('master', 'CREATE ROLE back_u LOGIN; GRANT rds_iam TO back_u');
      await room.converge('users:\n  back_u: { auth: password, password: "${env:IAM_BACK}" }\n');
      expect(await room.column("SELECT pg_has_role('back_u', 'rds_iam', 'MEMBER')")).toEqual([false]);
      await server().query({ user: 'back_u', password: 'back-password' }, 'back', 'SELECT 1');
    });

    test('a user whose role the login inherits would lock the login out', async () => {
      const room = await makeRoom(server(), 'lock');
      await room.as(
        'master',
        `CREATE ROLE lock_u LOGIN; ${since16 ? 'GRANT lock_u TO master WITH INHERIT TRUE' : 'GRANT lock_u TO master'}`,
      );
      const body = 'users:\n  lock_u: { auth: iam }\n';
      const planned = await room.plan(body);
      expect(found(planned, 'guard/admin-lockout')).toEqual([expect.stringContaining('master -> lock_u -> rds_iam')]);
      expect(await room.apply(body, planned)).toMatchObject({ exitCode: 3, result: { statements: 0 } });
      expect(await room.members('rds_iam')).not.toContainEqual(expect.stringContaining('lock_u'));
    });

    test('rds_iam on a group is refused before anything is read', async () => {
      const room = await makeRoom(server(), 'contagion');
      await expect(
        room.plan('groups:\n  contagion_ro: { groups: [rds_iam] }\nusers:\n  contagion_p: { auth: password, groups: [contagion_ro] }\n'),
      ).rejects.toThrow(/rds_iam/);
    });

    test('a group that somebody put into rds_iam leaves it, and its password users keep their login', async () => {
      const room = await makeRoom(server(), 'freed');
      await room.as(
        'master',
        "CREATE ROLE freed_ro; CREATE ROLE freed_p LOGIN PASSWORD 'freed-password'; GRANT rds_iam TO freed_ro; GRANT freed_ro TO freed_p",
      );
      const login = { user: 'freed_p', password: 'freed-password' };
      await expect(server().query(login, 'freed', 'SELECT 1')).rejects.toThrow(/reject/);
      const planned = await room.converge('groups:\n  freed_ro: {}\nusers:\n  freed_p: { auth: password, groups: [freed_ro] }\n');
      expect(found(planned, 'plan/authentication-flip')).toEqual([expect.stringContaining('freed_p -> freed_ro -> rds_iam')]);
      await server().query(login, 'freed', 'SELECT 1');
    });

    test('a password user in a foreign group that is in rds_iam is refused', async () => {
      const room = await makeRoom(server(), 'foreign');
      await room.as('master', 'CREATE ROLE foreign_ro; GRANT rds_iam TO foreign_ro');
      const body = 'existing: [foreign_ro]\nusers:\n  foreign_p: { auth: password, groups: [foreign_ro] }\n';
      const planned = await room.plan(body);
      expect(found(planned, 'guard/authentication-flip')).toEqual([expect.stringContaining('foreign_p -> foreign_ro -> rds_iam')]);
      expect(await room.apply(body, planned)).toMatchObject({ exitCode: 3, result: { statements: 0 } });
    });

    test('a password user already in such a group is refused as well', async () => {
      const room = await makeRoom(server(), 'already');
      await room.as(
        'master',
        'CREATE ROLE already_ro; CREATE ROLE already_p LOGIN; GRANT rds_iam TO already_ro; GRANT already_ro TO already_p',
      );
      const planned = await room.plan('existing: [already_ro]\nusers:\n  already_p: { auth: password, groups: [already_ro] }\n');
      expect(found(planned, 'guard/authentication-flip')).toHaveLength(1);
    });
  },
  { hba: IAM_ONLY },
);
