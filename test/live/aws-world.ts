import fs from 'node:fs';
import path from 'node:path';
import {
  AttachRolePolicyCommand,
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DetachRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListPoliciesCommand,
} from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { Signer } from '@aws-sdk/rds-signer';
import pg from 'pg';
import { ACCOUNT, awsEnvironment, clientConfig, type Moto } from '../lab/aws/moto.ts';
import { type AwsFault, type AwsProxy, startAwsProxy } from '../lab/aws/proxy.ts';
import { type RdsLike, type RdsLikeOptions, startRdsLike } from '../lab/iam/rds-like.ts';
import { type Command, type Ended, makeCommand, type Running } from './command.ts';

/** An account with a cluster in it, the command, and what it asks of AWS. */
export type AwsWorld = {
  readonly rds: RdsLike;
  readonly aws: AwsProxy;
  readonly iam: IAMClient;
  readonly command: Command;
  /** A manifest of the target `orders` with this body. */
  readonly manifest: (body: string, target?: string) => string;
  /** As a program of its own. */
  readonly start: (...args: readonly string[]) => Running;
  /** In this process. */
  readonly run: (...args: readonly string[]) => Promise<Ended>;
  /** Makes the role, which anybody of the account may assume. */
  readonly makeRole: (name: string) => Promise<void>;
  /** Logs in with a token that the principal signed; 'in', or why not. */
  readonly login: (principal: string, user: string) => Promise<string>;
  /** AWS denies this operation from now on; null: none. */
  readonly refuse: (operation: string | null) => void;
  /** Asked at every call that changes IAM from now on; null: nobody is. */
  readonly strike: (rule: ((nth: number) => AwsFault | undefined) | null) => void;
  /** Calls that change IAM since `forget`. */
  readonly writes: () => readonly string[];
  /** Names of the policies under our path. */
  readonly policies: () => Promise<readonly string[]>;
  readonly attached: (role: string) => Promise<readonly string[]>;
  readonly attach: (role: string, policy: string) => Promise<void>;
  readonly detach: (role: string, policy: string) => Promise<void>;
  readonly close: () => Promise<void>;
};

const STACK = 'test/access';
const PATH = `/rolecall/${STACK}/`;
const WRITES = /^(Create|Delete|Put|Attach|Detach|Update|Tag|Untag|Set|Add|Remove)/;

/** Starts it; `moto` stays the caller's. */
export const startAwsWorld = async (moto: Moto, options: Omit<RdsLikeOptions, 'moto'> = {}): Promise<AwsWorld> => {
  let refused: string | null = null;
  let strike: ((nth: number) => AwsFault | undefined) | null = null;
  let written = 0;
  const aws = await startAwsProxy(moto, ({ service, operation }) => {
    if (operation === refused) return 'access-denied';
    return service === 'iam' && WRITES.test(operation) ? strike?.(written++) : undefined;
  });
  const rds = await startRdsLike({ moto, ...options });
  const command = makeCommand();
  const iam = new IAMClient(clientConfig(moto));
  const users = new Map<string, { readonly accessKeyId: string; readonly secretAccessKey: string }>();
  let manifests = 0;
  const variables = { ...awsEnvironment(aws), ROLECALL_MASTER: rds.server.master.password, JANE: 'jane-password' };
  const keysOf = async (principal: string) => {
    const [kind, name = ''] = principal.split('/');
    if (kind === 'user') return users.get(name) ?? (await newUser(name));
    const { Credentials: keys } = await new STSClient(clientConfig(moto)).send(
      new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${ACCOUNT}:role/${name}`, RoleSessionName: 'test' }),
    );
    return { accessKeyId: keys!.AccessKeyId!, secretAccessKey: keys!.SecretAccessKey!, sessionToken: keys!.SessionToken! };
  };
  const newUser = async (name: string) => {
    await iam.send(new CreateUserCommand({ UserName: name })).catch(() => {});
    const { AccessKey: key } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
    const keys = { accessKeyId: key!.AccessKeyId!, secretAccessKey: key!.SecretAccessKey! };
    users.set(name, keys);
    return keys;
  };
  return {
    rds,
    aws,
    iam,
    command,
    manifest: (body, target = '') => {
      const file = path.join(command.home, `aws-${manifests++}.yaml`);
      fs.writeFileSync(
        file,
        `version: 1
stack: ${STACK}
targets:
  orders:
    engine: postgres
    rds: { ${rds.kind}: ${rds.identifier}, region: ${rds.region}, via: { host: 127.0.0.1, port: ${rds.via.port} }, ca: ${rds.caFile} }
    login: { user: ${rds.server.master.user}, password: "\${env:ROLECALL_MASTER}" }
    databases: [app]
${target.replace(/^(?=.)/gm, '    ')}
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
    login: async (principal, user) => {
      const { host: hostname, port } = rds.endpoint;
      const signer = new Signer({ hostname, port, region: rds.region, username: user, credentials: await keysOf(principal) });
      const client = new pg.Client(rds.clientConfig(user, await signer.getAuthToken()));
      try {
        await client.connect();
        await client.end();
        return 'in';
      } catch (error) {
        const decision = rds.front.log().at(-1);
        return decision?.reason ?? String(error);
      }
    },
    refuse: (operation) => {
      refused = operation;
    },
    strike: (rule) => {
      strike = rule;
      written = 0;
    },
    writes: () => aws.calls().flatMap(({ service, operation }) => (service === 'iam' && WRITES.test(operation) ? [operation] : [])),
    policies: async () =>
      ((await iam.send(new ListPoliciesCommand({ Scope: 'Local', PathPrefix: PATH }))).Policies ?? []).map(({ PolicyName }) => PolicyName!),
    attached: async (role) =>
      ((await iam.send(new ListAttachedRolePoliciesCommand({ RoleName: role }))).AttachedPolicies ?? []).map(({ PolicyArn }) => PolicyArn!),
    attach: async (role, policy) => void (await iam.send(new AttachRolePolicyCommand({ RoleName: role, PolicyArn: policy }))),
    detach: async (role, policy) => void (await iam.send(new DetachRolePolicyCommand({ RoleName: role, PolicyArn: policy }))),
    close: async () => {
      iam.destroy();
      command.remove();
      await aws.close();
      await rds.stop();
    },
  };
};
