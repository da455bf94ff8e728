import type { Target } from '../model/declared.ts';
import type { Place } from '../model/place.ts';
import { partitionOf } from './aws.ts';

const KINDS = { cluster: 'cluster', db: 'instance', prx: 'proxy' } as const;

/** Where a target is in AWS by what stands beside its endpoint; null where the RDS API has to be asked, or nothing is said. */
export const declaredPlace = ({ endpoint }: Pick<Target, 'endpoint'>): Place | null => {
  if (endpoint.kind !== 'explicit' || endpoint.aws === undefined) return null;
  const { region, account, resourceId: id } = endpoint.aws;
  if (id === undefined || account === undefined) return null;
  return {
    kind: KINDS[id.slice(0, id.indexOf('-')) as keyof typeof KINDS],
    identifier: endpoint.host,
    partition: partitionOf(region),
    region,
    account,
    resources: [{ id, region }],
    proxies: [],
    members: {},
    iamAuthentication: null,
    iamPending: false,
    masterUser: null,
    masterIam: false,
    engine: '',
    version: '',
    certificates: [],
  };
};
