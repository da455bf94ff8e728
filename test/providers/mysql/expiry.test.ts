import { expect, test } from 'vitest';
import { diff } from '../../../src/core/diff.ts';
import { normalize } from '../../../src/providers/mysql/normalize.ts';
import type { Server } from '../../../src/providers/mysql/snapshot.ts';
import { accountOf, declaredOf, declaredRole, snapshotOf } from './world.ts';

const MARIADB: Partial<Server> = { flavour: 'mariadb', version: 110806, versionText: '11.8.6-MariaDB' };
const OURS = JSON.stringify({ stack: 'acme/access' });
const OTHERS = JSON.stringify({ stack: 'acme/other' });

test.each<[string, Partial<Server>, string | null, readonly string[]]>([
  ['one that carries our mark', {}, OURS, ['role', 'sessions']],
  ['one that nobody took over yet', {}, null, []],
  ['one of another stack', {}, OTHERS, []],
  ['one on MariaDB, which keeps no marks', MARIADB, null, ['role', 'sessions']],
])('of users whose until has passed is closed: %s', (_, server, mark, expected) => {
  const snapshot = snapshotOf(server, { accounts: [accountOf('master'), accountOf('lee', { mark })] });
  const declared = declaredOf(declaredRole('lee', { expired: true }));
  const target = { ...declared.target, engine: snapshot.server.flavour };
  const changes = diff(normalize(snapshot, { ...declared, target }));
  expect(changes.map(({ kind }) => kind).sort()).toEqual(expected);
  expect(changes.every(({ cause }) => cause === 'expired')).toBe(true);
});
