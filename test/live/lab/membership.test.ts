import { expect, test } from 'vitest';
import { type Counted, LOGS_IN_BY_IAM } from '../../lab/iam/membership.ts';
import { eachMajor } from '../../lab/majors.ts';
import { IAM_ONLY, type Postgres } from '../../lab/postgres.ts';

const LOGINS = ['stranger', 'direct', 'nested', 'not_inheriting', 'named_only', 'administrator', 'creator', 'made'] as const;

const setUp = async (server: Postgres, major: number): Promise<void> => {
  const [name, password] = ['postgres', "PASSWORD 'secret'"];
  const logins = LOGINS.filter((login) => login !== 'made' && login !== 'not_inheriting').map(
    (login) => `CREATE ROLE ${login} LOGIN ${password};`,
  );
  const options = (text: string) => (major < 16 ? '' : `WITH ${text}`);
  await server.query(
    server.master,
    name,
    `${logins.join('')} CREATE ROLE not_inheriting LOGIN ${major < 16 ? 'NOINHERIT' : ''} ${password};
     ALTER ROLE creator CREATEROLE; CREATE ROLE clients; GRANT rds_iam TO direct, clients; GRANT clients TO nested;
     GRANT rds_iam TO not_inheriting ${options('INHERIT FALSE')};
     GRANT rds_iam TO named_only ${options('INHERIT FALSE, SET FALSE')};
     GRANT rds_iam TO administrator ${options('ADMIN TRUE, INHERIT FALSE, SET FALSE')};`,
  );
  await server.query({ user: 'creator', password: 'secret' }, name, `CREATE ROLE made LOGIN ${password}`);
  await server.query(server.master, name, 'GRANT rds_iam TO made');
};

const counts = async (server: Postgres, login: string, counted: Counted): Promise<boolean> => {
  const [row] = await server.query(server.superuser, 'postgres', LOGS_IN_BY_IAM, [login, counted]);
  return row?.iam === true;
};

const readings = (server: Postgres, login: string): Promise<boolean[]> =>
  Promise.all((['every', 'usable', 'inherited'] as const).map((counted) => counts(server, login, counted)));

const counting = async (server: Postgres, counted: Counted): Promise<string[]> => {
  const answers = await Promise.all(LOGINS.map((login) => counts(server, login, counted)));
  return LOGINS.filter((_, at) => answers[at]);
};

eachMajor(
  (server, major) => {
    const old = major < 16;
    const all = ['direct', 'nested', 'not_inheriting', 'named_only', 'administrator', 'made'];

    test('no reading locks a fresh master out', async () => {
      expect(await readings(server(), 'master')).toEqual([false, false, false]);
    });

    test('what counts as a member of rds_iam depends on the reading', async () => {
      await setUp(server(), major);
      expect(await counting(server(), 'every')).toEqual(old ? all : [...all.slice(0, -1), 'creator', 'made']);
      expect(await counting(server(), 'usable')).toEqual(old ? all : ['direct', 'nested', 'not_inheriting', 'made']);
      expect(await counting(server(), 'inherited')).toEqual(
        old ? all.filter((login) => login !== 'not_inheriting') : ['direct', 'nested', 'made'],
      );
    });

    test("'every' is what the server's own pg_hba.conf counts", async () => {
      const attempts = LOGINS.map(async (login) => {
        const rejected = await server()
          .query({ user: login, password: 'secret' }, 'postgres', 'SELECT 1')
          .then(
            () => false,
            (error: Error) => error.message.includes('pg_hba.conf rejects'),
          );
        return rejected ? [login] : [];
      });
      expect((await Promise.all(attempts)).flat()).toEqual(await counting(server(), 'every'));
    });

    test('a master who made a user for IAM is locked out by one reading, from 16 on', async () => {
      expect(await readings(server(), 'master')).toEqual([!old, false, false]);
    });
  },
  { only: [13, 15, 16, 18], hba: IAM_ONLY },
);
