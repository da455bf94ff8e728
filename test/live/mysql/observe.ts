import type { Connection } from 'mysql2/promise';
import { askerOf, isGlobalOpen, tiedRows } from '../../../src/providers/mysql/access-asker.ts';
import { effectiveAccess, type Place, placeKey } from '../../../src/providers/mysql/access-effective.ts';
import { type AccessState, stateOf } from '../../../src/providers/mysql/access-state.ts';
import { mysql } from '../../../src/providers/mysql/index.ts';
import type { Snapshot } from '../../../src/providers/mysql/snapshot.ts';
import type { Flavour } from '../../lab/mysql/builds.ts';
import type { Mysql } from '../../lab/mysql/server.ts';
import { declaredOn } from './scenario.ts';
import { COLUMNS, SCHEMAS, TABLES } from './world-names.ts';

/** What logins may do: `account`, NUL, `place word`, one line each. What the server itself leaves open is left out. */
export type Verdicts = ReadonlySet<string>;

export const snapshotOf = (server: Mysql): Promise<Snapshot> =>
  mysql.inspect({ declared: declaredOn(server, 'groups: { nobody: {} }\n'), as: 'plan' });

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

/** By the simulator, of everybody who can log in, on everything that there is. */
export const verdictsOf = async (server: Mysql): Promise<Verdicts> => verdictsIn(stateOf(await snapshotOf(server)));

export const verdictsIn = (state: AccessState): Verdicts => {
  const found = new Set<string>();
  for (const account of state.logins) {
    const asker = askerOf(state, account);
    found.add(`${account}\0login`);
    const add = (place: Place) => {
      for (const word of effectiveAccess(asker, place).keys()) found.add(`${account}\0${placeKey(place).replaceAll('\0', ' ')} ${word}`);
    };
    if (isGlobalOpen(asker)) continue;
    add({ kind: 'global' });
    for (const schema of SCHEMAS) if (tiedRows(asker, schema).length === 0) for (const place of places(schema)) add(place);
  }
  return found;
};

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
