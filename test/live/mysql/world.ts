import fc from 'fast-check';
import type { Connection } from 'mysql2/promise';
import { accountSql, ident, literal } from '../../../src/providers/mysql/sql.ts';
import type { Flavour } from '../../lab/mysql/builds.ts';
import type { Mysql } from '../../lab/mysql/server.ts';
import { type Access, accesses } from './world-manifest.ts';
import { COLUMNS, HOSTS, type Names, SCHEMAS, TABLES } from './world-names.ts';

/** A random server: names, what is done to it by hand, and two manifests that follow one another. */
export type World = {
  readonly names: Names;
  /** Done before the first manifest, and between the two. */
  readonly before: readonly Move[];
  readonly between: readonly Move[];
  readonly first: Access;
  readonly second: Access;
};

/** Makes what all worlds of a server share. */
export const prepare = async (server: Mysql): Promise<void> => {
  await server.query(
    server.superuser,
    // who may let others act as anybody
    "GRANT PROXY ON ''@'' TO master WITH GRANT OPTION",
    // to whom logins try to grant what they have
    'CREATE USER victim',
    ...SCHEMAS.map(ident).flatMap((schema) => [
      `CREATE DATABASE ${schema}`,
      ...TABLES.map((table) => `CREATE TABLE ${schema}.${ident(table)} (${COLUMNS.map((column) => `${ident(column)} INT`).join(', ')})`),
      `CREATE VIEW ${schema}.v AS SELECT 1 AS i`,
      `CREATE FUNCTION ${schema}.f() RETURNS INT DETERMINISTIC RETURN 1`,
      `CREATE PROCEDURE ${schema}.p() SELECT 1`,
      `CREATE FUNCTION ${schema}.\`b \`\`\\\`() RETURNS INT DETERMINISTIC RETURN 1`,
      `CREATE PROCEDURE ${schema}.\`b \`\`\\\`() SELECT 1`,
    ]),
  );
};

/** Nobody is left of the world before. */
export const reset = async (admin: Connection, flavour: Flavour): Promise<void> => {
  const roles = flavour === 'mariadb' ? "is_role = 'Y'" : 'FALSE';
  const [rows] = await admin.query(
    `SELECT User AS user, Host AS host, ${roles} AS role FROM mysql.user
     WHERE User NOT IN ('rdsadmin', 'master', 'mariadb.sys', 'rds_superuser_role', 'PUBLIC', 'victim') AND User NOT LIKE 'mysql.%'`,
  );
  for (const { user, host, role } of rows as { user: string; host: string; role: number }[])
    await admin.query(role ? `DROP ROLE ${literal(user)}` : `DROP USER ${accountSql({ user, host })}`);
  // Grants to accounts that are gone, and what a restart would read.
  await admin.query('FLUSH PRIVILEGES');
};

// ---- by hand -----------------------------------------------------------------------------------------------------------

/** Something that is done by hand; numbers choose among what there is. */
export type Move = {
  readonly act: 'create' | 'member' | 'standard' | 'global' | 'schema' | 'table' | 'column' | 'routine' | 'proxy' | 'revoke' | 'attribute';
  readonly role: number;
  readonly other: number;
  readonly object: number;
  readonly word: number;
  readonly flags: number;
};

const move = (): fc.Arbitrary<Move> =>
  fc.record({
    act: fc.oneof(
      ...(
        [
          [3, 'create'],
          [4, 'member'],
          [2, 'standard'],
          [2, 'global'],
          [5, 'schema'],
          [3, 'table'],
          [2, 'column'],
          [1, 'routine'],
          [1, 'proxy'],
          [3, 'revoke'],
          [2, 'attribute'],
        ] as const
      ).map(([weight, act]) => ({ weight, arbitrary: fc.constant<Move['act']>(act) })),
    ),
    role: fc.nat(20),
    other: fc.nat(20),
    object: fc.nat(40),
    word: fc.nat(20),
    flags: fc.nat(15),
  });

