import fc from 'fast-check';
import { stringify } from 'yaml';
import { ident } from '../../src/providers/postgres/sql.ts';
import type { Postgres } from '../lab/postgres.ts';
import { NOBODY } from './observe.ts';

/** A random server: names, what is done to it by hand, and two manifests that follow one another. */
export type World = {
  readonly names: Names;
  /** Done before the first manifest, and between the two. */
  readonly before: readonly Move[];
  readonly between: readonly Move[];
  readonly first: Access;
  readonly second: Access;
};

/** Roles of the manifests, and two that are nobody's. All distinct, all legal, none pleasant. */
export type Names = { readonly groups: readonly string[]; readonly users: readonly string[]; readonly foreign: readonly string[] };

/** Two databases, the second with a name that needs quoting everywhere. */
export const DATABASES = ['orders', 'a "b".c, {d}=/*x'] as const;
const TEMPLATE = 'world_template';
const SCHEMAS = ['s', 'S "q".{1}, x'] as const;
const TABLES = ['t', 'T "w" -- x', 'v'] as const;

/** Owners: one that the master administers, the master itself, and the superuser, whom nobody can act as. */
const OWNERS = ['maker', 'master', 'rdsadmin'] as const;

/** Everything in a database that can be granted, made once by the superuser; copies of it are the worlds. */
const CONTENTS = [
  `ALTER DATABASE ${TEMPLATE} OWNER TO master`,
  ...SCHEMAS.flatMap((schema, at) => {
    const [s, owner] = [ident(schema), OWNERS[at]!];
    return [
      `CREATE SCHEMA ${s} AUTHORIZATION ${owner}`,
      `CREATE TABLE ${s}.${ident(TABLES[0])} (a integer, b text, "c ""d""" date)`,
      `CREATE TABLE ${s}.${ident(TABLES[1])} (a integer GENERATED ALWAYS AS IDENTITY)`,
      `CREATE VIEW ${s}.v AS SELECT 1 AS one`,
      `CREATE SEQUENCE ${s}."q,1"`,
      `CREATE FUNCTION ${s}.f(integer, "char") RETURNS integer LANGUAGE sql AS 'SELECT 1'`,
      `CREATE PROCEDURE ${s}."p p"() LANGUAGE sql AS 'SELECT 1'`,
      `CREATE TYPE ${s}.e AS ENUM ('x')`,
      `CREATE DOMAIN ${s}.d AS integer`,
      ...[
        `TABLE ${s}.t`,
        `TABLE ${s}.${ident(TABLES[1])}`,
        `VIEW ${s}.v`,
        `SEQUENCE ${s}."q,1"`,
        `ROUTINE ${s}.f(integer, "char")`,
        `ROUTINE ${s}."p p"()`,
        `TYPE ${s}.e`,
        `DOMAIN ${s}.d`,
      ].map((object) => `ALTER ${object} OWNER TO ${owner}`),
    ];
  }),
  `CREATE TABLE ${ident(SCHEMAS[0])}.rds (a integer)`,
];

/** Makes what all worlds of a server share. */
export const prepare = async (server: Postgres): Promise<void> => {
  await server.query(server.master, 'postgres', `CREATE ROLE maker NOLOGIN; CREATE ROLE ${NOBODY} NOLOGIN`);
  await server.query(server.superuser, 'postgres', `CREATE DATABASE ${TEMPLATE}`);
  await server.query(server.superuser, TEMPLATE, CONTENTS.join(';\n'));
};

/** A fresh copy: databases, and nothing left of the roles of the world before. */
export const reset = async (server: Postgres): Promise<void> => {
  const client = await server.connect(server.superuser);
  try {
    for (const database of DATABASES) await client.query(`DROP DATABASE IF EXISTS ${ident(database)}`);
    const { rows } = await client.query<{ name: string }>(
      `SELECT rolname AS name FROM pg_roles WHERE oid >= 16384 AND rolname !~ '^rds' AND rolname NOT IN ('master', 'maker', '${NOBODY}')`,
    );
    if (rows.length > 0)
      await client.query(
        `DROP OWNED BY ${rows.map(({ name }) => ident(name)).join(', ')} CASCADE; DROP ROLE ${rows.map(({ name }) => ident(name)).join(', ')}`,
      );
    await client.query(
      "DO $$ DECLARE d record; BEGIN FOR d IN SELECT r.rolname FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole LOOP EXECUTE format('ALTER ROLE %I RESET ALL', d.rolname); END LOOP; END $$",
    );
    for (const database of DATABASES) await client.query(`CREATE DATABASE ${ident(database)} TEMPLATE ${TEMPLATE} OWNER master`);
  } finally {
    await client.end();
  }
};

