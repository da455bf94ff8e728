import { pathKey } from '../../../model/key.ts';
import { type Asker, rankedRows, type SchemaRow } from '../access-asker.ts';
import { GRANT_OPTION, literalOf } from '../access-rows.ts';
import type { AccessState } from '../access-state.ts';
import type { Scope } from '../scope.ts';
import { ident } from '../sql.ts';
import { mayGrant } from '../words.ts';
import type { Draft } from './draft.ts';
import { wordsSql } from './grants.ts';
import { nameSql } from './names.ts';

/**
 * What a member has by a role, granted to the member itself while it leaves the role or comes to it: nobody has more by it, and what
 * leaving would take at once can go in turn. `grant` before the draft `over`, `revoke` some time after it.
 */
export type Bridge = { readonly over: Draft; readonly grant: Draft; readonly revoke: Draft };

/** Bridges for rows of roles that come or go as a whole, and behind which other rows of the user wait. */
export const bridgesFor = (
  scope: Scope,
  drafts: readonly Draft[],
  [before, after]: readonly [AccessState, AccessState],
  askers: readonly (readonly [Asker, Asker])[],
): readonly Bridge[] => {
  const found = new Map<string, Bridge>();
  const [going, coming] = [waysOf(drafts, before, after), waysOf(drafts, after, before)];
  for (const [was, is] of askers) {
    for (const [asker, ways] of [
      [was, going],
      [is, coming],
    ] as const) {
      const user = asker.own.holdings.name;
      for (const { source, stored } of asker.state.schemas.flatMap((schema) => hidingRows(asker, schema))) {
        for (const [member, role] of stepsOf(user, source.path)) {
          const over = ways.get(pathKey(member, role));
          if (over === undefined || found.has(pathKey(member, stored))) continue;
          if ([before, after].some(({ holdings }) => holdings.get(member)?.schemas.has(stored))) continue;
          const bridge = bridgeOf(scope, { over, member, stored, words: [...(source.holdings.schemas.get(stored) ?? [])] });
          if (bridge) found.set(pathKey(member, stored), bridge);
        }
      }
    }
  }
  return [...found.values()];
};

/** Drafts by which a member is in a role (or has it at login) in the first state, and not in the second. */
const waysOf = (drafts: readonly Draft[], from: AccessState, to: AccessState): ReadonlyMap<string, Draft> => {
  const ways = new Map<string, Draft>();
  for (const draft of drafts) {
    const { gains, loses, joins, leaves = [], settles } = draft;
    for (const role of [...leaves, ...(joins === undefined ? [] : [joins])]) {
      const member = (loses ?? gains)!;
      if (from.edges.get(member)?.has(role) && !to.edges.get(member)?.has(role)) ways.set(pathKey(member, role), draft);
    }
    if (settles === undefined) continue;
    for (const role of from.defaults.get(settles) ?? [])
      if (!to.defaults.get(settles)?.has(role) && !ways.has(pathKey(settles, role))) ways.set(pathKey(settles, role), draft);
  }
  return ways;
};

/** Rows of roles on a schema, with other rows behind them. */
const hidingRows = (asker: Asker, schema: string): readonly SchemaRow[] =>
  rankedRows(asker, schema).flatMap((list) =>
    list.filter(({ source, stored }, at) => source.path.length > 0 && list.slice(at + 1).some((behind) => behind.stored !== stored)),
  );

const stepsOf = (user: string, path: readonly string[]): readonly (readonly [member: string, role: string])[] =>
  path.map((role, at) => [at === 0 ? user : path[at - 1]!, role]);

type Copied = { readonly over: Draft; readonly member: string; readonly stored: string; readonly words: readonly string[] };

/** null: the login may not grant that. */
const bridgeOf = (scope: Scope, { over, member, stored, words: all }: Copied): Bridge | null => {
  const words = all.filter((word) => word !== GRANT_OPTION);
  const schema = literalOf(stored, scope.server);
  if (words.length === 0 || !words.every((word) => mayGrant(scope, word, schema))) return null;
  const [what, who] = [`${wordsSql(words)} ON ${ident(stored)}.*`, nameSql(scope, member)];
  const place = { level: 'schema', schema: '', relation: '', name: stored } as const;
  const common = { changes: over.changes, stored };
  return {
    over,
    grant: {
      ...common,
      bridge: true,
      phase: 'grant',
      sql: `GRANT ${what} TO ${who}`,
      gains: member,
      rows: [{ place, words, verb: 'grant' }],
    },
    revoke: { ...common, phase: 'revoke', sql: `REVOKE ${what} FROM ${who}`, loses: member, rows: [{ place, words, verb: 'revoke' }] },
  };
};
