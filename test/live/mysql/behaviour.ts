import type { Login, Mysql } from '../../lab/mysql/server.ts';

/** One text, or one for each flavour where their languages differ. */
type ByFlavour = string | { readonly mysql: string; readonly mariadb: string };

/** One row of the table in docs/mysql.md: a statement that the master runs after others, and what came of it. */
export type Behaviour = {
  /** What is tried, as the table says it; the statement follows it there. */
  readonly when: string;
  /** What the master runs first; `prepared` is what only the superuser can. */
  readonly before: readonly string[];
  readonly prepared?: readonly string[];
  readonly statement: ByFlavour;
  /** A query of one value that tells the effect of a statement that was taken. */
  readonly effect?: ByFlavour;
};

/** Every row has accounts of its own, named by its number: `u1`, `r1`. */
export const BEHAVIOURS: readonly ((n: number) => Behaviour)[] = [
  (n) => ({
    when: 'a schema privilege is revoked that is not held, while another is',
    before: [`CREATE USER u${n}`, `GRANT SELECT ON shop.* TO u${n}`],
    statement: `REVOKE INSERT ON shop.* FROM u${n}`,
  }),
  (n) => ({
    when: 'a table privilege is revoked that is not held',
    before: [`CREATE USER u${n}`],
    statement: `REVOKE INSERT ON shop.orders FROM u${n}`,
  }),
  (n) => ({
    when: 'a schema privilege is revoked by another spelling of the schema',
    before: [`CREATE USER u${n}`, `GRANT SELECT ON \`shop\\_eu\`.* TO u${n}`],
    statement: `REVOKE SELECT ON shop_eu.* FROM u${n}`,
  }),
  (n) => ({
    when: 'a role is revoked that is not granted',
    before: [`CREATE USER u${n}`, `CREATE ROLE r${n}`],
    statement: `REVOKE r${n} FROM u${n}`,
  }),
  (n) => ({ when: 'a privilege is granted to nobody', before: [], statement: `GRANT SELECT ON shop.* TO u${n}` }),
  (n) => ({
    when: 'a privilege is granted on a table that is not there',
    before: [`CREATE USER u${n}`],
    statement: `GRANT SELECT ON shop.missing TO u${n}`,
  }),
  (n) => ({
    when: 'a privilege is granted on a schema that is not there',
    before: [`CREATE USER u${n}`],
    statement: `GRANT SELECT ON missing.* TO u${n}`,
  }),
  (n) => ({
    when: 'a table is named with the escapes of a schema pattern',
    before: [`CREATE USER u${n}`],
    statement: `GRANT SELECT ON \`shop\\_eu\`.orders TO u${n}`,
  }),
  (n) => ({
    when: 'a user is made that is there already, IF NOT EXISTS',
    before: [`CREATE USER u${n} ACCOUNT LOCK`],
    statement: `CREATE USER IF NOT EXISTS u${n} IDENTIFIED BY 'Other-1234' ACCOUNT UNLOCK`,
    effect: `SHOW CREATE USER u${n}`,
  }),
  (n) => ({
    when: 'two users are made, and the second is there already: is the first one made?',
    before: [`CREATE USER u${n}`],
    statement: `CREATE USER v${n}, u${n}`,
    effect: `SELECT IF(COUNT(*) = 1, 'made', 'not made') FROM mysql.user WHERE User = 'v${n}'`,
  }),
  (n) => ({ when: 'a name of 33 characters', before: [], statement: `CREATE USER ${'u'.repeat(33 - String(n).length)}${n}` }),
  (n) => ({
    when: 'ACCOUNT stands before REQUIRE',
    before: [`CREATE USER u${n}`],
    statement: `ALTER USER u${n} ACCOUNT LOCK REQUIRE SSL`,
  }),
  (n) => ({ when: 'an attribute is written', before: [`CREATE USER u${n}`], statement: `ALTER USER u${n} ATTRIBUTE '{"a": 1}'` }),
  (n) => ({
    when: 'the old password stays valid beside the new one',
    before: [`CREATE USER u${n} IDENTIFIED BY 'First-1234'`],
    statement: `ALTER USER u${n} IDENTIFIED BY 'Second-1234' RETAIN CURRENT PASSWORD`,
  }),
  (n) => ({
    when: 'IAM authentication where its plugin is not loaded',
    before: [`CREATE USER u${n}`],
    statement: `ALTER USER u${n} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'`,
  }),
  (n) => ({
    when: 'the old native password',
    before: [],
    statement: `CREATE USER u${n} IDENTIFIED WITH mysql_native_password`,
  }),
  (n) => ({
    when: 'a default role that is not granted',
    before: [`CREATE USER u${n}`, `CREATE ROLE r${n}`],
    statement: { mysql: `SET DEFAULT ROLE r${n} TO u${n}`, mariadb: `SET DEFAULT ROLE r${n} FOR u${n}` },
  }),
  (n) => ({
    when: 'roles that are in one another',
    before: [`CREATE ROLE r${n}`, `CREATE ROLE s${n}`, `GRANT r${n} TO s${n}`],
    statement: `GRANT s${n} TO r${n}`,
  }),
  (n) => ({
    when: 'a role that is granted gets another name',
    before: [`CREATE USER u${n}`, `CREATE ROLE r${n}`, `GRANT r${n} TO u${n}`],
    statement: `RENAME USER r${n} TO s${n}`,
  }),
  (n) => ({
    when: 'an account is dropped that views run as',
    before: [`CREATE USER u${n}`],
    prepared: [`CREATE DEFINER = u${n} VIEW shop.v${n} AS SELECT 1`],
    statement: `DROP USER u${n}`,
  }),
  (n) => ({ when: 'every privilege, everywhere', before: [`CREATE USER u${n}`], statement: `GRANT ALL ON *.* TO u${n}` }),
  (n) => ({
    when: 'a privilege of the whole server on a schema',
    before: [`CREATE USER u${n}`],
    statement: `GRANT PROCESS ON shop.* TO u${n}`,
  }),
  (n) => ({
    when: 'SELECT is revoked on a table: are columns left?',
    before: [`CREATE USER u${n}`, `GRANT SELECT ON shop.orders TO u${n}`, `GRANT SELECT (id) ON shop.orders TO u${n}`],
    statement: `REVOKE SELECT ON shop.orders FROM u${n}`,
    effect: `SELECT IF(COUNT(*) = 0, 'none', 'left') FROM mysql.columns_priv WHERE User = 'u${n}'`,
  }),
  (n) => ({
    when: 'everything is revoked: are roles left?',
    before: [`CREATE USER u${n}`, `CREATE ROLE r${n}`, `GRANT r${n} TO u${n}`],
    statement: `REVOKE ALL PRIVILEGES, GRANT OPTION FROM u${n}`,
    effect: {
      mysql: `SELECT IF(COUNT(*) = 0, 'none', 'left') FROM mysql.role_edges WHERE TO_USER = 'u${n}'`,
      mariadb: `SELECT IF(COUNT(*) = 0, 'none', 'left') FROM mysql.roles_mapping WHERE User = 'u${n}'`,
    },
  }),
  () => ({ when: 'a lock with a name of 65 characters', before: [], statement: `SELECT GET_LOCK('${'l'.repeat(65)}', 0)` }),
];