/** Makes the roles of the names that the state begins with, as the master. */
export const populate = async (server: Postgres, { names, before }: World): Promise<void> => {
  await server.query(server.master, 'postgres', names.foreign.map((name) => `CREATE ROLE ${ident(name)} LOGIN`).join(';\n'));
  await perform(server, names, before);
};

// ---- by hand -----------------------------------------------------------------------------------------------------------

/** Something that is done by hand; numbers choose among what there is. */
export type Move = {
  readonly act: 'create' | 'member' | 'grant' | 'revoke' | 'default' | 'setting' | 'comment' | 'attribute';
  readonly database: number;
  readonly role: number;
  readonly other: number;
  readonly object: number;
  readonly word: number;
  /** Who does it: the superuser, an owner, or a role of the world. */
  readonly as: number;
  readonly flags: number;
};

const move = (): fc.Arbitrary<Move> =>
  fc.record({
    act: fc.oneof(
      { weight: 3, arbitrary: fc.constant('create' as const) },
      { weight: 4, arbitrary: fc.constant('member' as const) },
      { weight: 6, arbitrary: fc.constant('grant' as const) },
      { weight: 2, arbitrary: fc.constant('revoke' as const) },
      { weight: 1, arbitrary: fc.constant('default' as const) },
      { weight: 1, arbitrary: fc.constantFrom('setting' as const, 'comment' as const, 'attribute' as const) },
    ),
    database: fc.nat(1),
    role: fc.nat(20),
    other: fc.nat(20),
    object: fc.nat(40),
    word: fc.nat(8),
    as: fc.nat(11),
    flags: fc.nat(15),
  });

/** Does the moves that the server allows, the database's own in each. */
export const perform = async (server: Postgres, names: Names, moves: readonly Move[]): Promise<void> => {
  for (const database of DATABASES) {
    const here = moves.filter((one) => DATABASES[one.database] === database);
    if (here.length === 0) continue;
    const attempts = here.map((one) => {
      const [as, sql] = statementOf(one, names, server.major);
      const quoted = (text: string) => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
      return `BEGIN EXECUTE ${quoted(`SET LOCAL SESSION AUTHORIZATION ${ident(as)}`)}; EXECUTE ${quoted(sql)}; EXCEPTION WHEN OTHERS THEN NULL; END; RESET SESSION AUTHORIZATION;`;
    });
    await server.query(server.superuser, database, `DO $moves$ BEGIN ${attempts.join('\n')} END $moves$`);
  }
};

const WORDS = {
  table: ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'],
  column: ['SELECT', 'INSERT', 'UPDATE', 'REFERENCES'],
  schema: ['USAGE', 'CREATE'],
  database: ['CONNECT', 'CREATE', 'TEMPORARY'],
  sequence: ['USAGE', 'SELECT', 'UPDATE'],
  routine: ['EXECUTE'],
  type: ['USAGE'],
  language: ['USAGE'],
} as const;
type GrantKind = keyof typeof WORDS;

