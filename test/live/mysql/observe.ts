import type { Connection } from 'mysql2/promise';
import { askerOf, isGlobalOpen, tiedRows } from '../../../src/providers/mysql/access-asker.ts';
import { effectiveAccess, type Place, placeKey } from '../../../src/providers/mysql/access-effective.ts';
import { type AccessState, stateOf } from '../../../src/providers/mysql/access-state.ts';
import { inspect } from '../../../src/providers/mysql/inspect.ts';
import type { Snapshot } from '../../../src/providers/mysql/snapshot.ts';
import type { Flavour } from '../../lab/mysql/builds.ts';
import type { Mysql } from '../../lab/mysql/server.ts';
import { declaredOn } from './scenario.ts';
import { COLUMNS, SCHEMAS, TABLES } from './world-names.ts';

/** What logins may do: `account`, NUL, `place word`, one line each. */
export type Verdicts = ReadonlySet<string>;

const OPEN = 'what it may do is left open by the server';

/** Without the accounts of which the server leaves open, in one of the states, what they may do. */
export const decided = (states: readonly Verdicts[]): readonly Verdicts[] => {
  const accountOf = (line: string) => line.slice(0, line.indexOf('\0'));
  const open = new Set(states.flatMap((state) => [...state].filter((line) => line.endsWith(`\0${OPEN}`)).map(accountOf)));
  return open.size === 0 ? states : states.map((state) => new Set([...state].filter((line) => !open.has(accountOf(line)))));
};

export const snapshotOf = (server: Mysql): Promise<Snapshot> =>
  inspect({ declared: declaredOn(server, 'groups: { nobody: {} }\n'), as: 'plan' }, { everybody: true });

const ROUTINES = ['f', 'p', 'b `\\'];
const places = (schema: string): readonly Place[] => [
  { kind: 'schema', schema },
  ...TABLES.flatMap((table): Place[] => [
    { kind: 'table', schema, name: table },
    ...COLUMNS.map((name): Place => ({ kind: 'column', schema, relation: table, name })),
  ]),
  ...ROUTINES.flatMap((name): Place[] => [
    { kind: 'function', schema, name },
    { kind: 'procedure', schema, name },
  ]),
];

const verdictsIn = (state: AccessState): Verdicts => {
  const found = new Set<string>();
  for (const account of state.logins) {
    const asker = askerOf(state, account);
    found.add(`${account}\0login`);
    const add = (place: Place) => {
      for (const word of effectiveAccess(asker, place).keys()) found.add(`${account}\0${placeKey(place).replaceAll('\0', ' ')} ${word}`);
    };
    const isOpen = isGlobalOpen(asker) || SCHEMAS.some((schema) => tiedRows(asker, schema).length > 0);
    if (isOpen) found.add(`${account}\0${OPEN}`);
    add({ kind: 'global' });
    for (const schema of SCHEMAS) for (const place of places(schema)) add(place);
  }
  return found;
};

/** By the simulator, of everybody who can log in, on everything that there is. */
export const verdictsOf = async (server: Mysql): Promise<Verdicts> => verdictsIn(stateOf(await snapshotOf(server)));

const TABLES_OF_GRANTS: Readonly<Record<Flavour, readonly string[]>> = {
  mysql: [
    'user',
    'db',
    'tables_priv',
    'columns_priv',
    'procs_priv',
    'proxies_priv',
    'global_grants',
    'role_edges',
    'default_roles',
    'password_history',
  ],
  mariadb: ['global_priv', 'db', 'tables_priv', 'columns_priv', 'procs_priv', 'proxies_priv', 'roles_mapping'],
};

/** Every byte of the grant tables, as the server sums it up: an apply with nothing to do changes none. */
export const fingerprint = async (admin: Connection, flavour: Flavour): Promise<unknown> => {
  const [rows] = await admin.query(`CHECKSUM TABLE ${TABLES_OF_GRANTS[flavour].map((name) => `mysql.${name}`).join(', ')} EXTENDED`);
  return rows;
};
