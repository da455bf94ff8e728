import { failure } from '../../model/finding.ts';
import { accountsOf, type Row, type Rows, type Tables } from './account-rows.ts';
import type { Connected } from './connect.ts';
import {
  CHECKSUMS,
  CUT_TEXTS,
  grantQueries,
  type Query,
  SNAPSHOT_BEGIN,
  SNAPSHOT_END,
  tableGrants,
  tablesApart,
  type Whose,
} from './queries.ts';
import { type Grants, grantsOf } from './rows.ts';

/** Users of whom more than their names is of interest; null: all. */
export type Concerned = ReadonlySet<string> | null;

/** `concerned`: by the rows of the other tables; `ahead`: asked as soon as nothing else is, so that the server goes on meanwhile. */
type Reading = {
  readonly connected: Connected;
  readonly columns: Tables['columns'];
  readonly concerned: (rows: Rows) => Concerned;
  readonly ahead: () => Promise<unknown>;
};

/** The grant tables at one moment: in one snapshot, or again and again until nothing changed meanwhile. */
export const readGrants = async (reading: Reading): Promise<Grants> => {
  const { connected } = reading;
  if (connected.flavour === 'mysql') {
    for (const sql of SNAPSHOT_BEGIN) await connected.ask(sql);
    const [grants] = await readTables(reading, async () => null);
    await connected.ask(SNAPSHOT_END);
    return grants;
  }
  let before = await checksums(connected);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const [grants, after] = await readTables(reading, async () => await checksums(connected));
    if (after === before) return grants;
    before = after;
  }
  const { target } = connected.peer;
  throw failure('inspect/moving', `target '${target.name}': its grants changed each of the ${ATTEMPTS} times that they were read`, {
    hint: 'try again when whoever changes them is done',
    target: target.name,
    source: target.source,
  });
};
const ATTEMPTS = 5;

const checksums = async (connected: Connected): Promise<string> => JSON.stringify(await connected.ask(CHECKSUMS));

/** Every grant table, and what `last` asks after them. What has come is looked at while the server puts together the rest. */
const readTables = async <T>(reading: Reading, last: () => Promise<T>): Promise<readonly [Grants, T]> => {
  const { connected, columns, concerned, ahead } = reading;
  const { flavour, version } = connected;
  const rows = await readAll(connected, grantQueries(flavour, columns));
  const users = concerned(rows);
  const held = heldOnTables(connected, whoseRows(users, rows), last);
  held.catch(() => {});
  ahead();
  const accounts = accountsOf({ flavour, version, columns, rows });
  const { onTables, answer } = await held;
  const grants = grantsOf({ flavour, version, columns, rows: new Map([...rows, ...onTables]) }, accounts, users);
  return [grants, await answer()];
};

/** What accounts hold on tables: as text, or, where the server cut that off, row by row; `answer` waits for what was asked after it. */
const heldOnTables = async <T>(
  connected: Connected,
  whose: Whose,
  last: () => Promise<T>,
): Promise<{ readonly onTables: Rows; readonly answer: () => Promise<T> }> => {
  const { flavour } = connected;
  const read = async (...queries: readonly Query[]) => {
    const [rows, next] = [readAll(connected, queries), askedOnce(last)];
    next();
    return { rows: await rows, answer: next };
  };
  const { rows: texts, answer } = await read(tableGrants(flavour, whose), CUT_TEXTS);
  if (Number(texts.get(CUT_TEXTS.name)?.[0]?.[0]) === 0) return { onTables: texts, answer };
  const { rows, answer: later } = await read(tablesApart(flavour, whose));
  return { onTables: rows, answer: later };
};

const whoseRows = (users: Concerned, rows: Rows): Whose =>
  users && { users: [...users], hosts: (rows.get('hosts') ?? []).map(([host]) => String(host)) };

/** `ask`, as often as one likes: it is asked at the first time, and waited for at leisure. */
export const askedOnce = <T>(ask: () => Promise<T>): (() => Promise<T>) => {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= ask();
    // Nobody may be waiting yet when it fails.
    asked.catch(() => {});
    return asked;
  };
};

/** All of them are sent at once: the server answers one after the other, and waits for nobody. */
export const readAll = async (connected: Connected, queries: readonly Query[]): Promise<Rows> =>
  new Map(
    await Promise.all(queries.map(async ({ name, sql, values }) => [name, (await connected.ask(sql, values)) as readonly Row[]] as const)),
  );
