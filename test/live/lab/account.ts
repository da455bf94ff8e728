import * as iam from '@aws-sdk/client-iam';
import * as rds from '@aws-sdk/client-rds';
import { afterEach, beforeEach } from 'vitest';
import { clientConfig, type Moto } from '../../lab/aws/moto.ts';
import { type AwsCall, type AwsFault, type AwsProxy, type ProxyOptions, startAwsProxy } from '../../lab/aws/proxy.ts';

/** A policy that lets a user of one instance log in. */
export const CONNECT = document('arn:aws:rds-db:eu-central-1:123456789012:dbuser:db-ABCDEFGHIJKLMNOPQRSTUVWXYZ/app');
/** Who may assume a role of these tests. */
export const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'ec2.amazonaws.com' } }],
});

/** What an instance needs beside its name. */
export const INSTANCE = {
  ...{ DBInstanceClass: 'db.t4g.micro', Engine: 'postgres', AllocatedStorage: 20 },
  ...{ MasterUsername: 'master', MasterUserPassword: 'not-a-password' },
};

/** A policy that lets log in where `resource` says. */
export function document(resource: string): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'rds-db:connect', Resource: resource }] });
}

/** An account that is empty before each test, and what a test opens on it, closed after it. */
export function useAccount(moto: () => Moto) {
  const open: { close?: () => Promise<void>; destroy?: () => void }[] = [];
  beforeEach(async () => await moto().reset());
  afterEach(async () => {
    for (const thing of open.splice(0).reverse()) await (thing.close ?? thing.destroy)?.call(thing);
  });
  const proxied = async (rule?: (call: AwsCall) => AwsFault | undefined, options?: ProxyOptions): Promise<AwsProxy> => {
    const proxy = await startAwsProxy(moto(), rule, options);
    open.push(proxy);
    return proxy;
  };
  const opened = <T extends { destroy: () => void }>(client: T): T => {
    open.push(client);
    return client;
  };
  const iamOf = (endpoint: { readonly url: string }, maxAttempts = 1) =>
    opened(new iam.IAMClient({ ...clientConfig(endpoint), maxAttempts }));
  const rdsOf = (endpoint: { readonly url: string }) => opened(new rds.RDSClient({ ...clientConfig(endpoint), maxAttempts: 1 }));
  return { proxied, opened, iamOf, rdsOf };
}

/** Makes a policy; its ARN. */
export const createPolicy = async (client: iam.IAMClient, name: string, text = CONNECT): Promise<string> => {
  const { Policy } = await client.send(
    new iam.CreatePolicyCommand({ PolicyName: name, PolicyDocument: text, Tags: [{ Key: 'by', Value: 'test' }] }),
  );
  return Policy?.Arn ?? '';
};
/** Makes a role that EC2 may assume. */
export const createRole = async (client: iam.IAMClient, name: string) =>
  await client.send(new iam.CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: TRUST }));

/** Is there a policy of ours of this name? */
export const policyExists = async (client: iam.IAMClient, name: string) => {
  const { Policies = [] } = await client.send(new iam.ListPoliciesCommand({ Scope: 'Local' }));
  return Policies.some(({ PolicyName }) => PolicyName === name);
};
