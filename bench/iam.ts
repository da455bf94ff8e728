import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { AttachRolePolicyCommand, CreatePolicyCommand, CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { awsEnvironment, clientConfig, isMotoInstalled, startMoto } from '../test/lab/aws/moto.ts';
import { type AwsProxy, startAwsProxy } from '../test/lab/aws/proxy.ts';
import { startRdsLike } from '../test/lab/iam/rds-like.ts';
import type { Row } from './measure.ts';
import { type Run, rolecallBeside } from './time.ts';

const ROLES = 1000;
const POLICIES = 500;
const PAGE = 100;

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/**
 * 1,000 principals and 500 policies in the emulator, whose answers are cut into pages of 100: half of the policies are ours and
 * let a role log in, the others are somebody else's. Calls are counted before the emulator.
 */
export const measureIam = async (scratch: string): Promise<readonly Row[]> => {
  if (!isMotoInstalled()) return [['`plan` of an account with 1,000 principals and 500 policies', 'not measured: npm run lab:fetch']];
  const moto = await startMoto();
  const [rds, aws] = await Promise.all([startRdsLike({ moto }), startAwsProxy(moto, undefined, { pageSize: PAGE })]);
  try {
    await fill(new IAMClient(clientConfig(moto)));
    const manifest = path.join(scratch, 'iam.yaml');
    const { kind, identifier, region, via, caFile, server } = rds;
    const users = Array.from({ length: POLICIES / 2 }, (_, at) => `  user_${at}: { auth: iam, principals: [role/role-${at}] }\n`);
    writeFileSync(
      manifest,
      `version: 1\nstack: bench/iam\ntargets:\n  t:\n    engine: postgres\n    rds: { ${kind}: ${identifier}, region: ${region}, via: { host: ${via.host}, port: ${via.port} }, ca: ${caFile} }\n    login: { user: ${server.master.user}, password: "\${env:BENCH_PASSWORD}" }\n    databases: [postgres]\niam: {}\nusers:\n${users.join('')}`,
    );
    const env = { ...awsEnvironment(aws), BENCH_PASSWORD: server.master.password };
    const run = async (...args: readonly string[]): Promise<Run & { readonly calls: number }> => {
      aws.forget();
      const ran = await rolecallBeside(env, ...args, '-m', manifest);
      return { ...ran, calls: callsOf(aws) };
    };
    const [first, applied] = [await run('plan'), await run('apply', '--auto-approve')];
    const [again, second] = [await run('plan'), await run('apply', '--auto-approve')];
    return [
      ['`plan` of an account with 1,000 principals and 500 policies, in pages of 100: 250 policies to be made', shown(first)],
      ['the same: `apply`', shown(applied)],
      ['the same: `plan` with nothing to do', shown(again)],
      ['the same: second `apply`', shown(second)],
    ];
  } finally {
    await Promise.all([aws.close(), rds.stop()]);
    await moto.stop();
  }
};

const shown = ({ ms, mb, calls }: Run & { readonly calls: number }): string =>
  `${seconds(ms)} · ${mb.toFixed(0)} MB · ${calls.toLocaleString('en-US')} calls of IAM`;

const callsOf = (aws: AwsProxy): number => aws.calls().filter(({ service }) => service === 'iam').length;

/** Roles that anybody of the account may assume, and policies of somebody else on half as many of them as there are policies. */
const fill = async (iam: IAMClient): Promise<void> => {
  const trust = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'ecs-tasks.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  });
  const document = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }] });
  for (let at = 0; at < ROLES; at++) await iam.send(new CreateRoleCommand({ RoleName: `role-${at}`, AssumeRolePolicyDocument: trust }));
  for (let at = 0; at < POLICIES / 2; at++) {
    const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: `theirs-${at}`, PolicyDocument: document }));
    await iam.send(new AttachRolePolicyCommand({ RoleName: `role-${ROLES - 1 - at}`, PolicyArn: Policy!.Arn! }));
  }
  iam.destroy();
};
