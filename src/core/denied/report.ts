import type { Count, DeniedLogin, DeniedOfTarget } from '../../model/denied.ts';
import { byCodeUnit, distinct } from '../../model/key.ts';
import { groupBy } from '../group.ts';

/** What is asked for. `since`: ms since 1970; null: everything. */
export type Wanted = { readonly since: number | null; readonly user: string | null; readonly limit: number };

/** The last logins of those that were asked for, newest last, and how many there were by cause and by user. */
export const summaryOf = (
  denied: readonly DeniedLogin[],
  { since, user, limit }: Wanted,
): Pick<DeniedOfTarget, 'denied' | 'total' | 'causes' | 'users'> => {
  const meant = inOrder(toldOnce(denied)).filter(
    (one) => (user === null || one.user === user) && (since === null || one.at === null || Date.parse(one.at) >= since),
  );
  return {
    denied: limit === 0 ? [] : meant.slice(-limit),
    total: meant.length,
    causes: counted(meant.map(({ cause }) => cause)).map((count) => ({ ...count, ...explained(meant, count.name) })),
    users: counted(meant.map((one) => one.user ?? '')),
  };
};

/** Where messages of one cause differ in whom they name, nobody is named. */
const explained = (denied: readonly DeniedLogin[], cause: string): Pick<DeniedLogin, 'message' | 'hint'> => {
  const same = denied.filter((one) => one.cause === cause);
  const { message, hint } = same.at(-1)!;
  if (same.every((one) => one.message === message)) return { message, hint };
  const general = distinct(same.map(({ message: own, user, database, principal }) => unnamed(own, [principal, user, database])));
  return { message: general.length === 1 ? general[0]! : general.sort(byCodeUnit).join('; or: '), hint };
};

const unnamed = (message: string, names: readonly (string | null)[]): string =>
  names.reduce<string>((text, name) => (name === null ? text : text.replaceAll(`'${name}'`, () => "'…'")), message);

/** The most first. */
const counted = (names: readonly string[]): readonly Count[] => {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count || byCodeUnit(a.name, b.name));
};

/** By time; what has none keeps its place after what stands before it. */
const inOrder = (denied: readonly DeniedLogin[]): readonly DeniedLogin[] => {
  let last = Number.NEGATIVE_INFINITY;
  const timed = denied.map((one) => {
    if (one.at !== null) last = Date.parse(one.at);
    return { one, time: last };
  });
  return timed.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0)).map(({ one }) => one);
};

/** A line of PostgreSQL has no fractions of a second. */
const SAME_MS = 1000;

/** All that these say of a login is that its token was refused. */
const VAGUE: ReadonlySet<string> = new Set(['pam', 'denied']);

/** What the server's own log says of a refused token is no more than that: the log of IAM has the reason, and the other the address. */
const toldOnce = (denied: readonly DeniedLogin[]): readonly DeniedLogin[] => {
  const isOfIam = ({ logs }: DeniedLogin): boolean => logs.includes('iam-db-auth-error');
  const vague = byLogin(denied.filter((one) => !isOfIam(one) && VAGUE.has(one.cause)));
  const taken = new Set<DeniedLogin>();
  const both = new Map<DeniedLogin, DeniedLogin>();
  for (const [login, ofIam] of byLogin(denied.filter(isOfIam))) {
    const others = vague.get(login) ?? [];
    let next = 0;
    for (const { one, time } of ofIam) {
      while (next < others.length && others[next]!.time < time - SAME_MS) next++;
      const other = others[next];
      if (other === undefined || other.time > time + SAME_MS) continue;
      next++;
      taken.add(other.one);
      both.set(one, together(one, other.one));
    }
  }
  return denied.filter((one) => !taken.has(one)).map((one) => both.get(one) ?? one);
};

const together = (ofIam: DeniedLogin, other: DeniedLogin): DeniedLogin => ({
  ...ofIam,
  from: ofIam.from ?? other.from,
  database: ofIam.database ?? other.database,
  logs: [...ofIam.logs, ...other.logs],
});

type Timed = { readonly one: DeniedLogin; readonly time: number };

/** By user and instance, in the order of time; what has no time is left out. */
const byLogin = (denied: readonly DeniedLogin[]): ReadonlyMap<string, readonly Timed[]> => {
  const timed = denied.flatMap((one) => (one.at === null ? [] : [{ one, time: Date.parse(one.at) }]));
  return groupBy(
    timed.sort((a, b) => a.time - b.time),
    ({ one }) => JSON.stringify([one.user, one.instance]),
  );
};
