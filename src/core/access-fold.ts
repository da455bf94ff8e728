import { byCodeUnit } from '../model/key.ts';
import type { AccessDelta } from '../model/plan.ts';
import type { Sides } from './access-items.ts';
import { groupBy } from './group.ts';

/** Users with the same gains and losses together, losses first. `sides`: of each what it gains and loses, in parts that many share. */
export const foldUsers = (found: readonly { readonly user: string; readonly sides: readonly Sides[] }[]): AccessDelta[] => {
  const numbers = new Map<string, number>();
  const known = new WeakMap<Sides, number>();
  const numberOf = (sides: Sides): number => {
    let number = known.get(sides);
    if (number === undefined) {
      const text = JSON.stringify(sides);
      number = numbers.get(text) ?? numbers.size;
      numbers.set(text, number);
      known.set(sides, number);
    }
    return number;
  };
  const groups = groupBy(found, ({ sides }) => sides.map(numberOf).join());
  const deltas = [...groups.values()].map(
    (alike): AccessDelta => ({
      users: alike.map(({ user }) => user).sort(byCodeUnit),
      gains: alike[0]!.sides.flatMap(({ gains }) => gains),
      loses: alike[0]!.sides.flatMap(({ loses }) => loses),
    }),
  );
  const weight = ({ loses }: AccessDelta): number => (loses.length > 0 ? 0 : 1);
  return deltas
    .filter(({ gains, loses }) => gains.length + loses.length > 0)
    .sort((a, b) => weight(a) - weight(b) || byCodeUnit(a.users[0] ?? '', b.users[0] ?? ''));
};