/** Does the moves that the server allows, as its superuser. */
export const perform = async (admin: Connection, flavour: Flavour, names: Names, moves: readonly Move[]): Promise<void> => {
  for (const one of moves) await admin.query(statementOf(one, names, flavour)).catch(() => {});
};

/** Users that are nobody's, and what was done before. */
export const populate = async (admin: Connection, flavour: Flavour, { names, before }: World): Promise<void> => {
  for (const user of names.foreign) await admin.query(`CREATE USER ${accountSql({ user, host: '%' })} IDENTIFIED BY 'Foreign-1'`);
  await perform(admin, flavour, names, before);
};

const pick = <T>(list: readonly T[], at: number): T => list[at % list.length]!;

const WORDS = {
  schema: ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'EXECUTE', 'CREATE', 'SHOW VIEW', 'LOCK TABLES', 'EVENT'],
  table: ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'INDEX', 'TRIGGER'],
  column: ['SELECT', 'INSERT', 'UPDATE', 'REFERENCES'],
} as const;
/** What the master may grant, and in the end what it may not. */
const GLOBAL = {
  mysql: ['PROCESS', 'RELOAD', 'SELECT', 'INSERT', 'CREATE USER', 'ROLE_ADMIN', 'XA_RECOVER_ADMIN', 'APPLICATION_PASSWORD_ADMIN', 'FILE'],
  mariadb: ['PROCESS', 'RELOAD', 'SELECT', 'INSERT', 'CREATE USER', 'SHOW DATABASES', 'SLAVE MONITOR', 'BINLOG ADMIN', 'FILE'],
} as const;

const statementOf = (one: Move, names: Names, flavour: Flavour): string => {
  const roles = [...names.groups, ...names.users, ...names.users, ...names.foreign];
  const hostOf = (user: string): string =>
    names.groups.includes(user) ? (flavour === 'mariadb' ? '' : '%') : pick(HOSTS, one.flags < 9 ? 0 : one.flags);
  const nameOf = (user: string) => accountSql({ user, host: hostOf(user) });
  const [role, group] = [pick(roles, one.role), pick(names.groups, one.object)];
  const [who, other] = [nameOf(role), nameOf(pick(roles, one.other))];
  const schema = ident(pick(SCHEMAS, one.object));
  const [table, column] = [ident(pick(TABLES, one.word)), ident(pick(COLUMNS, one.flags))];
  const option = one.flags % 4 === 1 ? ' WITH GRANT OPTION' : '';
  const verb = (words: string, on: string): string =>
    one.act === 'revoke' ? `REVOKE ${words} ON ${on} FROM ${who}` : `GRANT ${words} ON ${on} TO ${who}${option}`;
  switch (one.act) {
    case 'create':
      return names.groups.includes(role)
        ? `CREATE ROLE ${who}`
        : `CREATE USER ${who} IDENTIFIED BY 'By-Hand-1' ${pick(['', 'REQUIRE SSL', 'WITH MAX_QUERIES_PER_HOUR 5', 'ACCOUNT LOCK'], one.word)}`;
    case 'member':
      return `GRANT ${nameOf(group)} TO ${other}${option ? ' WITH ADMIN OPTION' : ''}`;
    case 'standard':
      return flavour === 'mysql'
        ? `SET DEFAULT ROLE ${pick(['ALL', 'NONE', nameOf(group)], one.word)} TO ${other}`
        : `SET DEFAULT ROLE ${pick(['NONE', nameOf(group)], one.word)} FOR ${other}`;
    case 'global':
      return verb(pick(GLOBAL[flavour], one.word), '*.*');
    case 'schema':
      return verb(pick(WORDS.schema, one.word), `${storedFor(one)}.*`);
    case 'table':
      return verb(pick(WORDS.table, one.word), `${schema}.${table}`);
    case 'column':
      return verb(`${pick(WORDS.column, one.word)} (${column})`, `${schema}.${ident(pick(TABLES, one.other))}`);
    case 'routine':
      return verb(pick(['EXECUTE', 'ALTER ROUTINE'], one.word), `${pick(['FUNCTION', 'PROCEDURE'], one.flags)} ${schema}.\`b \`\`\\\``);
    case 'proxy':
      return `GRANT PROXY ON ${other} TO ${who}${option}`;
    case 'revoke':
      return pick(
        [
          verb(pick(WORDS.schema, one.word), `${storedFor(one)}.*`),
          verb(pick(WORDS.table, one.word), `${schema}.${table}`),
          verb(pick(GLOBAL[flavour], one.word), '*.*'),
          `REVOKE ${nameOf(group)} FROM ${other}`,
          verb('GRANT OPTION', '*.*'),
        ],
        one.other,
      );
    case 'attribute':
      return `ALTER USER ${who} ${pick(
        [
          'WITH MAX_USER_CONNECTIONS 3',
          'REQUIRE X509',
          'ACCOUNT LOCK',
          'PASSWORD EXPIRE INTERVAL 30 DAY',
          "COMMENT 'it''s \\\\mine\\n'",
          `ATTRIBUTE '{"rolecall": {"stack": "other/stack"}, "team": "x"}'`,
          `ATTRIBUTE '{"rolecall": null}'`,
          'ACCOUNT UNLOCK',
        ],
        one.word,
      )}`;
  }
};

