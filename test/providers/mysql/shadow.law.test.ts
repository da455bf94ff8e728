import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shadowFindings } from '../../../src/providers/mysql/access-shadows.ts';
import { stateAfter, stateOf } from '../../../src/providers/mysql/access-state.ts';
import { CASTS, changesOf, effective, fits, movesIn, type State, snapshotIn } from './pattern-world.ts';

const [SEED, RUNS] = [Number(process.env.SIM_SEED ?? 1), Number(process.env.SIM_RUNS ?? 80)];

/** A plan that only adds. */
const added = (old: State, more: State): State => {
  const active = [...more.active].filter((edge) => !old.edges.has(edge));
  return {
    rows: new Set([...old.rows, ...more.rows]),
    edges: new Set([...old.edges, ...more.edges]),
    active: new Set([...old.active, ...active]),
  };
};

/** `user schema word`, of three users at most. */
const lostIn = (message: string): readonly string[] => {
  const [, users = '', words = '', schema] = /^(.*) would lose (.*) on schema (\w+): /.exec(message) ?? [];
  return [...users.matchAll(/'([^']+)'/g)].flatMap(([, user]) => words.split(', ').map((word) => `${user} ${schema} ${word}`));
};

test.each(CASTS.flatMap(([name, cast]) => (['mysql', 'mariadb'] as const).map((flavour) => [name, flavour, cast] as const)))(
  'of %s on %s exactly what is lost by grants and memberships that are added is told, by user, schema and privilege',
  (_, flavour, cast) => {
    let lost = 0;
    fc.assert(
      fc.property(movesIn(cast), ([old, more]) => {
        const now = added(old, more);
        fc.pre(fits(cast, old, flavour) && fits(cast, now, flavour));
        const [before, changes] = [stateOf(snapshotIn(cast, old, flavour)), changesOf(cast, old, now)];
        const findings = shadowFindings(before, stateAfter(before, changes), changes);
        const [had, has] = [effective(cast, old, flavour), effective(cast, now, flavour)];
        const gone = [...had].filter((one) => !has.has(one));
        expect([...new Set(findings.flatMap(({ message }) => lostIn(message)))].sort()).toEqual(gone.sort());
        lost += gone.length;
      }),
      { seed: SEED, numRuns: RUNS },
    );
    expect(lost).toBeGreaterThan(0);
  },
);
