import fs from 'node:fs';
import path from 'node:path';
import {
  CreateDBClusterCommand,
  CreateDBInstanceCommand,
  DeleteDBClusterCommand,
  DeleteDBInstanceCommand,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import type pg from 'pg';
import { REGION } from '../aws/moto.ts';
import { type Postgres, type ServerOptions, startPostgres } from '../postgres.ts';
import { master } from '../rds.ts';
import { asked, authorise, type Emulator, type KeyOwner, ownerOf } from './authorise.ts';
import { BEHIND_FRONT, type FrontOptions, type IamFront, startIamFront, type Verdict } from './proxy.ts';
import { verifyToken } from './token.ts';

export type RdsLikeOptions = Pick<FrontOptions, 'counted' | 'forceTls' | 'onDecision'> & {
  /** The AWS emulator; a proxy before it does as well. */
  readonly moto: Emulator;
  /** Default 17. */
  readonly major?: number;
  /** Default: an Aurora cluster with one instance. */
  readonly kind?: 'cluster' | 'instance';
  /** Default 'orders-prod'. */
  readonly identifier?: string;
  readonly region?: string;
  /** Default true; the emulator's own flag decides at each login. */
  readonly iamAuthentication?: boolean;
  readonly settings?: ServerOptions['settings'];
};

/** A server that an RDS API describes, and that lets in whom the policies in it let in. */
export type RdsLike = {
  /** The server itself, behind the front: for what only its superuser can do. */
  readonly server: Postgres;
  readonly front: IamFront;
  readonly kind: 'cluster' | 'instance';
  readonly identifier: string;
  readonly region: string;
  readonly account: string;
  /** `cluster-…` or `db-…`. */
  readonly resource: string;
  /** What the RDS API says, certificate and tokens are for, and nobody can dial. */
  readonly endpoint: { readonly host: string; readonly port: number };
  /** What to dial instead. */
  readonly via: { readonly host: '127.0.0.1'; readonly port: number };
  /** The authority that signed the certificate. */
  readonly caFile: string;
  /** What `rds-db:connect` has to be allowed on. */
  readonly arn: (user: string) => string;
  /** For `pg`: dials the front and verifies its certificate for the endpoint. */
  readonly clientConfig: (user: string, password: pg.ClientConfig['password'], database?: string) => pg.ClientConfig;
  readonly stop: () => Promise<void>;
};

/** Starts a PostgreSQL server with a front, known to the emulator as a cluster or instance. */
export async function startRdsLike(options: RdsLikeOptions): Promise<RdsLike> {
  const { moto, region = REGION, settings = {} } = options;
  const server = await startPostgres(options.major ?? 17, { rdsLike: true, hba: BEHIND_FRONT, settings });
  const rds = new RDSClient({ ...asked(moto), region });
  const entry = await register(rds, server, options);
  const { host, port, resource, account } = entry;
  const partition = entry.arn.split(':')[1];
  const arn = (user: string) => `arn:${partition}:rds-db:${region}:${account}:dbuser:${resource}/${user}`;

  const verify = async (token: string, user: string): Promise<Verdict> => {
    if (!(await entry.iamAuthentication())) return { ok: false, reason: `IAM authentication of ${entry.identifier} is off` };
    let owner: KeyOwner | null = null;
    const secretOf = async (accessKeyId: string, sessionToken: string | undefined): Promise<string | undefined> => {
      owner = await ownerOf(moto, accessKeyId);
      return owner?.sessionToken === sessionToken ? owner?.secret : undefined;
    };
    const verdict = await verifyToken(token, { endpoint: `${host}:${port}`, region, user, secretOf });
    if (!verdict.ok) return verdict;
    return owner === null ? { ok: false, reason: 'the access key is gone' } : await authorise(moto, owner, arn(user));
  };
  const front = await startIamFront(server, { ...options, verify, names: [host] });
  const caFile = path.join(path.dirname(server.dataDir), 'front-ca.pem');
  fs.writeFileSync(caFile, front.authority, { mode: 0o644 });
  const via = { host: front.host, port: front.port };

  return {
    server,
    front,
    kind: entry.kind,
    identifier: entry.identifier,
    region,
    account,
    resource,
    endpoint: { host, port },
    via,
    caFile,
    arn,
    clientConfig: (user, password, database = 'postgres') => {
      const login = { user, database, ...(password === undefined ? {} : { password }) };
      return { ...via, ...login, ssl: { ca: front.authority, servername: host }, connectionTimeoutMillis: 10_000 };
    },
    stop: async () => {
      await front.close();
      await server.stop();
      await entry.forget();
      rds.destroy();
    },
  };
}

/** What the emulator knows of the server. */
type Entry = {
  readonly kind: RdsLike['kind'];
  readonly identifier: string;
  readonly arn: string;
  readonly account: string;
  readonly host: string;
  readonly port: number;
  readonly resource: string;
  readonly iamAuthentication: () => Promise<boolean>;
  readonly forget: () => Promise<void>;
};

async function register(rds: RDSClient, server: Postgres, options: RdsLikeOptions): Promise<Entry> {
  const { kind = 'cluster', identifier = 'orders-prod', iamAuthentication = true } = options;
  const common = {
    EngineVersion: server.version,
    MasterUsername: master.user,
    MasterUserPassword: master.password,
    EnableIAMDatabaseAuthentication: iamAuthentication,
    Port: 5432,
  };
  const entry = kind === 'cluster' ? await cluster(rds, identifier, common) : await instance(rds, identifier, common);
  return { kind, identifier, account: entry.arn.split(':')[4] ?? '', ...entry };
}

type Common = {
  readonly EngineVersion: string;
  readonly MasterUsername: string;
  readonly MasterUserPassword: string;
  readonly Port: number;
};
type Registered = Omit<Entry, 'kind' | 'identifier' | 'account'>;

async function cluster(rds: RDSClient, identifier: string, common: Common): Promise<Registered> {
  const name = { DBClusterIdentifier: identifier };
  const created = await rds.send(new CreateDBClusterCommand({ ...common, ...name, Engine: 'aurora-postgresql' }));
  const member = { DBInstanceIdentifier: `${identifier}-1` };
  await rds.send(new CreateDBInstanceCommand({ ...name, ...member, Engine: 'aurora-postgresql', DBInstanceClass: 'db.r6g.large' }));
  const { DBClusterArn: arn = '', Endpoint: host = '', DbClusterResourceId: resource = '' } = created.DBCluster ?? {};
  return {
    arn,
    host,
    port: created.DBCluster?.Port ?? common.Port,
    resource,
    iamAuthentication: async () =>
      (await rds.send(new DescribeDBClustersCommand(name))).DBClusters?.[0]?.IAMDatabaseAuthenticationEnabled === true,
    forget: async () => {
      await unlessGone(rds.send(new DeleteDBInstanceCommand({ ...member, SkipFinalSnapshot: true })));
      await unlessGone(rds.send(new DeleteDBClusterCommand({ ...name, SkipFinalSnapshot: true })));
    },
  };
}

async function instance(rds: RDSClient, identifier: string, common: Common): Promise<Registered> {
  const name = { DBInstanceIdentifier: identifier };
  const size = { DBInstanceClass: 'db.t4g.micro', AllocatedStorage: 20 };
  const created = await rds.send(new CreateDBInstanceCommand({ ...common, ...name, ...size, Engine: 'postgres' }));
  const { DBInstanceArn: arn = '', Endpoint, DbiResourceId: resource = '' } = created.DBInstance ?? {};
  return {
    arn,
    host: Endpoint?.Address ?? '',
    port: Endpoint?.Port ?? common.Port,
    resource,
    iamAuthentication: async () =>
      (await rds.send(new DescribeDBInstancesCommand(name))).DBInstances?.[0]?.IAMDatabaseAuthenticationEnabled === true,
    forget: async () => await unlessGone(rds.send(new DeleteDBInstanceCommand({ ...name, SkipFinalSnapshot: true }))),
  };
}

/** The emulator may have been emptied or stopped before. */
async function unlessGone(deletion: Promise<unknown>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    const gone = ['DBClusterNotFoundFault', 'DBInstanceNotFoundFault', 'DBInstanceNotFound'];
    const { name, code } = error as Error & { readonly code?: string };
    if (!gone.includes(name) && code !== 'ECONNREFUSED') throw error;
  }
}