/** A schema as a grant names it: escaped, as it stands, or a pattern. */
const storedFor = ({ object, flags }: Move): string => {
  const schema = pick(SCHEMAS, object);
  return ident(
    flags < 8 ? schema.replaceAll(/[_%]/g, '\\$&') : flags < 11 ? schema : pick(['my%', 'my_db', '%', 'm%b', 'o%'], flags + object),
  );
};

// ---- names -------------------------------------------------------------------------------------------------------------

/** Words that mean something to SQL, YAML, shells or terminals. `${` may stand in passwords only. */
const NASTY = [
  'current_user',
  '-- x',
  '*',
  '"',
  "'",
  '`',
  '\\',
  '\\_',
  '%',
  '_',
  '@',
  "'@'%",
  'a,b',
  'a.b',
  'line\nbreak',
  'ünïcødé',
  '数据库',
  'null',
  '~',
  '1',
  'true',
  '$1',
  '%s',
  '\u001b[31m',
  '\u202e',
  '<<',
  '&a',
  '!x',
  '|',
  'constructor',
  '__proto__',
  '#',
  '/*!',
  ';DROP TABLE t;',
];

const name = (): fc.Arbitrary<string> =>
  fc
    .oneof(
      fc.constantFrom(...NASTY),
      fc.array(fc.constantFrom(...NASTY, ...'abcXYZ019_ '), { minLength: 1, maxLength: 9 }).map((parts) => parts.join('')),
      fc.constantFrom('x', 'ü', '%', '`', '\\').map((one) => one.repeat(32)),
    )
    .map((text) => text.slice(0, 32).trim())
    .filter((text) => text !== '' && !/^(rds|master$|mysql\.)/i.test(text) && !text.includes('${'));

const swapped = (text: string): string =>
  [...text].map((one) => (one === one.toLowerCase() ? one.toUpperCase() : one.toLowerCase())).join('');

const names = (): fc.Arbitrary<Names> =>
  fc.uniqueArray(name(), { minLength: 7, maxLength: 7, selector: (one) => one.toLowerCase() }).map((all) => {
    const [groups, users] = [all.slice(0, 3), all.slice(3, 6)];
    const twin = swapped(users[0]!);
    return { groups, users, foreign: [all[6]!, ...(twin.length <= 32 && twin !== users[0] && !all.includes(twin) ? [twin] : [])] };
  });

/** Random worlds; MariaDB lacks a few of the manifest's keys. */
export const worlds = (flavour: Flavour): fc.Arbitrary<World> =>
  names().chain((chosen) =>
    fc.record({
      names: fc.constant(chosen),
      before: fc.array(move(), { maxLength: 40 }),
      between: fc.array(move(), { maxLength: 15 }),
      first: accesses(chosen, flavour),
      second: accesses(chosen, flavour),
    }),
  );
