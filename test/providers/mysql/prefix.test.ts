import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Change } from '../../../src/model/change.ts';
import { isError } from '../../../src/model/finding.ts';
import { distinct } from '../../../src/model/key.ts';
import { shadowFindings } from '../../../src/providers/mysql/access-shadows.ts';
import { stateAfter, stateOf } from '../../../src/providers/mysql/access-state.ts';
import type { Server, Snapshot } from '../../../src/providers/mysql/snapshot.ts';
import { statements } from '../../../src/providers/mysql/statements/index.ts';
import { CASTS, changesOf, effective, fits, movesIn, type State, snapshotIn } from './pattern-world.ts';
import { declaredOf } from './world.ts';

const [SEED, RUNS] = [Number(process.env.SIM_SEED ?? 1), Number(process.env.SIM_RUNS ?? 80)];

/** What a statement makes of a state. */
const run = (state: State, sql: string, flavour: Server['flavour']): State => {
  const account = (/ (?:TO|FROM|FOR) (\S+)$/.exec(sql)?.slice(1) ?? []).flatMap(namesIn)[0];
  const apply = (set: ReadonlySet<string>, names: readonly string[]): ReadonlySet<string> =>
    sql.startsWith('GRANT ') ? new Set([...set, ...names]) : new Set([...set].filter((one) => !names.includes(one)));
  const grant = /^(?:GRANT|REVOKE) ([A-Z, ]+) ON `(.+)`\.\* /.exec(sql);
  if (grant) {
    const rows = grant[1]!.split(', ').map((word) => `${account} ${grant[2]} ${word}`);
    return { ...state, rows: apply(state.rows, rows) };
  }
  const named = namesIn(sql.replace(/ (?:TO|FROM|FOR) \S+$/, '')).map((name) => `${account} ${name}`);
  if (sql.startsWith('SET DEFAULT ROLE ')) {
    const others = [...state.active].filter((edge) => !edge.startsWith(`${account} `));
    return { ...state, active: new Set([...others, ...named]) };
  }
  // MariaDB leaves a default role behind.
  const active = flavour === 'mariadb' || sql.startsWith('GRANT ') ? state.active : apply(state.active, named);
  return { ...state, edges: apply(state.edges, named), active };
};

const namesIn = (text = ''): readonly string[] =>
  [...text.matchAll(/[`'](\w)[`'](?:@'([^']*)')?/g)].map(([, user = '', host = '%']) => (host === '%' ? user : `${user}@${host}`));

/** A plan that takes access by what it adds is refused, and is never applied. */
const isRefused = (snapshot: Snapshot, changes: readonly Change[]): boolean => {
  const state = stateOf(snapshot);
  return shadowFindings(state, stateAfter(state, changes), changes).some(isError);
};

const bridgesIn = (steps: readonly { readonly sql: string }[]): readonly string[] => {
  const revoked = new Set(
    steps.map(({ sql }) => sql.replace(/^REVOKE (.*) FROM /, 'GRANT $1 TO ')).filter((sql, at) => sql !== steps[at]!.sql),
  );
  return steps.filter(({ sql }) => sql.startsWith('GRANT ') && revoked.has(sql)).map(({ sql }) => namesIn(sql).at(-1)!);
};

test.each(CASTS.flatMap(([name, cast]) => (['mysql', 'mariadb'] as const).map((flavour) => [name, flavour, cast] as const)))(
  'of %s on %s no prefix of a plan gives what neither state gives, nor takes what both give, unless exactly that is told, whatever patterns there were',
  (_, flavour, cast) => {
    fc.assert(
      fc.property(movesIn(cast), ([old, now]) => {
        const [snapshot, changes] = [snapshotIn(cast, old, flavour), changesOf(cast, old, now)];
        fc.pre(fits(cast, old, flavour) && fits(cast, now, flavour) && !isRefused(snapshot, changes));
        const { steps, lapses, moments = [] } = statements(changes, snapshot, declaredOf());
        const [had, has] = [effective(cast, old, flavour), effective(cast, now, flavour)];
        const found = new Set<string>();
        let here = old;
        for (const { sql } of steps) {
          here = run(here, sql, flavour);
          const holds = effective(cast, here, flavour);
          for (const one of holds) if (!had.has(one) && !has.has(one)) found.add(`excess ${one}`);
          for (const one of had) if (has.has(one) && !holds.has(one)) found.add(`lapse ${one}`);
        }
        const told = moments.flatMap(({ kind, role, on, privileges }) =>
          kind === 'bridge' ? [] : privileges.map((word) => `${kind} ${role} ${on?.names[0]} ${word}`),
        );
        expect(told.sort()).toEqual([...found].sort());
        expect([...lapses].sort()).toEqual(distinct(moments.flatMap(({ kind, role }) => (kind === 'lapse' ? [role] : []))));
        expect(distinct(bridgesIn(steps))).toEqual(distinct(moments.flatMap(({ kind, role }) => (kind === 'bridge' ? [role] : []))));
        expect({ rows: [...here.rows].sort(), edges: [...here.edges].sort() }).toEqual({
          rows: [...now.rows].sort(),
          edges: [...now.edges].sort(),
        });
      }),
      { seed: SEED, numRuns: RUNS },
    );
  },
);
