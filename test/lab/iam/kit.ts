// npm run lab: a PostgreSQL server as on RDS, and the AWS account that it is in, on this machine until Ctrl-C.
import fs from 'node:fs';
import path from 'node:path';
import { CreateAccessKeyCommand, CreateRoleCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { ACCOUNT, awsEnvironment, clientConfig, FETCH, isMotoInstalled, type Moto, startMoto } from '../aws/moto.ts';
import { isInstalled } from '../binaries.ts';
import { scratchDir } from '../files.ts';
import type { Decision } from './proxy.ts';
import { type RdsLike, startRdsLike } from './rds-like.ts';

const MAJOR = 17;
const ROOT = path.resolve(import.meta.dirname, '../../..');
const bold = process.stdout.isTTY && !process.env.NO_COLOR ? (text: string) => `\u001b[1m${text}\u001b[0m` : (text: string) => text;

/** What somebody needs who works on access, and no right to log in to a database. */
const PLATFORM = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: ['iam:*', 'rds:Describe*', 'sts:*'], Resource: '*' }] };
const TRUST = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: 'sts:AssumeRole' }],
};

/** A user 'platform' for whoever sits here, and a role 'reporting' that is allowed nothing. */
const peopled = async (moto: Moto): Promise<Readonly<Record<string, string>>> => {
  const iam = new IAMClient(clientConfig(moto));
  const user = { UserName: 'platform' };
  await iam.send(new CreateUserCommand(user));
  await iam.send(new PutUserPolicyCommand({ ...user, PolicyName: 'work-on-access', PolicyDocument: JSON.stringify(PLATFORM) }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand(user));
  await iam.send(new CreateRoleCommand({ RoleName: 'reporting', AssumeRolePolicyDocument: JSON.stringify(TRUST) }));
  return { AWS_ACCESS_KEY_ID: AccessKey?.AccessKeyId ?? '', AWS_SECRET_ACCESS_KEY: AccessKey?.SecretAccessKey ?? '' };
};

const manifest = ({ identifier, region, via, caFile }: RdsLike): string => `version: 1
stack: example/lab

targets:
  shop:
    engine: postgres
    rds:
      cluster: ${identifier}
      region: ${region}
      via: { host: ${via.host}, port: ${via.port} }    # nobody can dial the endpoint that the RDS API names
      ca: ${caFile}
    login: { user: master, password: "\${env:LAB_PASSWORD}" }
    databases: [shop]
    defaults_for: { shop: [shop_owner] }

existing: [shop_owner]

iam:
  account: "${ACCOUNT}"

groups:
  analysts:
    read: [shop.sales]

users:
  reporting:
    auth: iam
    principals: [role/reporting]
    groups: [analysts]
`;

const paste = (folder: string, db: RdsLike, environment: Readonly<Record<string, string>>): string => {
  const variables = Object.entries(environment).map(([name, value]) => `export ${name}=${value}`);
  const { endpoint, via, caFile } = db;
  const address = `host=${endpoint.host} hostaddr=${via.host} port=${via.port} sslmode=verify-full sslrootcert=${caFile}`;
  return `
${bold('In another terminal')}

cd ${folder}
${variables.join('\n')}
rolecall() { node ${path.join(ROOT, 'build/cli.js')} "$@"; }

${bold('The manifest there')} (${path.join(folder, 'access/rolecall.yaml')})

${manifest(db).trimEnd()}

${bold('What to try')}

rolecall targets                                        # what the account has
rolecall apply                                          # the user, its grants, and the policy of role/reporting
rolecall connect reporting@shop --as role/reporting     # by a token of that role
rolecall connect reporting@shop                         # you are 'platform', whom no policy lets in

PGPASSWORD=$(rolecall token reporting@shop --as role/reporting) \\
  psql "${address} user=reporting dbname=shop"

Tokens are for ${endpoint.host}:${endpoint.port}, user by user; their signature and the policies of
${db.arn('USER')} are checked at each login:
`;
};

/** Passwords are the server's to judge. */
const tell = ({ user, database, outcome, principal, reason }: Decision): void => {
  if (outcome === 'token') console.log(`✔ '${user}' to '${database}': by token of ${principal}`);
  if (outcome === 'refused') console.log(`✘ '${user}' to '${database}': ${reason}`);
};

const run = async (): Promise<void> => {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const ended = new Promise<void>((resolve) => {
    // 'on': while there is a listener, the servers leave it to us to end them
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
  const moto = await startMoto();
  const credentials = await peopled(moto);
  const db = await startRdsLike({ moto, major: MAJOR, identifier: 'shop-prod', onDecision: tell });
  const { server } = db;
  await server.query(server.master, 'postgres', 'CREATE DATABASE shop');
  await server.query(server.master, 'shop', fs.readFileSync(path.join(ROOT, 'fixtures/demo/shop.sql'), 'utf8'));
  const folder = scratchDir({});
  process.once('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
  fs.mkdirSync(path.join(folder, 'access'));
  fs.writeFileSync(path.join(folder, 'access/rolecall.yaml'), manifest(db));
  console.log(
    `PostgreSQL ${server.version} as on RDS, and an AWS account (moto ${moto.version}); Ctrl-C ends both and leaves nothing behind.`,
  );
  console.log(paste(folder, db, { ...awsEnvironment(moto), ...credentials, LAB_PASSWORD: server.master.password }));

  await ended;
  console.log('\nending');
  await db.stop();
  await moto.stop();
};

if (!isInstalled(MAJOR)) {
  console.log(`The lab needs an embedded PostgreSQL ${MAJOR}, and none is published for ${process.platform}-${process.arch}.`);
  process.exitCode = 1;
} else if (!isMotoInstalled()) {
  console.log(`The lab needs moto, an emulator of AWS, and it is not here: run ${FETCH}`);
  process.exitCode = 1;
} else await run();
