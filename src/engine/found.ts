import type { Declared } from '../model/declared.ts';
import type { Finding } from '../model/finding.ts';
import { locate } from './locate.ts';
import type { Session } from './session.ts';

/** The targets of a session where they are, and those that could not be found, with why. */
export type FoundTargets = {
  readonly declareds: readonly Declared[];
  readonly lost: readonly { readonly name: string; readonly findings: readonly Finding[] }[];
};

/** ■ Finds targets for those who do not plan: whether declared users can use IAM authentication is no matter here. */
export const foundTargets = async (session: Session): Promise<FoundTargets> => {
  const bare = session.declareds.map((declared) => ({ ...declared, roles: new Map<string, never>() }));
  const located = await locate({ ...session, declareds: bare, account: null, watch: null, elsewhere: [] });
  const places = new Map(located.declareds.map(({ target }) => [target.name, target]));
  return {
    declareds: session.declareds.flatMap((declared) => {
      const target = places.get(declared.target.name);
      return target === undefined ? [] : [{ ...declared, target }];
    }),
    lost: session.declareds.flatMap(({ target: { name } }) =>
      places.has(name) ? [] : [{ name, findings: located.findings.filter(({ target }) => target === name) }],
    ),
  };
};
