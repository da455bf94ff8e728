import type { PostgresKind } from '../../model/access.ts';
import type { Part } from '../../model/declared.ts';
import { Failure } from '../../model/finding.ts';
import { nameKey, pathKey } from '../../model/key.ts';
import { type Came, OWN, type Probe } from '../../model/proof.ts';
import { type Ability, cameOf, missing } from '../came.ts';
import { codeOf } from '../network.ts';
import type { Connected } from './connect.ts';
import { COLUMNS, type Found, findQuery, MOST, UNUSABLE_SEQUENCES } from './objects.ts';
import { splitRoutine } from './routine.ts';
import { signatureKey } from './signature.ts';
import { ident, qualified } from './sql.ts';
import { readError, withoutPlace } from './trouble.ts';

/**
 * Tries one thing as the login of the connection, and changes nothing: EXPLAIN in a READ ONLY transaction for what has a statement, the
 * server's own answer (`has_*_privilege`) for the rest.
 */
export const tryProbe = async (connected: Connected, probe: Probe, version: number): Promise<Came> => {
  try {
    return probe.kind === 'parameter' ? await tryParameter(connected, probe, version) : await tryObjects(connected, probe, version);
  } catch (error) {
    const read = readError(error, connected.peer);
    if (!(read instanceof Failure)) throw read;
    return { status: 'unproven', cause: 'other', message: withoutPlace(read.findings[0]!.message) };
  }
};

const tryObjects = async (connected: Connected, probe: Probe, version: number): Promise<Came> => {
  const found = await find(connected, probe, version);
  if (found === null) return unproven(`before PostgreSQL 18 a server does not say who holds what on a large object`);
  const { objects, kind } = found;
  if (objects.length === 0) return missing(probe);
  if (objects.length > MOST) return unproven(`more than ${MOST} objects match`, 'select fewer');
  const abilities: (Ability & { readonly object: string })[] = [];
  for (const object of objects) abilities.push({ ...(await abilityOf(connected, probe, kind, object)), object: shown(object, kind) });
  return cameOf(probe, abilities);
};

const unproven = (message: string, hint?: string): Came => ({ status: 'unproven', cause: 'object', message, ...(hint ? { hint } : {}) });

type Kind = Exclude<PostgresKind, 'column' | 'parameter'>;

/** A name without a kind is a sequence, else a type. null: this server has no way to ask. */
const find = async (
  connected: Connected,
  probe: Probe,
  version: number,
): Promise<{ readonly kind: Kind; readonly objects: readonly Found[] } | null> => {
  const kinds: readonly Kind[] = probe.kind === null ? ['sequence', 'type'] : [probe.kind as Kind];
  for (const kind of kinds) {
    const query = findQuery(probe, kind, version);
    if (query === null) return null;
    const { rows } = await connected.client.query<Found>(query.text, [...query.values]);
    const objects = kind === 'routine' ? overloads(rows, probe.name) : rows;
    if (objects.length > 0 || kind === kinds.at(-1)) return { kind, objects };
  }
  return null;
};

/** With the types of its arguments one routine is meant; without, all that have the name. */
const overloads = (rows: readonly Found[], { text, literal }: Part): readonly Found[] => {
  const routine = literal ? splitRoutine(text) : undefined;
  if (routine === undefined) return rows;
  const wanted = signatureKey(routine.args);
  return rows.filter(({ detail }) => wanted !== undefined && signatureKey(detail) === wanted);
};

const shown = ({ schema, name, detail }: Found, kind: Kind): string =>
  `${pathKey(...(schema === null ? [name] : [schema, name]))}${kind === 'routine' ? `(${detail})` : ''}`;

const abilityOf = async (connected: Connected, probe: Probe, kind: Kind, object: Found): Promise<Ability> => {
  const { privilege } = probe;
  if (privilege === OWN) return ownership(object, kind);
  if (kind === 'table' && object.detail !== 'S' && STATEMENTS.has(privilege)) return await explained(connected, probe, object);
  const where = shown(object, kind);
  if (!object.reachable) return { able: 'no', why: `denied: USAGE on the schema ${nameKey(object.schema!)} is missing` };
  if (object.held) return { able: 'yes', why: `${privilege} on ${where} is held` };
  if (kind === 'table' && privilege === 'REFERENCES')
    return await byColumns(connected, probe, object, `REFERENCES on ${where} is not held`);
  return { able: 'no', why: `denied: ${privilege} on ${where} is not held` };
};

const ownership = ({ owned, schemaOwned, schema, ...object }: Found, kind: Kind): Ability => {
  const where = shown({ owned, schemaOwned, schema, ...object }, kind);
  if (owned) return { able: 'yes', why: `${where} is owned` };
  if (schemaOwned)
    return { able: 'partly', why: `${where} is not owned, but its schema ${nameKey(schema!)} is: whoever owns that can drop it` };
  return { able: 'no', why: `denied: ${where} is not owned` };
};

const STATEMENTS: ReadonlySet<string> = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE']);