const textFor = (text: ByFlavour, { flavour }: Mysql): string => (typeof text === 'string' ? text : text[flavour]);

/** `taken`, with the effect where one is looked for, or the number of the error. */
export const behaviourOf = async (server: Mysql, behaviour: Behaviour): Promise<string> => {
  const { superuser, master } = server;
  await server.query(master, ...behaviour.before);
  await server.query(superuser, ...(behaviour.prepared ?? []));
  const refused = await attempt(server, master, textFor(behaviour.statement, server));
  const effect = behaviour.effect === undefined ? '' : await effectOf(server, textFor(behaviour.effect, server));
  return [refused === null ? 'taken' : `error ${refused}`, ...(effect === '' ? [] : [effect])].join(', ');
};

const attempt = async (server: Mysql, login: Login, sql: string): Promise<number | null> =>
  await server.query(login, sql).then(
    () => null,
    (error: { readonly errno?: number }) => error.errno ?? 0,
  );

const effectOf = async (server: Mysql, sql: string): Promise<string> => {
  const [row] = await server.query(server.superuser, sql);
  const value = String(Object.values(row ?? {})[0]);
  return sql.startsWith('SHOW CREATE USER') ? (value.includes('ACCOUNT LOCK') ? 'changes nothing' : 'unlocked') : value;
};

/** The statement as the table shows it: without the number of its row. */
export const shownStatement = ({ statement }: Behaviour, n: number): string =>
  (typeof statement === 'string' ? [statement] : [statement.mysql, statement.mariadb])
    .map((sql) => `\`\` ${sql.replaceAll(new RegExp(`\\b([a-z])${n}\\b`, 'g'), '$1').replace(/(.)\1{20,}\d*/, '$1…')} \`\``)
    .join(', ');
