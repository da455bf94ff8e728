import { parseAccount } from '../../../model/account.ts';
import { draftOf, emptyHoldings, GRANT_OPTION, type Holdings, type Draft as RowDraft, rowWords, type Words } from '../access-rows.ts';
import { type AccessState, stateOf } from '../access-state.ts';
import type { Scope } from '../scope.ts';
import type { Draft } from './draft.ts';

const states = new WeakMap<Scope, AccessState>();

/** What is there before the first statement, by the names that accounts will have; made when it is first asked for. */
export const stateBefore = (scope: Scope): AccessState => {
  const found = states.get(scope) ?? stateOf(scope.snapshot, scope.rename);
  states.set(scope, found);
  return found;
};

/** What drafts make of a state. */
export const stateThrough = (state: AccessState, drafts: readonly Draft[]): AccessState => {
  const [holdings, edges, defaults] = [new Map(state.holdings), new Map(state.edges), new Map(state.defaults)];
  const open = new Map<string, RowDraft>();
  for (const { gains, loses, rows = [], joins, leaves = [], settles, standard = [] } of drafts) {
    const account = gains ?? loses ?? settles;
    if (account === undefined) continue;
    for (const { place, words, verb } of rows) {
      const draft = open.get(account) ?? draftOf(holdings.get(account) ?? newHoldings(account));
      open.set(account, draft);
      draft.row(place, turnedWords(rowWords(draft.finished(), place), words, verb));
    }
    if (joins !== undefined) edges.set(account, new Map([...(edges.get(account) ?? []), [joins, edges.get(account)?.get(joins) ?? false]]));
    if (leaves.length > 0) edges.set(account, new Map([...(edges.get(account) ?? [])].filter(([role]) => !leaves.includes(role))));
    if (settles !== undefined) defaults.set(settles, new Set(standard));
  }
  for (const [account, { finished }] of open) holdings.set(account, finished());
  return { ...state, holdings, edges, defaults };
};

const newHoldings = (account: string): Holdings => {
  const { user, host } = parseAccount(account);
  return emptyHoldings(account, user, host);
};

const turnedWords = (held: Words, words: readonly string[], verb: 'grant' | 'revoke'): Words => {
  if (verb === 'grant') return new Set([...held, ...words]);
  const left = [...held].filter((word) => !words.includes(word));
  // An option alone is no row that would hide another.
  return new Set(left.every((word) => word === GRANT_OPTION) ? [] : left);
};
