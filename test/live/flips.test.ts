import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Counted } from '../lab/iam/membership.ts';
import { BEHIND_FRONT, type IamFront, startIamFront } from '../lab/iam/proxy.ts';
import { eachMajor } from '../lab/majors.ts';
import type { Login } from '../lab/postgres.ts';
import { applyOn, planOn } from './scenario.ts';

const READINGS: readonly Counted[] = ['inherited', 'usable', 'every'];

/** How a login is tied to a user who becomes one of IAM; `$l` is the login, `$x` the user. */
const TIES: readonly { readonly name: string; readonly since16?: boolean; readonly sql: string }[] = [
  { name: 'a member', sql: 'CREATE ROLE $x LOGIN; GRANT $x TO $l' },
  { name: 'a member of a member', sql: 'CREATE ROLE $x LOGIN; CREATE ROLE $x_g; GRANT $x TO $x_g; GRANT $x_g TO $l' },
  { name: 'a member with the ADMIN option', sql: 'CREATE ROLE $x LOGIN; GRANT $x TO $l WITH ADMIN OPTION' },
  { name: 'a member that inherits nothing', sql: 'CREATE ROLE $x LOGIN; ALTER ROLE $l NOINHERIT; GRANT $x TO $l' },
  { name: 'a member WITH INHERIT FALSE', since16: true, sql: 'CREATE ROLE $x LOGIN; GRANT $x TO $l WITH INHERIT FALSE, SET TRUE' },
  {
    name: 'one who may only SET nothing and inherit nothing',
    since16: true,
    sql: 'CREATE ROLE $x LOGIN; GRANT $x TO $l WITH INHERIT FALSE, SET FALSE',
  },
  { name: 'an administrator alone', since16: true, sql: 'CREATE ROLE $x LOGIN; GRANT $x TO $l WITH ADMIN TRUE, INHERIT FALSE, SET FALSE' },
  { name: 'its creator', sql: 'ALTER ROLE $l CREATEROLE; SET ROLE $l; CREATE ROLE $x LOGIN; RESET ROLE' },
  { name: 'nobody', sql: 'CREATE ROLE $x LOGIN' },
];

eachMajor(
  (server, major) => {
    const fronts = new Map<Counted, IamFront>();
    beforeAll(async () => {
      for (const counted of READINGS)
        fronts.set(counted, await startIamFront(server(), { counted, verify: () => ({ ok: false, reason: 'no tokens here' }) }));
    });
    afterAll(async () => {
      for (const front of fronts.values()) await front.close();
    });

    /** Whether the login still comes in with its password, by each reading of what RDS counts. */
    const locked = async (login: Login): Promise<Record<Counted, boolean>> => {
      const found = await Promise.all(
        READINGS.map(async (counted) => {
          const front = fronts.get(counted)!;
          const client = new pg.Client({
            host: 'localhost',
            port: front.port,
            ...login,
            database: 'postgres',
            ssl: { ca: front.authority },
          });
          try {
            await client.connect();
            await client.end();
            return [counted, false] as const;
          } catch (error) {
            expect(String(error)).toMatch(/PAM authentication failed/);
            return [counted, true] as const;
          }
        }),
      );
      return Object.fromEntries(found) as Record<Counted, boolean>;
    };

    describe('what a plan says of a login that a new IAM user takes with it is what happens', () => {
      test.each(TIES.filter(({ since16 = false }) => !since16 || major >= 16).map((tie, index) => ({ ...tie, index })))(
        '$name',
        async ({ sql, index }) => {
          const [login, user] = [`l${index}`, `x${index}`];
          const filled = sql.replaceAll('$l', login).replaceAll('$x', user);
          await server().query(server().superuser, 'postgres', `CREATE ROLE ${login} LOGIN PASSWORD 'l-password'; ${filled}`);
          const before = await locked({ user: login, password: 'l-password' });
          expect(before).toEqual({ inherited: false, usable: false, every: false });
          const planned = await planOn(server(), `existing: [${login}, ${user}_g]\nusers:\n  ${user}: { auth: iam }\n`, {
            stack: `flips/${index}`,
          });
          const said = planned.findings.filter(({ message }) => message.includes(`'${login}'`)).map(({ code }) => code);
          await server().query(server().superuser, 'postgres', `GRANT rds_iam TO ${user}`);
          const after = await locked({ user: login, password: 'l-password' });
          const [certain, possible] = [said.includes('guard/authentication-flip'), said.includes('guard/admin-near-iam')];
          expect({ certain, either: certain || possible, usable: after.usable && !certain && !possible }).toEqual({
            certain: after.inherited,
            either: after.every,
            usable: false,
          });
        },
      );
    });

    // From 16 on whoever makes a user is a member of it, which this reading counts.
    test.runIf(major >= 16)('a login that RDS refuses after the commit gets its way in back from the session that committed', async () => {
      const front = fronts.get('every')!;
      const login = server().master;
      const body = 'users:\n  canary_x: { auth: iam }\n';
      const options = { stack: 'flips/canary', endpoint: `{ host: localhost, port: ${front.port}, tls: require }` };
      const { exitCode, result } = await applyOn(server(), body, options);
      expect({ exitCode, message: result.failed?.message }).toEqual({ exitCode: 5, message: expect.stringContaining('was taken back') });
      expect((await locked(login)).every).toBe(false);
      const rows = await server().query(server().superuser, 'postgres', "SELECT pg_has_role('canary_x', 'rds_iam', 'MEMBER') AS member");
      expect(rows).toEqual([{ member: false }]);
    });
  },
  { hba: BEHIND_FRONT, only: [15, 16, 17, 18] },
);
