import { diff } from '../../core/diff.ts';
import type { Declared } from '../../model/declared.ts';
import { principalKey } from '../../model/iam.ts';
import { isUnderPath, policyTags } from './marks.ts';
import { normalize } from './normalize.ts';
import { policyName } from './pack.ts';
import type { ManagedPolicy, Snapshot } from './snapshot.ts';

/**
 * Whose a policy is its tags say, and the account's details leave those out. Where a policy has the name and place of one of ours,
 * holds exactly what ours would and is attached where ours would be, there is nothing to do, whoever made it: its mark is
 * presumed. All others are asked for: their ARNs.
 */
export const presume = (snapshot: Snapshot, declared: Declared): { readonly presumed: Snapshot; readonly ask: readonly string[] } => {
  const marks = new Map((declared.iam?.connects ?? []).map(({ principal }) => markOf(principalKey(principal), declared.stack)));
  const here = [...snapshot.policies.values()].filter((policy) => isUnderPath(policy, declared));
  const known = here.flatMap((policy): ManagedPolicy[] => {
    const tags = marks.get(baseOf(policy.name, marks));
    return tags ? [{ ...policy, tags }] : [];
  });
  const presumed = { ...snapshot, policies: new Map([...snapshot.policies, ...known.map((policy) => [policy.arn, policy] as const)]) };
  const changed = new Set(diff(normalize(presumed, declared)).flatMap(policiesOf));
  const sure = new Set(known.filter(({ name }) => !changed.has(name)).map(({ arn }) => arn));
  return { presumed, ask: here.map(({ arn }) => arn).filter((arn) => !sure.has(arn)) };
};

type Tags = ManagedPolicy['tags'];

const markOf = (principal: string, stack: string): readonly [string, Tags] => [
  policyName(principal, stack),
  Object.fromEntries(policyTags(stack, principal).map(({ Key, Value }) => [Key, Value])),
];

/** A policy of several for one principal has a label behind the name of the first. */
const baseOf = (name: string, marks: ReadonlyMap<string, Tags>): string =>
  marks.has(name) ? name : name.slice(0, Math.max(0, name.lastIndexOf('-')));

const policiesOf = (change: ReturnType<typeof diff>[number]): string[] => {
  if (change.kind === 'policy') return [(change.before ?? change.after)!.name];
  return change.kind === 'attachment' ? [(change.before ?? change.after)!.policy] : [];
};
