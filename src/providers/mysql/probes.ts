import { isPattern, matches } from '../../core/selector.ts';
import { accountName } from '../../model/account.ts';
import type { Account, Part } from '../../model/declared.ts';
import { pathKey } from '../../model/key.ts';
import { type Came, OWN, type Probe } from '../../model/proof.ts';
import { type Ability, cameOf, missing } from '../came.ts';
import { messageOf } from '../network.ts';
import { type Asker, askerOf } from './access-asker.ts';
import { effectiveAccess, type Place } from './access-effective.ts';
import { stateOf } from './access-state.ts';
import { isSystemSchema } from './catalog.ts';
import type { Connected } from './connect.ts';
import type { Snapshot } from './snapshot.ts';
import { ident, literal } from './sql.ts';
import { errno, isLost } from './trouble.ts';

/** The login that is tried, and the one that sees what there is. */
export type World = { readonly login: Connected; readonly own: Connected; readonly snapshot: Snapshot };

/**
 * Tries one thing as the login, and changes nothing: PREPARE without EXECUTE for what the server checks then, and for the rest what
 * its grants and active roles come to.
 */
export const tryProbe = async (world: World, account: Account, probe: Probe): Promise<Came> => {
  const places = await placesOf(world, probe);
  if (places.length === 0) return missing(probe);
  if (places.length > MOST)
    return { status: 'unproven', cause: 'object', message: `more than ${MOST} objects match`, hint: 'select fewer' };
  const asker = askerOf(stateOf(world.snapshot), nameOf(world.snapshot, account));
  const abilities: (Ability & { readonly object: string })[] = [];
  for (const place of places) abilities.push({ ...(await abilityAt(world, asker, probe, place)), object: shown(place) });
  return cameOf(probe, abilities);
};
const MOST = 100;

/** A user of MariaDB that has the name of a role is named otherwise than others: it is found by its host. */
const nameOf = ({ accounts }: Snapshot, { user, host }: Account): string =>
  accounts.find((one) => one.user === user && one.host === host)?.name ?? accountName({ user, host });

/** What the probe is about, of what there is; patterns leave out the schemas of the server. */
const placesOf = async ({ own, snapshot }: World, { kind, schema, name }: Probe): Promise<readonly Place[]> => {
  if (kind === 'global') return [{ kind: 'global' }];
  const folded = snapshot.server.lowerCaseTableNames !== 0;
  const schemaPart = schema ?? name;
  const schemas = (await names(own, 'SELECT SCHEMA_NAME FROM information_schema.SCHEMATA')).filter(
    (one) => meets(schemaPart, one, folded) && !(isPattern(schemaPart) && isSystemSchema(one)),
  );
  if (kind === 'schema') return schemas.map((one) => ({ kind: 'schema', schema: one }));
  const found: Place[] = [];
  for (const one of schemas) {
    if (kind === 'table') {
      const tables = await names(own, 'SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?', one);
      for (const table of tables) if (meets(name, table, folded)) found.push({ kind: 'table', schema: one, name: table });
      continue;
    }
    const rows = await own.ask(
      "SELECT ROUTINE_NAME, LOWER(ROUTINE_TYPE) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? AND ROUTINE_TYPE IN ('FUNCTION', 'PROCEDURE')",
      [one],
    );
    for (const [routine, type] of rows)
      if (meets(name, String(routine), true) && (kind === 'routine' || kind === type))
        found.push({ kind: type as 'function' | 'procedure', schema: one, name: String(routine) });
  }
  return found;
};

const names = async ({ ask }: Connected, sql: string, ...values: readonly string[]): Promise<readonly string[]> =>
  (await ask(sql, values)).map(([name]) => String(name));

const meets = (part: Part, name: string, folded: boolean): boolean =>
  folded ? matches({ ...part, text: part.text.toLowerCase() }, name.toLowerCase()) : matches(part, name);

const shown = (place: Place): string => {
  switch (place.kind) {
    case 'global':
      return '*.*';
    case 'schema':
      return pathKey(place.schema);
    case 'column':
      return pathKey(place.schema, place.relation, place.name);
    case 'proxy':
      return place.name;
    default:
      return pathKey(place.schema, place.name);
  }
};

const PREPARED: ReadonlySet<string> = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE']);

const abilityAt = async (world: World, asker: Asker, probe: Probe, place: Place): Promise<Ability> => {
  if (place.kind === 'table' && PREPARED.has(probe.privilege)) return await prepared(world, probe, place);
  const words = wordsFor(probe.privilege, place);
  const at: readonly Place[] =
    place.kind === 'table' && probe.columns.length > 0
      ? probe.columns.map((name) => ({ kind: 'column', schema: place.schema, relation: place.name, name }))
      : [place];
  const lacking = at.flatMap((one) => words.filter((word) => !effectiveAccess(asker, one).has(word)).map((word) => ({ word, one })));
  const [first] = lacking;
  if (first === undefined)
    return { able: 'yes', why: `${words.join(' and ')} on ${shown(place)} is held${wayOf(asker, at[0]!, words[0]!)}` };
  const no = `denied: ${first.word} on ${shown(first.one)} is not held`;
  if (probe.can) return { able: 'no', why: no };
  const held = [...at, ...within(world.snapshot, asker, place)].find((one) => words.some((word) => effectiveAccess(asker, one).has(word)));
  if (held === undefined) return { able: 'no', why: no };
  const word = words.find((one) => effectiveAccess(asker, held).has(one))!;
  return { able: 'partly', why: `${word} on ${shown(held)} is held${wayOf(asker, held, word)}` };
};

