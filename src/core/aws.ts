import type { Partition } from '../model/place.ts';

/** Regions by how their names begin; all others are of the commercial partition. */
const PARTITIONS: readonly (readonly [string, Partition])[] = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['us-isob-', 'aws-iso-b'],
  ['us-isof-', 'aws-iso-f'],
  ['us-iso-', 'aws-iso'],
  ['eu-isoe-', 'aws-iso-e'],
  ['eusc-', 'aws-eusc'],
];

/** The partition that a region belongs to. */
export const partitionOf = (region: string): Partition => PARTITIONS.find(([start]) => region.startsWith(start))?.[1] ?? 'aws';

/** The one region of a partition whose endpoint IAM answers at. */
export const iamRegion = (partition: Partition): string =>
  ({
    aws: 'us-east-1',
    'aws-cn': 'cn-north-1',
    'aws-us-gov': 'us-gov-west-1',
    'aws-iso': 'us-iso-east-1',
    'aws-iso-b': 'us-isob-east-1',
    'aws-iso-e': 'eu-isoe-west-1',
    'aws-iso-f': 'us-isof-south-1',
    'aws-eusc': 'eusc-de-east-1',
  })[partition];

/** Whoever asks, by an ARN without the name of a session that is another on every run: `role/ci`. */
export const callerName = (arn: string): string =>
  arn.replace(/^arn:[\w-]+:(?:iam|sts)::\d*:/, '').replace(/^assumed-role\/([^/]+)\/.*$/, 'role/$1');

/** What `rds-db:connect` is allowed on: one user of one cluster, instance or proxy. */
export type ConnectArn = {
  readonly partition: Partition;
  readonly region: string;
  readonly account: string;
  /** `cluster-…`, `db-…` or `prx-…`. */
  readonly resource: string;
  readonly user: string;
};

/** `arn:PARTITION:rds-db:REGION:ACCOUNT:dbuser:RESOURCE/USER`. */
export const connectArn = ({ partition, region, account, resource, user }: ConnectArn): string =>
  `arn:${partition}:rds-db:${region}:${account}:dbuser:${resource}/${user}`;
