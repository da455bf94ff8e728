/** Credentials and signatures are per partition: an ARN of one means nothing in another. */
export type Partition = 'aws' | 'aws-cn' | 'aws-us-gov' | 'aws-iso' | 'aws-iso-b' | 'aws-iso-e' | 'aws-iso-f' | 'aws-eusc';

/** What a target of `rds:` is found by. */
export type PlaceName = {
  readonly kind: 'cluster' | 'instance' | 'proxy';
  readonly identifier: string;
  readonly region: string;
  /** The account that it must be in; undefined: that of the credentials. */
  readonly account?: string;
  /** ARN of an IAM role to assume before anything is asked, with its ExternalId. */
  readonly assumeRole?: { readonly arn: string; readonly externalId?: string };
};

/** What `rds-db:connect` names: `cluster-…` (Aurora and Multi-AZ clusters), `db-…` (instances), `prx-…` (proxies), and where it is. */
export type Resource = { readonly id: string; readonly region: string };

/** A database server as AWS knows it: read through the RDS API, or declared beside an endpoint. */
export type Place = {
  readonly kind: PlaceName['kind'];
  readonly identifier: string;
  readonly partition: Partition;
  readonly region: string;
  readonly account: string;
  /** One; of a global database one for each member cluster, this one first. */
  readonly resources: readonly Resource[];
  /** RDS Proxies in front of it that the manifest names. */
  readonly proxies: readonly (Resource & { readonly name: string; readonly mode: 'standard' | 'end-to-end' })[];
  /** Ids of instances in the cluster, by name: they look like the right ones, and authorise nothing. */
  readonly members: Readonly<Record<string, string>>;
  /** null: not known (declared beside an endpoint). `pending`: changed, and not yet applied. */
  readonly iamAuthentication: boolean | null;
  readonly iamPending: boolean;
  readonly masterUser: string | null;
  /** true: the master itself logs in by IAM (MasterUserAuthenticationType). */
  readonly masterIam: boolean;
  /** As the API says it, e.g. 'aurora-postgresql' and '17.4'; '' where it is not known. */
  readonly engine: string;
  readonly version: string;
  /** CACertificateIdentifier of each instance, distinct. */
  readonly certificates: readonly string[];
};
