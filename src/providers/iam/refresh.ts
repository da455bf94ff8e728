import { type Principal, principalKey } from '../../model/iam.ts';
import { each } from '../lanes.ts';
import type { Execution } from '../provider.ts';
import type { Connected } from './connect.ts';
import type { ManagedPolicy, Snapshot } from './snapshot.ts';
import { orNothing, readPolicy, wholeIdentity } from './targeted.ts';

/** The snapshot with everything that the calls were about as it is now. */
export const refreshed = async (
  connected: Connected,
  { snapshot, steps }: Pick<Execution<Snapshot>, 'snapshot' | 'steps'>,
): Promise<Snapshot> => {
  const inputs = steps.map(({ call }) => call!.input);
  const policies = new Map(snapshot.policies);
  for (const [arn, policy] of await each(
    policiesIn(inputs, snapshot),
    async (arn): Promise<[string, ManagedPolicy | null]> => [arn, await readPolicy(connected, arn)],
  )) {
    if (policy) policies.set(arn, policy);
    else policies.delete(arn);
  }
  const identities = new Map(snapshot.identities);
  for (const [key, identity] of await each(principalsIn(inputs), async (principal) => {
    return [principalKey(principal), await orNothing(() => wholeIdentity(connected, principal))] as const;
  })) {
    if (identity) identities.set(key, identity);
    else identities.delete(key);
  }
  return { ...snapshot, policies, identities };
};

type Inputs = readonly Readonly<Record<string, unknown>>[];

const policiesIn = (inputs: Inputs, { partition, account }: Snapshot): string[] => [
  ...new Set(
    inputs.flatMap(({ PolicyArn, PolicyName, Path }) => {
      if (typeof PolicyArn === 'string') return [PolicyArn];
      return typeof PolicyName === 'string' ? [`arn:${partition}:iam::${account}:policy${Path}${PolicyName}`] : [];
    }),
  ),
];

const principalsIn = (inputs: Inputs): Principal[] => {
  const found = inputs.flatMap((input) =>
    (['role', 'user', 'group'] as const).flatMap((kind): Principal[] => {
      const name = input[`${kind[0]!.toUpperCase()}${kind.slice(1)}Name`];
      return typeof name === 'string' ? [{ kind, name }] : [];
    }),
  );
  return [...new Map(found.map((one) => [principalKey(one), one])).values()];
};
