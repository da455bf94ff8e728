import {
  CreateDBClusterCommand,
  CreateDBInstanceCommand,
  DeleteDBClusterCommand,
  DeleteDBInstanceCommand,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import { master } from '../rds.ts';
import { asked, authorise, type Emulator, type KeyOwner, ownerOf } from './authorise.ts';
import type { Verdict } from './proxy.ts';
import { verifyToken } from './token.ts';

/** What a server is registered as. */
export type Registration = {
  readonly kind: 'cluster' | 'instance';
  readonly engine: string;
  readonly version: string;
  readonly identifier: string;
  readonly region: string;
  readonly port: number;
  readonly iamAuthentication: boolean;
};

/** What the emulator knows of a server, and whom it lets in. */
export type Registered = {
  /** The endpoint that the RDS API says, and nobody can dial. */
  readonly host: string;
  readonly port: number;
  /** `cluster-…` or `db-…`. */
  readonly resource: string;
  readonly account: string;
  /** What `rds-db:connect` has to be allowed on. */
  readonly arn: (user: string) => string;
  /** As RDS does: is IAM authentication on, the token good, and its owner allowed to connect as the user? */
  readonly verify: (token: string, user: string) => Promise<Verdict>;
  readonly forget: () => Promise<void>;
};

/** Makes a server known to the emulator's RDS. */
export async function register(moto: Emulator, registration: Registration): Promise<Registered> {
  const { region } = registration;
  const rds = new RDSClient({ ...asked(moto), region });
  const entry = await (registration.kind === 'cluster' ? cluster : instance)(rds, registration);
  const { host, port, resource } = entry;
  const [, partition, , , account = ''] = entry.arn.split(':');
  const arn = (user: string) => `arn:${partition}:rds-db:${region}:${account}:dbuser:${resource}/${user}`;
  return {
    host,
    port,
    resource,
    account,
    arn,
    verify: async (token, user) => {
      if (!(await entry.iamAuthentication())) return { ok: false, reason: `IAM authentication of ${registration.identifier} is off` };
      let owner: KeyOwner | null = null;
      const secretOf = async (accessKeyId: string, sessionToken: string | undefined): Promise<string | undefined> => {
        owner = await ownerOf(moto, accessKeyId);
        return owner?.sessionToken === sessionToken ? owner?.secret : undefined;
      };
      const verdict = await verifyToken(token, { endpoint: `${host}:${port}`, region, user, secretOf });
      if (!verdict.ok) return verdict;
      return owner === null ? { ok: false, reason: 'the access key is gone' } : await authorise(moto, owner, arn(user));
    },
    forget: async () => {
      await entry.forget();
      rds.destroy();
    },
  };
}

type Entry = {
  readonly arn: string;
  readonly host: string;
  readonly port: number;
  readonly resource: string;
  readonly iamAuthentication: () => Promise<boolean>;
  readonly forget: () => Promise<void>;
};

const common = ({ engine, version, iamAuthentication, port }: Registration) => ({
  Engine: engine,
  EngineVersion: version,
  MasterUsername: master.user,
  MasterUserPassword: master.password,
  EnableIAMDatabaseAuthentication: iamAuthentication,
  Port: port,
});

async function cluster(rds: RDSClient, registration: Registration): Promise<Entry> {
  const { identifier, engine } = registration;
  const name = { DBClusterIdentifier: identifier };
  const created = await rds.send(new CreateDBClusterCommand({ ...common(registration), ...name }));
  const member = { DBInstanceIdentifier: `${identifier}-1` };
  await rds.send(new CreateDBInstanceCommand({ ...name, ...member, Engine: engine, DBInstanceClass: 'db.r6g.large' }));
  const { DBClusterArn: arn = '', Endpoint: host = '', DbClusterResourceId: resource = '' } = created.DBCluster ?? {};
  return {
    arn,
    host,
    port: created.DBCluster?.Port ?? registration.port,
    resource,
    iamAuthentication: async () =>
      (await rds.send(new DescribeDBClustersCommand(name))).DBClusters?.[0]?.IAMDatabaseAuthenticationEnabled === true,
    forget: async () => {
      await unlessGone(rds.send(new DeleteDBInstanceCommand({ ...member, SkipFinalSnapshot: true })));
      await unlessGone(rds.send(new DeleteDBClusterCommand({ ...name, SkipFinalSnapshot: true })));
    },
  };
}

async function instance(rds: RDSClient, registration: Registration): Promise<Entry> {
  const name = { DBInstanceIdentifier: registration.identifier };
  const size = { DBInstanceClass: 'db.t4g.micro', AllocatedStorage: 20 };
  const created = await rds.send(new CreateDBInstanceCommand({ ...common(registration), ...name, ...size }));
  const { DBInstanceArn: arn = '', Endpoint, DbiResourceId: resource = '' } = created.DBInstance ?? {};
  return {
    arn,
    host: Endpoint?.Address ?? '',
    port: Endpoint?.Port ?? registration.port,
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
