import { execFile, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ACCOUNT, awsEnvironment, clientConfig } from '../lab/aws/moto.ts';
import { withMoto } from '../lab/aws/suite.ts';
import { type AwsWorld, startAwsWorld } from './aws-world.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const README = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

/** The text of the first block in a language after a heading of the README. */
const block = (heading: string, language: string): string => {
  const [, rest = ''] = README.split(`\n${heading}\n`);
  const blocks = [...rest.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  return blocks.find(([, written]) => written === language)![2]!;
};

/** In place of the name service and the network: whoever dials the endpoint, which is nowhere, gets to the front of the lab. */
const DIAL = `
import net from 'node:net';
const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (port, host) {
  return host === process.env.PGHOST ? connect.call(this, Number(process.env.LAB_PORT), '127.0.0.1') : connect.apply(this, arguments);
};
`;

withMoto('what the README tells', (moto) => {
  let world: AwsWorld;
  beforeAll(async () => {
    world = await startAwsWorld(moto(), { identifier: 'orders-prod', region: 'eu-west-1' });
    await world.makeRole('orders-api');
    const { server } = world.rds;
    await server.query(server.master, 'postgres', 'CREATE DATABASE orders');
    await server.query(server.master, 'orders', 'CREATE TABLE public.orders (id int)');
    fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(world.command.home, 'node_modules'));
    fs.writeFileSync(path.join(world.command.home, 'dial.mjs'), DIAL);
    fs.writeFileSync(path.join(world.command.home, 'service.mjs'), block('### For application owners', 'js'));
  });
  afterAll(() => world?.close());

  /** The quick start, with what differs here: nobody can dial the endpoint, and no public authority signed its certificate. */
  const quickStart = (): string => {
    const { server, via, caFile } = world.rds;
    const file = path.join(world.command.home, 'quick-start.yaml');
    const here = `region: eu-west-1, via: { host: 127.0.0.1, port: ${via.port} }, ca: ${caFile} }`;
    const written = block('### With RDS or Aurora', 'yaml')
      .replace('region: eu-west-1 }', here)
      .replace('user: postgres', `user: ${server.master.user}`)
      .replace(/MASTER_PASSWORD/, 'ROLECALL_MASTER');
    fs.writeFileSync(file, written);
    return file;
  };

  /** The environment of a service with the role. */
  const ofService = async (): Promise<NodeJS.ProcessEnv> => {
    const sts = new STSClient(clientConfig(moto()));
    const { Credentials: keys } = await sts.send(
      new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${ACCOUNT}:role/orders-api`, RoleSessionName: 'service' }),
    );
    const { endpoint, caFile, region } = world.rds;
    return {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...awsEnvironment(moto()),
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: keys!.AccessKeyId,
      AWS_SECRET_ACCESS_KEY: keys!.SecretAccessKey,
      AWS_SESSION_TOKEN: keys!.SessionToken,
      PGHOST: endpoint.host,
      PGUSER: 'orders_api',
      PGDATABASE: 'orders',
      PGSSLROOTCERT: caFile,
    };
  };

  const run = async (program: string, args: readonly string[], env: NodeJS.ProcessEnv, input = '') =>
    await new Promise<{ code: number; out: string; err: string }>((resolve) => {
      const child = execFile(program, args, { cwd: world.command.home, env }, (error, out, err) =>
        resolve({ code: error ? Number(error.code) : 0, out, err }),
      );
      child.stdin!.end(input);
    });
  const service = async () =>
    await run(process.execPath, ['--import', './dial.mjs', 'service.mjs'], {
      ...(await ofService()),
      LAB_PORT: String(world.rds.via.port),
    });

  test('a service that no policy names is refused, and let in once the quick start is applied', async () => {
    const { server } = world.rds;
    await server.query(server.master, 'postgres', 'CREATE ROLE orders_api LOGIN; GRANT rds_iam TO orders_api');
    expect(await service()).toMatchObject({ code: 1, err: expect.stringContaining('PAM authentication failed') });
    const { code, stdout, stderr } = await world.run('apply', '-m', quickStart(), '--auto-approve');
    expect({ code, stderr: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, stderr: '' });
    const onOneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
    expect(onOneLine(stdout)).toContain(onOneLine(block('### With RDS or Aurora', '')));
    expect(await service()).toEqual({ code: 0, out: 'orders_api\n', err: '' });
  });

  test.skipIf(!has('psql') || !has('aws'))('psql is let in with a token of the AWS CLI', async () => {
    const env = { ...(await ofService()), PGHOSTADDR: '127.0.0.1', PGPORT: String(world.rds.via.port), PSQLRC: '/dev/null' };
    const { code, out, err } = await run('sh', ['-c', block('### For application owners', 'sh')], env, 'SELECT current_user;\n');
    expect({ code, err, in: out.includes('orders_api') }).toEqual({ code: 0, err: '', in: true });
  });

  test('the account is as it was when the quick start is destroyed', async () => {
    const { code, stdout: out } = await world.run('destroy', '-m', quickStart(), '--auto-approve');
    expect(out).toMatch(/- policy +role\/orders-api +deleted/);
    expect(out).not.toContain('left the manifest');
    expect({ code, attached: await world.attached('orders-api') }).toEqual({ code: 0, attached: [] });
  });
});