type Thing = { readonly kind: GrantKind; readonly sql: string; readonly owner: string; readonly column?: string };
const things = (database: string): Thing[] => [
  { kind: 'database', sql: `DATABASE ${ident(database)}`, owner: 'master' },
  { kind: 'language', sql: 'LANGUAGE plpgsql', owner: 'rdsadmin' },
  { kind: 'schema', sql: 'SCHEMA public', owner: 'master' },
  { kind: 'table', sql: `${ident(SCHEMAS[0])}.rds`, owner: 'rdsadmin' },
  ...SCHEMAS.flatMap((schema, at): Thing[] => {
    const [s, owner] = [ident(schema), OWNERS[at]!];
    return [
      { kind: 'schema', sql: `SCHEMA ${s}`, owner },
      ...TABLES.map((table): Thing => ({ kind: 'table', sql: `${s}.${ident(table)}`, owner })),
      ...['a', 'b', 'c "d"'].map((column): Thing => ({ kind: 'column', sql: `${s}.${ident(TABLES[0])}`, owner, column })),
      { kind: 'sequence', sql: `SEQUENCE ${s}."q,1"`, owner },
      { kind: 'routine', sql: `ROUTINE ${s}.f(integer, "char")`, owner },
      { kind: 'routine', sql: `ROUTINE ${s}."p p"()`, owner },
      { kind: 'type', sql: `TYPE ${s}.e`, owner },
      { kind: 'type', sql: `DOMAIN ${s}.d`, owner },
    ];
  }),
];

const pick = <T>(list: readonly T[], at: number): T => list[at % list.length]!;

/** Who does it, and what. */
const statementOf = (one: Move, names: Names, major: number): readonly [string, string] => {
  const roles = [...names.groups, ...names.users, ...names.foreign];
  const [role, other] = [ident(pick(roles, one.role)), ident(pick(roles, one.other))];
  const thing = pick(things(DATABASES[one.database]!), one.object);
  const option = (one.flags & 1) === 1;
  const actor = one.as < 6 ? thing.owner : one.as < 10 ? pick(roles, one.as + one.role) : 'rdsadmin';
  const word = pick(WORDS[thing.kind], one.word) + (thing.column ? ` (${ident(thing.column)})` : '');
  const grantee = one.flags === 15 ? 'PUBLIC' : role;
  switch (one.act) {
    case 'create':
      return ['master', `CREATE ROLE ${role} ${one.flags < 8 ? 'LOGIN' : 'NOLOGIN'}`];
    case 'member': {
      // a user with members is no user of ours
      const group = ident(pick(one.flags < 12 ? names.groups : names.foreign, one.role));
      const options =
        major >= 16
          ? `WITH ADMIN ${option}, INHERIT ${(one.flags & 2) === 0}, SET ${(one.flags & 4) === 0}`
          : option
            ? 'WITH ADMIN OPTION'
            : '';
      return [one.as < 8 ? 'master' : pick(roles, one.as), `GRANT ${group} TO ${other} ${options}`];
    }
    case 'grant':
      return [actor, `GRANT ${word} ON ${thing.sql} TO ${grantee}${option && grantee !== 'PUBLIC' ? ' WITH GRANT OPTION' : ''}`];
    case 'revoke':
      return [actor, `REVOKE ${word} ON ${thing.sql} FROM ${one.flags < 6 ? ident(thing.owner) : grantee}${option ? ' CASCADE' : ''}`];
    case 'default':
      return [
        'rdsadmin',
        `ALTER DEFAULT PRIVILEGES FOR ROLE maker ${option ? `IN SCHEMA ${ident(pick(SCHEMAS, one.object))}` : ''} GRANT ${pick(WORDS.table, one.word)} ON TABLES TO ${role}`,
      ];
    case 'setting':
      return [
        'rdsadmin',
        `ALTER ROLE ${role} ${option ? `IN DATABASE ${ident(DATABASES[one.database]!)}` : ''} SET ${pick(['statement_timeout = 5', "search_path = 'a, \"B', c", 'work_mem = 64'], one.word)}`,
      ];
    case 'comment':
      return ['rdsadmin', `COMMENT ON ROLE ${role} IS ${pick(["'it''s mine\\n'", "'x\n[rolecall stack=test/access]'", 'NULL'], one.word)}`];
    case 'attribute':
      return [
        'rdsadmin',
        `ALTER ROLE ${role} ${pick(['CONNECTION LIMIT 3', 'NOINHERIT', 'CREATEDB', 'LOGIN', "VALID UNTIL '2031-01-01'", 'NOLOGIN'], one.word)}`,
      ];
  }
};

// ---- names -------------------------------------------------------------------------------------------------------------

