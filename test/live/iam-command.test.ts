import fs from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliHere, cliHere } from './cli.ts';

/** Everything is said: nobody has to be asked. */
const MANIFEST = `version: 1
stack: acme/access
targets:
  shop:
    engine: postgres
    endpoint: { host: db.example.com, region: eu-west-1, account: "123456789012", resource_id: cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ }
    login: { user: rolecall, password: "\${env:PASSWORD}" }
iam:
  account: "123456789012"
  mode: emit
  roles: { shop-api: { trust: { service: ecs-tasks.amazonaws.com } } }
users:
  shop_api: { auth: iam, principals: [role/shop-api] }
  jane: { auth: iam, principals: [user/jane, role/shop-api] }
`;
const RESOURCE = 'arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ';

let cli: CliHere;
beforeAll(() => {
  cli = cliHere();
  cli.write('rolecall.yaml', MANIFEST);
});
afterAll(() => cli.remove());

test('prints the policies and roles that the manifest asks for, without a word to AWS', async () => {
  const { code, out, err } = await cli.run(['iam']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const { formatVersion, policies, roles } = JSON.parse(out);
  expect(formatVersion).toBe('1.0');
  type Printed = { principal: string; path: string; document: { Statement: { Resource: string[] }[] } };
  expect((policies as Printed[]).map(({ path, principal, document }) => [principal, path, document.Statement[0]!.Resource])).toEqual([
    ['role/shop-api', '/rolecall/acme/access/', [`${RESOURCE}/jane`, `${RESOURCE}/shop_api`]],
    ['user/jane', '/rolecall/acme/access/', [`${RESOURCE}/jane`]],
  ]);
  expect(roles).toMatchObject([{ name: 'shop-api', trust: { Statement: [{ Principal: { Service: ['ecs-tasks.amazonaws.com'] } }] } }]);
});

test('prints the same as Terraform', async () => {
  const { code, out } = await cli.run(['iam', '--format', 'terraform']);
  expect(code).toBe(0);
  expect(out.match(/^resource "\w+"/gm)).toEqual([
    'resource "aws_iam_role"',
    'resource "aws_iam_policy"',
    'resource "aws_iam_role_policy_attachment"',
    'resource "aws_iam_policy"',
    'resource "aws_iam_user_policy_attachment"',
  ]);
});

test('writes both into a new directory, and into no other', async () => {
  expect(await cli.run(['iam', '--out', 'iam'])).toMatchObject({
    code: 0,
    out: '',
    err: expect.stringMatching(/^\d+ files written to iam\n$/m),
  });
  const files = fs.readdirSync(cli.file('iam'), { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.'));
  expect(files.sort()).toEqual([
    expect.stringMatching(/^policies\/rolecall-role-shop-api-.*\.json$/),
    expect.stringMatching(/^policies\/rolecall-user-jane-.*\.json$/),
    'rolecall.tf',
    'roles/shop-api.trust.json',
  ]);
  const again = await cli.run(['iam', '--out', 'iam']);
  expect(again).toMatchObject({ code: 1, out: '' });
  expect(again.err).toContain("'iam' was not written: it exists already");
});

test('prints what plan and apply need, and what that means', async () => {
  const plan = await cli.run(['iam', '--requirements', 'plan']);
  expect(plan.code).toBe(0);
  const actions = (text: string): string[] => JSON.parse(text).Statement.flatMap(({ Action }: { Action: string[] }) => Action);
  expect(actions(plan.out)).toContain('iam:GetAccountAuthorizationDetails');
  expect(actions(plan.out)).not.toContain('iam:CreatePolicy');
  const apply = await cli.run(['iam', '--requirements', 'apply']);
  expect(actions(apply.out)).toEqual(expect.arrayContaining(['iam:CreatePolicy', 'iam:CreateRole']));
  expect(apply.out).toContain('arn:aws:iam::123456789012:policy/rolecall/acme/access/*');
  expect(apply.err).toContain('an administrator in effect');
});

test('names the secrets that it looks up: of logins, to apply those of users, to prove those of whom expect names', async () => {
  const arn = (name: string): string => `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${name}`;
  const users = `users:\n  etl: { password: "\${secret:${arn('etl-Ab12Cd')}#password}" }\n  app: { password: "\${secret:${arn('app')}}" }\n`;
  const login = MANIFEST.replace('${env:PASSWORD}', `\${secret:${arn('login-Ab12Cd')}#password}`);
  cli.write('secrets.yaml', `${login.replace(/^users:\n/m, users)}expect: [{ user: etl, login: denied }]\n`);
  const resources = async (command: string): Promise<string[]> => {
    const { out } = await cli.run(['iam', '-m', 'secrets.yaml', '--requirements', command]);
    return JSON.parse(out).Statement.find(({ Sid }: { Sid: string }) => Sid === 'ReadSecrets').Resource;
  };
  expect(await resources('plan')).toEqual([arn('login-Ab12Cd')]);
  expect(await resources('apply')).toEqual([arn('app-??????'), arn('etl-Ab12Cd'), arn('login-Ab12Cd')]);
  expect(await resources('prove')).toEqual([arn('etl-Ab12Cd'), arn('login-Ab12Cd')]);
});

test('asks for secrets alone where the manifest has nothing else in AWS', async () => {
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:jane-Ab12Cd';
  cli.write(
    'alone.yaml',
    `version: 1\nstack: acme/access\ntargets: { t: { engine: postgres, endpoint: env } }\nusers: { jane: { password: "\${secret:${arn}}" } }\n`,
  );
  const { code, out } = await cli.run(['iam', '-m', 'alone.yaml', '--requirements', 'apply']);
  const statements = (JSON.parse(out) as { Statement: { Sid: string; Resource: string[] }[] }).Statement;
  expect(code).toBe(0);
  expect(statements.map(({ Sid }) => Sid)).toEqual(['ReadSecrets']);
  expect(statements.at(-1)?.Resource).toEqual([arn]);
});

test('finds servers where a target is named by RDS, or alarms watch one', async () => {
  const sids = async (command: string, alarms = ''): Promise<string[]> => {
    cli.write('found.yaml', `${MANIFEST}${alarms}`);
    const { out } = await cli.run(['iam', '-m', 'found.yaml', '--requirements', command]);
    return (JSON.parse(out) as { Statement: { Sid: string }[] }).Statement.map(({ Sid }) => Sid);
  };
  expect(await sids('plan')).not.toContain('FindServers');
  expect(await sids('plan', 'alarms: {}\n')).toContain('FindServers');
  expect(await sids('prove', 'alarms: {}\n')).not.toContain('FindServers');
});

test('names what it logs in as itself, where that is by IAM', async () => {
  cli.write('token.yaml', MANIFEST.replace('password: "${env:PASSWORD}"', 'plan_user: reader, auth: iam'));
  const keys = { AWS_ACCESS_KEY_ID: 'AKIAROLECALLLAB00001', AWS_SECRET_ACCESS_KEY: 'x', AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
  const resources = async (command: string): Promise<string[]> => {
    const { out } = await cli.run(['iam', '-m', 'token.yaml', '--requirements', command], { env: keys });
    return JSON.parse(out).Statement.find(({ Sid }: { Sid: string }) => Sid === 'LogIn').Resource;
  };
  expect(await resources('plan')).toEqual([`${RESOURCE}/reader`]);
  expect(await resources('apply')).toEqual([`${RESOURCE}/reader`, `${RESOURCE}/rolecall`]);
});

test('says so when the manifest asks for nothing', async () => {
  const endpoint =
    'endpoint: { host: db.example.com, region: eu-west-1, account: "123456789012", resource_id: cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ }';
  const target = `{ engine: postgres, ${endpoint}, login: { user: rolecall, password: "\${env:PASSWORD}" } }`;
  cli.write('known.yaml', `version: 1\nstack: acme/access\ntargets: { t: ${target} }\nusers: { jane: {} }\n`);
  expect(await cli.run(['iam', '-m', 'known.yaml', '--requirements', 'plan'])).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('iam/nothing'),
  });
  cli.write('none.yaml', 'version: 1\nstack: acme/access\ntargets: { t: { engine: postgres, endpoint: env } }\nusers: { jane: {} }\n');
  const { code, err } = await cli.run(['iam', '-m', 'none.yaml']);
  expect(code).toBe(1);
  expect(err).toContain('iam/nothing');
});
