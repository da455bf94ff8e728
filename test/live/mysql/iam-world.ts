import fs from 'node:fs';
import path from 'node:path';
import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListAttachedUserPoliciesCommand,
} from '@aws-sdk/client-iam';
import { ModifyDBClusterCommand, ModifyDBInstanceCommand, RDSClient } from '@aws-sdk/client-rds';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { Signer } from '@aws-sdk/rds-signer';
import { type Connection, createConnection } from 'mysql2/promise';
import { ACCOUNT, awsEnvironment, clientConfig, type Moto, REGION } from '../../lab/aws/moto.ts';
import { type AwsFault, type AwsProxy, startAwsProxy } from '../../lab/aws/proxy.ts';
import { type MysqlLike, type MysqlLikeOptions, startMysqlLike } from '../../lab/iam/mysql-like.ts';
import { type Command, type Ended, makeCommand, type Running } from '../command.ts';

/** An account with a server of MySQL or MariaDB in it, the command, and what it asks of AWS. */
export type IamWorld = {
  readonly db: MysqlLike;
  readonly aws: AwsProxy;
  readonly command: Command;
  /** Signed the server's certificate. */
  readonly authority: Buffer;
  /** A manifest of the target `billing` with this body. */
  readonly manifest: (body: string, engine?: string) => string;
  /** As a program of its own. */
  readonly start: (...args: readonly string[]) => Running;
  /** In this process. */
  readonly run: (...args: readonly string[]) => Promise<Ended>;
  /** Makes the role, which anybody of the account may assume. */
  readonly makeRole: (name: string) => Promise<void>;
  /** Makes the user, with an access key. */
  readonly makeUser: (name: string) => Promise<void>;
  /** Whether RDS takes tokens for the server. */
  readonly switchIam: (on: boolean) => Promise<void>;
  /** Logs in with a token that the principal signed. */
  readonly connect: (principal: string, user: string) => Promise<Connection>;
  /** Logs in with this token. */
  readonly connectWith: (token: string, user: string) => Promise<Connection>;
  /** 'in', or why a token of the principal does not let it in. */
  readonly login: (principal: string, user: string) => Promise<string>;
  /** What our policies of this principal let it log in as. */
  readonly allowed: (principal: string) => Promise<readonly string[]>;
  /** Asked at each call of AWS from now on; null: nobody is. */
  readonly onCall: (rule: ((operation: string) => AwsFault | undefined) | null) => void;
  readonly close: () => Promise<void>;
};

/** Starts it; `moto` stays the caller's. */
export const startIamWorld = async (moto: Moto, options: Omit<MysqlLikeOptions, 'moto'>): Promise<IamWorld> => {
  let onCall: ((operation: string) => AwsFault | undefined) | null = null;
  const aws = await startAwsProxy(moto, ({ operation }) => onCall?.(operation));
  const db = await startMysqlLike({ moto, ...options });
  const command = makeCommand();
  const variables = { ...awsEnvironment(aws), ROLECALL_MASTER: db.server.master.password, JANE: 'jane-password' };
  const authority = fs.readFileSync(db.caFile);
  const iam = new IAMClient(clientConfig(moto));
  const sts = new STSClient(clientConfig(moto));
  const keys = new Map<string, { readonly accessKeyId: string; readonly secretAccessKey: string }>();
  let manifests = 0;
  const credentialsOf = async (principal: string) => {
    const [kind, name = ''] = principal.split('/');
    if (kind === 'user') return keys.get(name)!;
    const { Credentials: made } = await sts.send(
      new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${ACCOUNT}:role/${name}`, RoleSessionName: 'test' }),
    );
    return { accessKeyId: made!.AccessKeyId!, secretAccessKey: made!.SecretAccessKey!, sessionToken: made!.SessionToken! };
  };
  const connectWith: IamWorld['connectWith'] = async (token, user) => {
    const ssl = { ca: authority, verifyIdentity: false };
    const connection = await createConnection({ ...db.via, user, password: token, enableCleartextPlugin: true, ssl });
    // one that the server ends must not take the test process with it
    connection.on('error', () => {});
    return connection;
  };
  const connect: IamWorld['connect'] = async (principal, user) => {
    const { host: hostname, port } = db.endpoint;
    const signer = new Signer({ hostname, port, region: REGION, username: user, credentials: await credentialsOf(principal) });
    return await connectWith(await signer.getAuthToken(), user);
  };
  const attached = async (principal: string) => {
    const [kind, name = ''] = principal.split('/');
    const { AttachedPolicies = [] } =
      kind === 'user'
        ? await iam.send(new ListAttachedUserPoliciesCommand({ UserName: name }))
        : await iam.send(new ListAttachedRolePoliciesCommand({ RoleName: name }));
    return AttachedPolicies.map(({ PolicyArn }) => PolicyArn!);
  };
  const resourcesOf = async (arn: string): Promise<readonly string[]> => {
    const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn: arn }));
    const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn: arn, VersionId: Policy!.DefaultVersionId! }));
    const { Statement } = JSON.parse(decodeURIComponent(PolicyVersion!.Document!)) as {
      Statement: readonly { Resource: string | string[] }[];
    };
    return Statement.flatMap(({ Resource }) => Resource);
  };
  return {
    db,
    aws,
    command,
    authority,
    manifest: (body, engine = db.server.flavour) => {
      const file = path.join(command.home, `access-${manifests++}.yaml`);
      fs.writeFileSync(
        file,
        `version: 1
stack: test/${db.identifier}
iam: { account: "${ACCOUNT}" }
targets:
  billing:
    engine: ${engine}
    rds: { ${db.kind}: ${db.identifier}, region: ${REGION}, via: { host: 127.0.0.1, port: ${db.via.port} }, ca: ${db.caFile} }
    login: { user: ${db.server.master.user}, password: "\${env:ROLECALL_MASTER}" }
${body}`,
      );
      return file;
    },
    start: (...args) => command.start(args, variables),
    run: async (...args) => await command.run(args, variables),
    makeRole: async (name) => {
      const trust = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }] };
      await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(trust) }));
    },
    makeUser: async (name) => {
      await iam.send(new CreateUserCommand({ UserName: name }));
      const { AccessKey: key } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
      keys.set(name, { accessKeyId: key!.AccessKeyId!, secretAccessKey: key!.SecretAccessKey! });
    },
    switchIam: async (on) => {
      const change = { EnableIAMDatabaseAuthentication: on, ApplyImmediately: true };
      const rds = new RDSClient(clientConfig(moto));
      await (db.kind === 'cluster'
        ? rds.send(new ModifyDBClusterCommand({ DBClusterIdentifier: db.identifier, ...change }))
        : rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: db.identifier, ...change })));
      rds.destroy();
    },
    connect,
    connectWith,
    login: async (principal, user) => {
      const before = db.log().length;
      try {
        (await connect(principal, user)).destroy();
        return 'in';
      } catch (error) {
        const verdict = db.log()[before];
        return verdict && !verdict.ok ? verdict.reason : String(error);
      }
    },
    allowed: async (principal) => (await Promise.all((await attached(principal)).map(resourcesOf))).flat().sort(),
    onCall: (rule) => {
      onCall = rule;
    },
    close: async () => {
      iam.destroy();
      sts.destroy();
      command.remove();
      await aws.close();
      await db.stop();
    },
  };
};