/** Words that mean something to SQL, YAML, shells or terminals. `${` may stand in passwords only. */
const NASTY = [
  'PUBLIC',
  'current_user',
  '-- x',
  '*',
  '"',
  "'",
  '{=r/x}',
  'a,b',
  'a.b',
  '\\',
  'line\nbreak',
  ' ',
  'ünïcødé',
  '数据库',
  '🦆',
  '[rolecall stack=x]',
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
  '@',
  '`',
  ';DROP TABLE t;',
];

const name = (): fc.Arbitrary<string> =>
  fc
    .oneof(
      fc.constantFrom(...NASTY),
      fc.array(fc.constantFrom(...NASTY, ...'abcXYZ019_'), { minLength: 1, maxLength: 9 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
    )
    .map(truncated)
    .filter(
      (text) =>
        text !== '' && !/^(pg_|rds|public$|none$)/.test(text) && !['master', 'maker', NOBODY].includes(text) && !text.includes('${'),
    );

/** At most 63 bytes of whole characters, no NUL. */
const truncated = (text: string): string => {
  let kept = '';
  for (const character of text.replaceAll('\0', '')) if (Buffer.byteLength(kept + character) <= 63) kept += character;
  return kept;
};

const names = (): fc.Arbitrary<Names> =>
  fc
    .uniqueArray(name(), { minLength: 9, maxLength: 9 })
    .map((all) => ({ groups: all.slice(0, 4), users: all.slice(4, 7), foreign: all.slice(7) }));

// ---- manifests ---------------------------------------------------------------------------------------------------------

/** The rest of a manifest as a value: users, groups, … */
export type Access = Readonly<Record<string, unknown>>;

const quote = (part: string): string => `"${part.replaceAll('"', '""')}"`;
const place = fc.tuple(fc.constantFrom(...DATABASES), fc.constantFrom(...SCHEMAS));
const selector = place.chain(([database, schema]) =>
  fc.constantFrom(`${quote(database)}.${quote(schema)}`, `${quote(database)}.*`, `*.${quote(schema)}`),
);
const words = (kind: GrantKind) =>
  fc.subarray(
    [...WORDS[kind]].map((word) => word.toLowerCase()),
    { minLength: 1, maxLength: Math.min(3, WORDS[kind].length) },
  );

const grant = (): fc.Arbitrary<object> =>
  place.chain(([database, schema]) => {
    const within = (key: string, kind: GrantKind, objects: readonly string[]) =>
      fc.record(
        {
          privileges: words(kind),
          [key]: fc.constantFrom(...objects.map((object) => `${quote(schema)}.${object}`)),
          database: fc.constant(quote(database)),
          grantable: fc.constantFrom(true, false, false),
        },
        { requiredKeys: ['privileges', key, 'database'] },
      );
    return fc.oneof(
      { weight: 4, arbitrary: within('tables', 'table', ['*', 't', quote(TABLES[1]), 'v']) },
      { weight: 1, arbitrary: within('sequences', 'sequence', ['*', '"q,1"']) },
      { weight: 1, arbitrary: within('routines', 'routine', ['*', 'f(int4, "char")', '"p p"']) },
      { weight: 1, arbitrary: within('types', 'type', ['*', 'e']) },
      {
        weight: 1,
        arbitrary: fc.record({ privileges: words('schema'), schemas: fc.constant(quote(schema)), database: fc.constant(quote(database)) }),
      },
      { weight: 1, arbitrary: fc.record({ privileges: words('database'), databases: fc.constant(quote(database)) }) },
      {
        weight: 3,
        arbitrary: fc.record({
          privileges: words('column'),
          tables: fc.constant(`${quote(schema)}.t`),
          columns: fc.subarray(['a', 'b', 'c "d"'], { minLength: 1 }),
          database: fc.constant(quote(database)),
        }),
      },
    );
  });

/** Column grants under a table grant of the same word are an error: only one of the two is kept. */
const grants = (max: number): fc.Arbitrary<object[]> =>
  fc
    .array(grant(), { maxLength: max })
    .map((list) => (list.some((one) => 'columns' in one) ? list.filter((one) => !('tables' in one) || 'columns' in one) : list));

const group = (at: number, groups: readonly string[], major: number): fc.Arbitrary<object> =>
  fc
    .record({
      groups: memberships(groups.slice(0, at), major, true),
      read: fc.array(selector, { maxLength: 1 }),
      write: fc.array(selector, { maxLength: 1 }),
      use: fc.option(fc.record({ odd: fc.array(selector, { minLength: 1, maxLength: 1 }) }), { nil: undefined }),
      grants: grants(3),
      description: fc.constantFrom(undefined, '', 'plain', 'two\nlines\n[rolecall stack=no'),
    })
    .map(({ read, write, use, grants: own, ...rest }) =>
      compact({ ...rest, ...(own.some((one) => 'columns' in one) ? { grants: own } : { read, write, use, grants: own }) }),
    );

/** Empty lists say nothing. */
const compact = (entry: object): Access =>
  Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0)));