/** A statement that needs the privilege on the whole, or on the columns that are named. */
const statement = (privilege: string, table: string, columns: readonly string[]): string => {
  const list = columns.map(ident).join(', ');
  switch (privilege) {
    case 'SELECT':
      return `SELECT ${columns.length === 0 ? '*' : list} FROM ${table}`;
    case 'INSERT':
      return columns.length === 0
        ? `INSERT INTO ${table} DEFAULT VALUES`
        : `INSERT INTO ${table} (${list}) VALUES (${columns.map(() => 'DEFAULT').join(', ')})`;
    case 'UPDATE':
      return `UPDATE ${table} SET ${columns.map((column) => `${ident(column)} = DEFAULT`).join(', ')}`;
    default:
      return `DELETE FROM ${table}`;
  }
};

const explained = async (connected: Connected, probe: Probe, object: Found): Promise<Ability> => {
  const { privilege, columns } = probe;
  const { oid, schema, name } = object;
  const all = privilege === 'INSERT' || privilege === 'UPDATE' ? await columnsOf(connected, oid, privilege) : [];
  const named = columns.length > 0 ? columns : all.map((column) => column.name);
  if (privilege === 'UPDATE' && named.length === 0)
    return { able: object.held ? 'yes' : 'no', why: `${shown(object, 'table')} has no columns` };
  const refused = await explain(connected, statement(privilege, qualified(schema, name), named));
  if (refused === null) {
    const lacking = privilege === 'INSERT' && probe.can ? await sequencesLacking(connected, oid, columns) : [];
    if (lacking.length === 0) return { able: 'yes', why: `${privilege} on ${shown(object, 'table')} is permitted` };
    return {
      able: 'partly',
      why: `${privilege} on ${shown(object, 'table')} is permitted, and its defaults take numbers from ${lacking.join(', ')}, which may not be used`,
      hint: `grant usage on ${lacking.length === 1 ? 'that sequence' : 'those sequences'}`,
    };
  }
  if (refused.why === 'impossible') return { able: 'no', why: `nobody can: ${refused.message}` };
  if (refused.why === 'broken') return { able: 'broken', why: refused.message };
  // Whoever holds it on a column can do it to that column.
  return probe.can || privilege === 'DELETE' || !object.reachable
    ? { able: 'no', why: `denied: ${refused.message}` }
    : await byColumns(connected, probe, object, refused.message);
};

const byColumns = async (connected: Connected, { privilege, columns }: Probe, object: Found, message: string): Promise<Ability> => {
  const all = await columnsOf(connected, object.oid, privilege);
  const held = all.filter(({ name, held: holds }) => holds && (columns.length === 0 || columns.includes(name)));
  if (held.length === 0) return { able: 'no', why: `denied: ${message}` };
  return {
    able: 'partly',
    why: `${privilege} is held on the column${held.length === 1 ? '' : 's'} ${held.map(({ name }) => nameKey(name)).join(', ')}`,
  };
};

const columnsOf = async ({ client }: Connected, oid: string, privilege: string) =>
  (await client.query<{ name: string; held: boolean }>(COLUMNS, [oid, privilege])).rows;

const sequencesLacking = async ({ client }: Connected, oid: string, given: readonly string[]): Promise<readonly string[]> =>
  (await client.query<{ schema: string; name: string }>(UNUSABLE_SEQUENCES, [oid, [...given]])).rows.map(({ schema, name }) =>
    pathKey(schema, name),
  );

/** `impossible`: not with such an object, whoever asks; `broken`: something else is wrong, such as a default that cannot be computed. */
type Refused = { readonly why: 'denied' | 'impossible' | 'broken'; readonly message: string };

/** A view that cannot be written to, a materialized one: 55000, 42809, 0A000. */
const IMPOSSIBLE: ReadonlySet<string> = new Set(['55000', '42809', '0A000']);

/** null: it would run. EXPLAIN checks every right that the statement needs, and runs nothing. */
const explain = async ({ client }: Connected, sql: string): Promise<Refused | null> => {
  await client.query('BEGIN TRANSACTION READ ONLY');
  try {
    await client.query(`EXPLAIN (COSTS OFF) ${sql}`);
    return null;
  } catch (error) {
    const code = codeOf(error);
    if (!/^[0-9A-Z]{5}$/.test(code) || /^(08|57)/.test(code)) throw error;
    return { why: code === '42501' ? 'denied' : IMPOSSIBLE.has(code) ? 'impossible' : 'broken', message: (error as Error).message };
  } finally {
    await client.query('ROLLBACK').catch(() => {});
  }
};

const tryParameter = async ({ client }: Connected, { privilege, name, can }: Probe, version: number): Promise<Came> => {
  if (version < 150000) return unproven('before PostgreSQL 15 nobody is granted parameters');
  const { rows } = await client.query<{ held: boolean }>('SELECT pg_catalog.has_parameter_privilege($1, $2) AS held', [
    name.text,
    privilege,
  ]);
  const held = rows[0]?.held === true;
  const message = `${held ? '' : 'denied: '}${privilege} on ${name.text} is ${held ? '' : 'not '}held`;
  return held === can ? { status: 'passed', cause: null, message } : { status: 'failed', cause: 'permission', message };
};
