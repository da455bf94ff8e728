import { isPattern } from '../../core/selector.ts';
import type { DeclaredGrant, Part } from '../../model/declared.ts';
import type { Position } from '../../model/finding.ts';
import { byCodeUnit } from '../../model/key.ts';
import type { Match } from '../../model/plan.ts';
import { inventoryOf, type Selection, select } from './inventory.ts';
import type { Comparison, Scope } from './scope.ts';
import { isUnseen, reportPlaces } from './selector-reports.ts';

/** What selectors of the manifest mean on the server. */
export type Selectors = {
  readonly selected: (grant: DeclaredGrant) => readonly Selection[];
  /** Reports the ones that met nothing, or more than they may. */
  readonly report: (compare: Comparison) => void;
  /** What each of them met, for the plan. */
  readonly matches: () => Match[];
};

export const selectors = (scope: Scope): Selectors => {
  const inventory = inventoryOf(scope);
  const known = new Map<string, readonly Selection[]>();
  const odd: DeclaredGrant[] = [];
  const selected = (grant: DeclaredGrant): readonly Selection[] => {
    if (isOneTable(grant)) return select(inventory, grant);
    // Most of ten thousand grants say the same.
    const key = selectorKey(grant);
    const found = known.get(key) ?? select(inventory, grant);
    known.set(key, found);
    return found;
  };
  return {
    selected: (grant) => {
      const found = selected(grant);
      if (found.length !== 1 || grant.kind === 'column' || isUnseen(inventory, grant, found)) odd.push(grant);
      return found;
    },
    report: (compare) => {
      for (const grant of odd) reportPlaces(inventory, compare, grant, selected(grant));
    },
    matches: () =>
      eachOnce(scope.declared.grants)
        .sort(byMeaning)
        .map(({ grant }) => matchOf(grant, selected(grant))),
  };
};

const isOneTable = ({ kind, schema, name }: DeclaredGrant): boolean =>
  kind === 'table' && schema !== null && name !== null && !isPattern(schema) && !isPattern(name);

type Met = { readonly grant: DeclaredGrant; readonly key: string };

/** What a user is granted stands at one place for all of its accounts. */
const eachOnce = (grants: readonly DeclaredGrant[]): Met[] => {
  const met = new Map<Position, Met[]>();
  for (const grant of grants) {
    const key = selectorKey(grant);
    const here = met.get(grant.source);
    if (!here) met.set(grant.source, [{ grant, key }]);
    else if (!here.some((one) => one.key === key && one.grant.selector === grant.selector)) here.push({ grant, key });
  }
  return [...met.values()].flat();
};

const selectorKey = ({ kind, schema, name, columns }: DeclaredGrant): string =>
  `${kind} ${partKey(schema)} ${partKey(name)} ${columns === undefined ? '' : JSON.stringify(columns)}`;
const partKey = (part: Part | null): string => (part === null ? '' : `${part.literal ? '=' : '~'}${part.text}\0`);

/** By what they are first: where they stand in the manifest is a matter of its layout. */
const byMeaning = (a: Met, b: Met): number =>
  byCodeUnit(a.grant.selector, b.grant.selector) ||
  byCodeUnit(a.grant.kind, b.grant.kind) ||
  byCodeUnit(a.key, b.key) ||
  byCodeUnit(a.grant.source.file, b.grant.source.file) ||
  a.grant.source.line - b.grant.source.line ||
  a.grant.source.column - b.grant.source.column;

const matchOf = ({ selector, kind, source }: DeclaredGrant, places: readonly Selection[]): Match => ({
  selector,
  database: null,
  kind,
  count: countOf(places),
  source,
});

const countOf = (places: readonly Selection[]): number => places.reduce((sum, { names }) => sum + names.length, 0);