const memberships = (from: readonly string[], major: number, nested = false): fc.Arbitrary<unknown[]> =>
  fc.subarray([...from]).chain((list) =>
    fc.tuple(
      ...list.map((one) =>
        fc.oneof(
          { weight: 3, arbitrary: fc.constant(one) as fc.Arbitrary<unknown> },
          {
            weight: 1,
            arbitrary: fc.constantFrom<unknown>(
              { name: one, until: nested ? '2027-01-01' : '2026-01-01', reason: 'x' },
              { name: one, until: '2026-12-31T10:00:00Z' },
              { name: one, admin: true },
            ),
          },
          { weight: major >= 16 ? 1 : 0, arbitrary: fc.record({ name: fc.constant(one), inherit: fc.boolean(), set: fc.boolean() }) },
        ),
      ),
    ),
  );

const user = (at: number, groups: readonly string[], major: number): fc.Arbitrary<object> =>
  fc
    .record({
      auth: fc.constantFrom('password', 'iam', 'none'),
      groups: memberships(groups, major),
      grants: grants(1),
      connection_limit: fc.constantFrom(undefined, 0, 7),
      enabled: fc.constantFrom(undefined, undefined, false),
      settings: fc.constantFrom(undefined, { search_path: ['a', 'B c,"d"'] }, { statement_timeout: '30s', work_mem: '4MB' }),
      database_settings: fc.constantFrom(undefined, undefined, { [DATABASES[1]]: { statement_timeout: 7 } }),
      until: fc.constantFrom(undefined, undefined, undefined, '2027-03-01', '2026-02-01'),
      manage: fc.constantFrom(undefined, undefined, undefined, 'additive'),
    })
    .map((entry) => compact({ ...entry, ...(entry.auth === 'password' ? { password: `\${env:ROLECALL_CANARY_${at}}` } : {}) }));

