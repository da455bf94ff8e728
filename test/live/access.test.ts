import fc from 'fast-check';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Access, createAccess, effectivePrivileges } from '../../src/core/access.ts';
import { wordOf } from '../../src/core/privileges.ts';
import type { OwnedObjects } from '../../src/model/access.ts';
import { inspect } from '../../src/providers/postgres/inspect.ts';
import { realityOf } from '../../src/providers/postgres/reality.ts';
import { eachMajor } from '../lab/majors.ts';
import type { Postgres } from '../lab/postgres.ts';
import { declaredOf, targetOf } from '../providers/declared.ts';
import { askServer, type Probe, readReality } from './access-oracle.ts';
import { inhabit, type Move, STAGE } from './access-states.ts';

eachMajor((server, major) => {
  let client: Client;
  beforeAll(async () => {
    client = await server().connect(server().superuser);
  });
  afterAll(async () => await client.end());

  test('computed access is the verdict of the server, for every role, object, privilege and grant option', async () => {
    let held = 0;
    let asked = 0;
    const law = fc.asyncProperty(states, async (moves) => {
      await client.query('BEGIN');
      try {
        await client.query(STAGE);
        await client.query(inhabit(moves, major));
        const access = createAccess(await readReality(client, major));
        const probes = probesOf(access);
        const verdicts = await askServer(client, major, probes);
        const wrong = probes.filter((probe, index) => probe.expected !== verdicts[index]);
        held += verdicts.filter(Boolean).length;
        asked += verdicts.length;
        expect(wrong.slice(0, 10)).toEqual([]);
      } finally {
        await client.query('ROLLBACK');
      }
    });
    await fc.assert(law, { seed: major, numRuns: 25, endOnFailure: true });
    // a law about access that nobody has, or everybody has, would say little
    expect(held / asked).toBeGreaterThan(0.05);
    expect(held / asked).toBeLessThan(0.9);
  });

  test('so it is when computed from what the program itself reads', async () => {
    const moves = fc.sample(states, { seed: 100 + major, numRuns: 4 }).flat();
    await client.query(STAGE);
    await client.query(inhabit(moves, major));
    const reality = realityOf(await inspectAsSuperuser(server()), (name) => name);
    const rows = reality.objects.filter(({ origin }) => origin === undefined);
    expect(new Set(rows.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(major >= 15 ? 11 : 10);
    const probes = probesOf(createAccess({ ...reality, objects: rows }));
    const verdicts = await askServer(client, major, probes);
    expect(probes.filter((probe, index) => probe.expected !== verdicts[index]).slice(0, 10)).toEqual([]);
    expect(verdicts.length).toBeGreaterThan(3000);
  });
});

const inspectAsSuperuser = ({ port, superuser }: Postgres) => {
  const target = targetOf({
    endpoint: { kind: 'explicit', host: '127.0.0.1', port, tls: 'disable' },
    login: { user: superuser.user, auth: 'password', password: { source: 'env', name: 'LAB_PASSWORD', text: 'LAB_PASSWORD' } },
    databases: ['postgres'],
  });
  return inspect({ declared: declaredOf(target), as: 'plan' }, { env: { LAB_PASSWORD: superuser.password } });
};

const states: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.record({
    act: fc.constantFrom('member', 'member', 'predefined', 'own', 'grant', 'grant', 'grant', 'grant', 'revoke', 'attribute'),
    role: fc.nat(7),
    other: fc.nat(8),
    object: fc.nat(100),
    word: fc.nat(100),
    as: fc.nat(16),
    flags: fc.nat(15),
  } as const),
  { minLength: 20, maxLength: 120 },
);

/** Every question with our own answer. */
const probesOf = (access: Access): Probe[] => {
  // nobody can be pg_database_owner: it stands for the owner of the database
  const askers = [...access.reality.roles.keys()].filter((role) => role !== 'pg_database_owner');
  const columns = access.reality.objects.filter(({ kind }) => kind === 'column');
  return askers.flatMap((role) => [
    ...memberProbes(access, role, askers),
    ...access.reality.objects.flatMap((row) => objectProbes(access, role, row)),
    ...columns.flatMap((row) => anyColumnProbes(access, role, row)),
  ]);
};

const objectProbes = (access: Access, role: string, row: OwnedObjects): Probe[] => {
  const { privileges, grantable, via } = effectivePrivileges(access, role, row);
  const held = new Set(privileges.map(wordOf));
  expect([...via.keys()].sort()).toEqual([...held].sort());
  return row.names.flatMap((name) =>
    access.words(row.kind).flatMap((word) => [
      { ...placeOf(row, name), role, word, expected: held.has(word) },
      { ...placeOf(row, name), role, word: `${word} WITH GRANT OPTION`, expected: grantable.includes(word) },
    ]),
  );
};

const placeOf = ({ kind, schema, relation }: OwnedObjects, name: string) => ({
  kind,
  schema: schema ?? '',
  relation: relation ?? '',
  name,
});

/** The only columns with privileges of their own are those of one table, all in `columns`. */
const anyColumnProbes = (access: Access, role: string, row: OwnedObjects): Probe[] => {
  const same = access.reality.objects.filter(
    ({ kind, schema, relation }) => kind === 'column' && schema === row.schema && relation === row.relation,
  );
  const held = new Set(same.flatMap((each) => effectivePrivileges(access, role, each).privileges.map(wordOf)));
  const place = { kind: 'any_column', schema: row.schema ?? '', relation: '', name: row.relation ?? '' } as const;
  return access.words('column').map((word) => ({ ...place, role, word, expected: held.has(word) }));
};

const memberProbes = (access: Access, role: string, roles: readonly string[]): Probe[] => {
  const { memberships, reality } = access;
  if (reality.roles.get(role)?.superuser) return [];
  const place = { kind: 'role', schema: '', relation: '' } as const;
  return roles.flatMap((name) => [
    { ...place, name, role, word: 'USAGE', expected: memberships.inherited(role).has(name) },
    { ...place, name, role, word: 'MEMBER', expected: memberships.reached(role).has(name) },
    { ...place, name, role, word: 'SET', expected: memberships.settable(role).has(name) },
  ]);
};