/** To alter and to drop: routines have one privilege for both. */
const wordsFor = (privilege: string, { kind }: Place): readonly string[] =>
  privilege !== OWN ? [privilege] : kind === 'function' || kind === 'procedure' ? ['ALTER ROUTINE'] : ['ALTER', 'DROP'];

const wayOf = (asker: Asker, place: Place, word: string): string => {
  const way = effectiveAccess(asker, place).get(word) ?? [];
  return way.length === 0 || way[0] === 'direct' ? '' : ` (by ${way.join(', ')})`;
};

/** Narrower places that a privilege may be held on all the same. */
const within = ({ schemas, tables, routines }: Snapshot, asker: Asker, place: Place): readonly Place[] => {
  if (place.kind !== 'global' && place.kind !== 'schema') return columnsHeld(asker, place);
  const inside = (schema: string): boolean => place.kind === 'global' || place.schema === schema;
  return [
    ...schemas.filter(inside).map((schema): Place => ({ kind: 'schema', schema })),
    ...tables.flatMap(({ schema, names: all }) =>
      inside(schema)
        ? all.flatMap((name) => {
            const table = { kind: 'table', schema, name } as const;
            return [table, ...columnsHeld(asker, table)];
          })
        : [],
    ),
    ...routines.flatMap(({ schema, kind, names: all }) => (inside(schema) ? all.map((name): Place => ({ kind, schema, name })) : [])),
  ];
};

const columnsHeld = ({ own, roles, publics, others }: Asker, place: Place): readonly Place[] => {
  if (place.kind !== 'table') return [];
  const { schema, name: relation } = place;
  return [own, ...roles, ...publics, ...others].flatMap(({ holdings }) =>
    [...(holdings.tables.get(`${schema}\0${relation}`)?.columns.keys() ?? [])].map(
      (name): Place => ({ kind: 'column', schema, relation, name }),
    ),
  );
};

type Table = Extract<Place, { readonly kind: 'table' | 'function' | 'procedure' }>;

/** A statement that needs the privilege on every one of these columns. */
const statement = (privilege: string, { schema, name }: Table, columns: readonly string[]): string => {
  const table = `${ident(schema)}.${ident(name)}`;
  switch (privilege) {
    case 'SELECT':
      // A view of what is gone has no columns: that it is broken shows all the same.
      return `SELECT ${columns.map(ident).join(', ') || '*'} FROM ${table}`;
    case 'INSERT':
      return `INSERT INTO ${table} (${columns.map(ident).join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
    case 'UPDATE':
      return `UPDATE ${table} SET ${columns.map((column) => `${ident(column)} = ?`).join(', ')}`;
    default:
      return `DELETE FROM ${table}`;
  }
};

const prepared = async ({ login, own }: World, { privilege, columns, can }: Probe, table: Table): Promise<Ability> => {
  const all = privilege === 'DELETE' ? [] : columns.length > 0 ? columns : await columnsOf(own, table, privilege);
  if (privilege === 'UPDATE' && all.length === 0) return { able: 'no', why: `${shown(table)} has no columns to write to` };
  const whole = await prepare(login, statement(privilege, table, all));
  if (whole === null) return { able: 'yes', why: `${privilege} on ${shown(table)} is permitted` };
  if (whole.why === 'broken') return { able: 'broken', why: whole.message };
  if (whole.why === 'impossible') return { able: 'no', why: `nobody can: ${whole.message}` };
  if (can || privilege === 'DELETE') return { able: 'no', why: `denied: ${whole.message}` };
  const some: string[] = [];
  for (const column of all) if ((await prepare(login, statement(privilege, table, [column]))) === null) some.push(column);
  if (some.length === 0) return { able: 'no', why: `denied: ${whole.message}` };
  return { able: 'partly', why: `${privilege} is permitted on the columns ${some.map((column) => pathKey(column)).join(', ')}` };
};

/** What is computed is not written by anybody; a default that is an expression is none of that. */
const columnsOf = async ({ ask }: Connected, { schema, name }: Table, privilege: string): Promise<readonly string[]> =>
  (
    await ask(
      'SELECT COLUMN_NAME, EXTRA FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION',
      [schema, name],
    )
  ).flatMap(([column, extra]) =>
    privilege !== 'SELECT' && /\b(VIRTUAL|STORED|PERSISTENT)\b/i.test(String(extra)) ? [] : [String(column)],
  );

/** `impossible`: not with such an object, whoever asks; `broken`: something else is wrong, such as a view of a table that is gone. */
type Refused = { readonly why: 'denied' | 'impossible' | 'broken'; readonly message: string };

const DENIED: ReadonlySet<number> = new Set([1044, 1142, 1143, 1370]);
/** A view that cannot be written to, a computed column. */
const IMPOSSIBLE: ReadonlySet<number> = new Set([1288, 1348, 1394, 1471, 1906, 3105]);

/** null: it would run. PREPARE checks every right that the statement needs, and runs nothing. */
const prepare = async ({ ask }: Connected, sql: string): Promise<Refused | null> => {
  try {
    await ask(`PREPARE rolecall_probe FROM ${literal(sql)}`);
    await ask('DEALLOCATE PREPARE rolecall_probe');
    return null;
  } catch (error) {
    const number = errno(error);
    if (isLost(error) || number === 0) throw error;
    return { why: DENIED.has(number) ? 'denied' : IMPOSSIBLE.has(number) ? 'impossible' : 'broken', message: messageOf(error) };
  }
};