const access = ({ groups, users, foreign }: Names, major: number): fc.Arbitrary<Access> =>
  fc
    .record({
      groups: fc.tuple(...groups.map((_, at) => fc.option(group(at, groups, major), { freq: 6, nil: undefined }))),
      users: fc.tuple(...users.map((_, at) => fc.option(user(at, groups, major), { freq: 6, nil: undefined }))),
      owning: fc.option(fc.tuple(fc.nat(groups.length - 1), place), { freq: 2, nil: undefined }),
      defaults: fc.array(
        fc.record({
          database: fc.constantFrom(...DATABASES),
          schema: fc.constantFrom(...SCHEMAS),
          created_by: fc.constantFrom(['maker'], ['master']),
          to: fc.nat(groups.length - 1),
          privileges: words('table'),
          objects: fc.constant('tables'),
        }),
        { maxLength: 1 },
      ),
      public: fc.array(
        fc.oneof(
          fc.record({
            databases: fc.constantFrom(...DATABASES.map(quote)),
            revoke: fc.constantFrom(['temporary'], ['connect', 'temporary']),
          }),
          fc.record({
            routines: fc.constant(`${quote(SCHEMAS[1])}.*`),
            database: fc.constantFrom(...DATABASES.map(quote)),
            revoke: fc.constant(['execute']),
          }),
          fc.record({
            tables: fc.constant(`${quote(SCHEMAS[0])}.t`),
            database: fc.constantFrom(...DATABASES.map(quote)),
            grant: fc.constant(['select']),
          }),
        ),
        { maxLength: 1 },
      ),
      removed: fc.constantFrom<Access | undefined>(undefined, { drop: true, reassign_to: 'maker' }, { forget: true }),
    })
    .map(({ groups: bodies, users: persons, owning, defaults, public: publics, removed }) => {
      const present = new Map(bodies.flatMap((body, at) => (body ? [[groups[at]!, body] as const] : [])));
      const only = (list: unknown) =>
        Array.isArray(list) ? list.filter((one) => present.has(typeof one === 'string' ? one : one.name)) : [];
      const bound = (body: object) => compact({ ...body, groups: only((body as { groups?: unknown }).groups) });
      if (owning && present.has(groups[owning[0]]!)) {
        const [at, [database, schema]] = owning;
        present.set(groups[at]!, { ...present.get(groups[at]!)!, own: [`${quote(database)}.${quote(schema)}`] });
      }
      return compact({
        profiles: {
          odd: [
            { privileges: ['select'], tables: '*' },
            { privileges: ['insert', 'update'], tables: quote(TABLES[1]) },
          ],
        },
        groups: own(present.entries(), bound),
        users: own(
          users.map((one, at) => [one, persons[at]] as const),
          bound,
        ),
        defaults: defaults.flatMap((one) => (present.has(groups[one.to]!) ? [{ ...one, to: groups[one.to]! }] : [])),
        public: publics,
        existing: ['maker', 'master'],
        ...(removed ? { removed: own([[foreign[0]!, removed]], (body) => body) } : {}),
      });
    });

/** A map without a prototype: any name is just a key. */
const own = (entries: Iterable<readonly [string, object | undefined]>, body: (value: object) => object): object =>
  Object.assign(
    Object.create(null),
    ...[...entries].flatMap(([key, value]) => (value ? [Object.defineProperty({}, key, { value: body(value), enumerable: true })] : [])),
  ) as object;

/** Random worlds for a major: before 16 memberships have no options of their own. */
export const worlds = (major: number): fc.Arbitrary<World> =>
  names().chain((chosen) =>
    fc.record({
      names: fc.constant(chosen),
      before: fc.array(move(), { maxLength: 40 }),
      between: fc.array(move(), { maxLength: 12 }),
      first: access(chosen, major),
      second: access(chosen, major),
    }),
  );

/** Target keys of every world. */
export const TARGET = `databases: ${JSON.stringify(DATABASES)}\ndefaults_for: { orders: [maker], ${JSON.stringify(DATABASES[1])}: [maker, master] }`;

/** The manifest's rest as YAML text; `flow`: everything under the top-level keys in braces and double quotes. */
export const yamlOf = (value: Access, { flow = false, shuffled }: { readonly flow?: boolean; readonly shuffled?: number } = {}): string => {
  const ordered = shuffled === undefined ? value : (shuffle(value, shuffled) as Access);
  // a plain `<<` would merge
  if (!flow) return stringify(ordered, { lineWidth: 0, defaultKeyType: 'QUOTE_DOUBLE' });
  const options = { lineWidth: 0, collectionStyle: 'flow', defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'QUOTE_DOUBLE' } as const;
  return Object.entries(ordered)
    .map(([key, entry]) => `${key}: ${stringify(entry, options)}`)
    .join('');
};

/** Another order of the keys of every map. */
const shuffle = (value: unknown, seed: number): unknown => {
  if (Array.isArray(value)) return value.map((item) => shuffle(item, seed));
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value);
  const turn = seed % Math.max(1, keys.length);
  return Object.fromEntries(
    [...keys.slice(turn), ...keys.slice(0, turn)].reverse().map((key) => [key, shuffle((value as Record<string, unknown>)[key], seed)]),
  );
};

/** Passwords that must not be seen anywhere. */
export const CANARIES = Object.fromEntries([0, 1, 2].map((at) => [`ROLECALL_CANARY_${at}`, `canary-${at}-secret-ünseen`]));
