import {
  CreateDBClusterCommand,
  CreateDBInstanceCommand,
  CreateDBProxyCommand,
  CreateGlobalClusterCommand,
  RDSClient,
  RegisterDBProxyTargetsCommand,
} from '@aws-sdk/client-rds';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Target } from '../../src/model/declared.ts';
import type { Finding } from '../../src/model/finding.ts';
import { listDatabases } from '../../src/providers/rds/list.ts';
import { type Discovery, discover } from '../../src/providers/rds/rds.ts';
import { awsEnvironment, clientConfig } from '../lab/aws/moto.ts';
import { type AwsCall, type AwsFault, type AwsProxy, startAwsProxy } from '../lab/aws/proxy.ts';
import { withMoto } from '../lab/aws/suite.ts';
import { targetOf } from '../providers/declared.ts';
import { ACCOUNT, sought } from '../providers/rds/answers.ts';

const NONE: ReadonlySet<string> = new Set();
const SECRET = 'c4n4ry-of-a-secret-access-key';
const SESSION = 'c4n4ry-of-a-session-token';

const codes = ({ findings }: { readonly findings: readonly Finding[] }): string[] =>
  findings.map(({ severity, code }) => `${severity} ${code}`);
const only = ({ targets }: Discovery): Target => targets[0]!;

withMoto('discovery', (moto) => {
  let proxy: AwsProxy;
  let fault: (call: AwsCall) => AwsFault | undefined;

  beforeAll(async () => {
    await populate(moto().url);
  });
  beforeEach(async () => {
    fault = () => undefined;
    proxy = await startAwsProxy(moto(), (call) => fault(call), { pageSize: 2 });
    const variables = { ...awsEnvironment(proxy), AWS_SECRET_ACCESS_KEY: SECRET, AWS_SESSION_TOKEN: SESSION };
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    return async () => {
      await proxy.close();
      expect(proxy.violations()).toEqual([]);
    };
  });
  afterEach(() => vi.unstubAllEnvs());

  const operations = (): string[] => proxy.calls().map(({ operation, region }) => `${operation} ${region}`);
  const look = async (targets: readonly Target[], needIam = NONE): Promise<Discovery> => {
    const discovery = await discover(targets, { needIam });
    expect(JSON.stringify(discovery)).not.toMatch(new RegExp(`${SECRET}|${SESSION}`));
    return discovery;
  };

  test('finds a cluster, and the ids that only look right', async () => {
    const { targets, findings } = await look([sought()]);
    expect(findings).toEqual([]);
    const { endpoint, place } = targets[0]!;
    expect(endpoint).toEqual({
      kind: 'explicit',
      host: expect.stringMatching(/^orders-prod\.cluster-/),
      port: 5432,
      tls: 'verify-full',
      ca: 'rds',
    });
    expect(place).toMatchObject({
      kind: 'cluster',
      partition: 'aws',
      region: 'eu-west-1',
      account: ACCOUNT,
      iamAuthentication: true,
      masterUser: 'postgres',
      engine: 'aurora-postgresql',
      resources: [
        { id: expect.stringMatching(/^cluster-/), region: 'eu-west-1' },
        { id: expect.stringMatching(/^cluster-/), region: 'us-east-1' },
      ],
    });
    expect(Object.keys(place!.members)).toEqual(['orders-prod-1', 'orders-prod-2']);
    expect(Object.values(place!.members)).toEqual([expect.stringMatching(/^db-/), expect.stringMatching(/^db-/)]);
  });

  test('finds an instance, keeps where to dial and whom to trust', async () => {
    const via = { host: '127.0.0.1', port: 15432 };
    const target = sought({ kind: 'instance', identifier: 'billing-prod', via, ca: './own.pem', proxies: ['front'] });
    const { targets, findings } = await look([target]);
    expect(findings).toEqual([]);
    expect(targets[0]!.endpoint).toMatchObject({ host: expect.stringMatching(/^billing-prod\./), port: 5432, ca: './own.pem', via });
    expect(targets[0]!.place).toMatchObject({
      kind: 'instance',
      resources: [{ id: expect.stringMatching(/^db-/) }],
      proxies: [{ name: 'front', id: expect.stringMatching(/^prx-/), mode: 'standard' }],
    });
  });

  test('finds a proxy, whose certificate is none of RDS', async () => {
    const { targets, findings } = await look([sought({ kind: 'proxy', identifier: 'front' })]);
    expect(findings).toEqual([]);
    expect(targets[0]!.endpoint).toEqual({ kind: 'explicit', host: expect.stringMatching(/^front\./), port: 5432, tls: 'verify-full' });
    expect(targets[0]!.place).toMatchObject({
      kind: 'proxy',
      resources: [{ id: expect.stringMatching(/^prx-/) }],
      masterUser: 'dba',
      engine: 'postgres',
    });
  });

  test('signs tokens for the endpoint, as whoever asks', async () => {
    const { token } = only(await look([sought()])).login;
    const [plan, apply] = [await token!('rolecall_plan'), await token!('rolecall')];
    expect(plan).toMatch(/^orders-prod\.cluster-[^/]*:5432\/\?Action=connect&DBUser=rolecall_plan&.*%2Feu-west-1%2Frds-db%2F/);
    expect(apply).toContain('DBUser=rolecall&');
  });

  test('asks once for each region, however many targets there are', async () => {
    const many = Array.from({ length: 20 }, (_, index) => sought({}, { name: `orders-${index}` }));
    const one = async (targets: readonly Target[]) => {
      proxy.forget();
      await look([...targets, sought({ kind: 'instance', identifier: 'billing-prod' }, { name: 'billing' })]);
      return operations();
    };
    const few = await one(many.slice(0, 1));
    expect(new Set(few)).toEqual(
      new Set([
        'GetCallerIdentity eu-west-1',
        'DescribeDBClusters eu-west-1',
        'DescribeDBInstances eu-west-1',
        'DescribeGlobalClusters eu-west-1',
        'DescribeDBClusters us-east-1',
      ]),
    );
    expect((await one(many)).sort()).toEqual(few.sort());
    expect(few.filter((call) => call === 'GetCallerIdentity eu-west-1')).toHaveLength(1);
    // two pages were read: there are four instances
    expect(few.filter((call) => call === 'DescribeDBInstances eu-west-1')).toHaveLength(2);
  });

  test('asks nothing where no target is in AWS', async () => {
    const target = targetOf();
    expect(await look([target], new Set(['lab']))).toEqual({ targets: [target], findings: [] });
    expect(proxy.calls()).toEqual([]);
  });

  describe('stops before anything connects', () => {
    const off = sought({ kind: 'instance', identifier: 'no-iam' }, { login: { user: 'dba', auth: 'password' } });
    test.each<[string, Target, ReadonlySet<string>, string, RegExp]>([
      [
        'for a name that is nearly right',
        sought({ identifier: 'orders-prd' }),
        NONE,
        'rds/unknown-cluster',
        /did you mean 'orders-prod'\?/,
      ],
      [
        'for an instance that is called a cluster',
        sought({ identifier: 'billing-prod' }),
        NONE,
        'rds/unknown-cluster',
        /rds: \{ instance: billing-prod/,
      ],
      [
        'for a cluster that is called an instance',
        sought({ kind: 'instance' }),
        NONE,
        'rds/unknown-instance',
        /rds: \{ cluster: orders-prod/,
      ],
      [
        'for an instance of a cluster',
        sought({ kind: 'instance', identifier: 'orders-prod-1' }),
        NONE,
        'rds/member-instance',
        /rds: \{ cluster: orders-prod/,
      ],
      ['for another region', sought({ region: 'eu-north-1' }), NONE, 'rds/unknown-cluster', /check region and account/],
      ['for another account', sought({ account: '210987654321' }), NONE, 'rds/account', /credentials of the other account/],
      [
        'for an unknown name under another account',
        sought({ identifier: 'x', account: '210987654321' }),
        NONE,
        'rds/account',
        /credentials of that account/,
      ],
      ['for another engine', sought({}, { engine: 'mysql' }), NONE, 'rds/engine', /engine: postgres/],
      [
        'for users by IAM where that is off',
        off,
        new Set(['orders']),
        'rds/iam-off',
        /modify-db-instance .*--enable-iam-database-authentication/,
      ],
      ['for the copy of a global database', sought({ identifier: 'orders-us', region: 'us-east-1' }), NONE, 'rds/replica', /written to/],
      ['for an unknown proxy', sought({ proxies: ['frnt'] }), NONE, 'rds/unknown-proxy', /did you mean 'front'\?/],
      ['for a proxy of another server', sought({ proxies: ['front'] }), NONE, 'rds/proxy-elsewhere', /rds\.proxies/],
    ])('%s', async (_name, target, needIam, code, hint) => {
      const discovery = await look([target], needIam);
      expect(codes(discovery)).toEqual([`error ${code}`]);
      expect(discovery.findings[0]!.hint).toMatch(hint);
      expect(only(discovery)).toBe(target);
    });

    test('and still finds the other targets', async () => {
      const { targets, findings } = await look([sought({ identifier: 'x' }, { name: 'x' }), sought()]);
      expect(findings.map(({ target }) => target)).toEqual(['x']);
      expect(targets.map(({ place }) => place?.identifier)).toEqual([undefined, 'orders-prod']);
    });

    test('and says in which of the other regions it is', async () => {
      const discovery = await look([sought({ region: 'us-east-1' }, { name: 'a' }), sought({}, { name: 'b' })]);
      expect(discovery.findings).toMatchObject([{ code: 'rds/unknown-cluster', target: 'a', hint: expect.stringContaining('eu-west-1') }]);
    });
  });

  test('needs no IAM authentication where nobody logs in by it', async () => {
    const target = sought({ kind: 'instance', identifier: 'no-iam' }, { login: { user: 'dba', auth: 'password' } });
    const discovery = await look([target]);
    expect(codes(discovery)).toEqual([]);
    expect(only(discovery)).toMatchObject({ place: { iamAuthentication: false }, login: target.login });
  });

  describe('of trouble with AWS', () => {
    test.each(['DescribeDBClusters', 'DescribeDBInstances'])(
      'a refused %s is told with the statement that allows it',
      async (operation) => {
        fault = (call) => (call.operation === operation ? 'access-denied' : undefined);
        const discovery = await look([sought({}, { name: 'a' }), sought({}, { name: 'b' })]);
        expect(discovery.findings).toMatchObject(['a', 'b'].map((target) => ({ severity: 'error', code: 'aws/access-denied', target })));
        expect(proxy.calls().filter((call) => call.operation === operation)).toHaveLength(1);
        expect(discovery.findings[0]!.hint).toContain(`{"Effect":"Allow","Action":"rds:${operation}","Resource":"*"}`);
      },
    );

    test.each(['DescribeDBProxies', 'DescribeDBProxyTargets'])('a refused %s concerns only targets with proxies', async (operation) => {
      fault = (call) => (call.operation === operation ? 'access-denied' : undefined);
      const front = sought({ kind: 'proxy', identifier: 'front' }, { name: 'front' });
      const { targets, findings } = await look([front, sought()]);
      expect(findings).toMatchObject([{ code: 'aws/access-denied', hint: expect.stringContaining(`rds:${operation}`) }]);
      expect(targets.map(({ place }) => place?.identifier)).toEqual([undefined, 'orders-prod']);
    });

    test('a refused DescribeGlobalClusters is a warning where no global database is known of', async () => {
      fault = (call) => (call.operation === 'DescribeGlobalClusters' ? 'access-denied' : undefined);
      const discovery = await look([sought({ identifier: 'alone' }, { login: { user: 'postgres', auth: 'password' } })]);
      expect(codes(discovery)).toEqual(['warning aws/access-denied']);
      expect(only(discovery).place).toMatchObject({ identifier: 'alone' });
    });

    test.each<[string, AwsFault, string]>([
      ['an expired session', 'expired-token', 'error aws/expired-credentials'],
      ['throttling without end', 'throttle', 'error aws/throttled'],
      ['a network that breaks', 'reset-before', 'error aws/unreachable'],
    ])('%s is told of each target', async (_name, kind, expected) => {
      vi.stubEnv('AWS_MAX_ATTEMPTS', '2');
      fault = () => kind;
      expect(codes(await look([sought({}, { name: 'a' }), sought({}, { name: 'b' })]))).toEqual([expected, expected]);
    });

    test.each<AwsFault>(['throttle', 'unavailable', 'reset-before', 'reset-after', 'truncated'])(
      '%s that passes is survived',
      async (kind) => {
        fault = ({ nth }) => (nth === 0 ? kind : undefined);
        expect(codes(await look([sought()]))).toEqual([]);
      },
    );

    test('no credentials at all is told of each target, with where they could come from', async () => {
      for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']) vi.stubEnv(name, undefined);
      const discovery = await look([sought({}, { name: 'a' }), sought({}, { name: 'b' })]);
      expect(discovery.findings).toMatchObject(['a', 'b'].map((target) => ({ severity: 'error', code: 'aws/no-credentials', target })));
      expect(discovery.findings[0]!.hint).toContain('AWS_PROFILE');
      expect(proxy.calls()).toEqual([]);
    });

    test('nobody at the endpoint is told', async () => {
      vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:9');
      vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
      expect(codes(await look([sought()]))).toEqual(['error aws/unreachable']);
    });
  });

  describe('with a role', () => {
    const role = { arn: `arn:aws:iam::${ACCOUNT}:role/rolecall`, externalId: 'acme-1' };

    test('asks as that role, assumed once with its external id', async () => {
      const discovery = await look([sought({ assumeRole: role }, { name: 'a' }), sought({ assumeRole: role }, { name: 'b' })]);
      expect(codes(discovery)).toEqual([]);
      const assumed = proxy.calls().filter(({ operation }) => operation === 'AssumeRole');
      expect(assumed).toMatchObject([{ input: { RoleArn: role.arn, ExternalId: 'acme-1' } }]);
      const others = proxy.calls().filter(({ operation }) => operation !== 'AssumeRole');
      expect(others.length).toBeGreaterThan(2);
      expect(others.map(({ accessKeyId }) => accessKeyId)).not.toContain(assumed[0]!.accessKeyId);
      const token = await only(discovery).login.token!('rolecall');
      expect(token).toContain(others[0]!.accessKeyId);
      expect(proxy.calls().filter(({ operation }) => operation === 'AssumeRole')).toHaveLength(1);
    });

    test('that may not be assumed says so, and what would allow it', async () => {
      fault = ({ operation }) => (operation === 'AssumeRole' ? 'access-denied' : undefined);
      const discovery = await look([sought({ assumeRole: role }), sought({}, { name: 'b' })]);
      expect(discovery.findings).toMatchObject([
        { code: 'aws/access-denied', hint: expect.stringContaining(`"Action":"sts:AssumeRole","Resource":"${role.arn}"`) },
      ]);
      expect(discovery.targets.map(({ place }) => place?.identifier)).toEqual([undefined, 'orders-prod']);
    });
  });

  describe('a target whose address the manifest gives', () => {
    const at = (host: string, region?: string): Target =>
      targetOf({
        endpoint: { kind: 'explicit', host, port: 5432, tls: 'verify-full', ...(region ? { aws: { region } } : {}) },
        login: { user: 'rolecall', auth: 'iam' },
      });

    test('gets tokens for the region in its name, or beside it', async () => {
      const named = only(await look([at('a.cluster-b.eu-west-1.rds.amazonaws.com')]));
      expect(await named.login.token!('rolecall')).toContain('%2Feu-west-1%2Frds-db');
      const told = only(await look([at('127.0.0.1', 'us-west-2')]));
      expect(await told.login.token!('rolecall')).toMatch(/^127\.0\.0\.1:5432\/.*%2Fus-west-2%2Frds-db/);
      expect(new Set(operations())).toEqual(new Set(['GetCallerIdentity eu-west-1', 'GetCallerIdentity us-west-2']));
    });

    test('is refused by a CNAME alone, before AWS is asked', async () => {
      expect(codes(await look([at('db.example.com')]))).toEqual(['error rds/cname']);
      expect(proxy.calls()).toEqual([]);
    });

    test('gets tokens where STS is out of reach, with a warning', async () => {
      vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:9');
      vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
      const discovery = await look([at('127.0.0.1', 'eu-west-1')]);
      expect(codes(discovery)).toEqual(['warning aws/unreachable']);
      expect(only(discovery).login.token).toBeTypeOf('function');
    });

    test('gets none by credentials that AWS refuses', async () => {
      fault = () => 'expired-token';
      expect(codes(await look([at('127.0.0.1', 'eu-west-1')]))).toEqual(['error aws/expired-credentials']);
    });
  });

  test('a clock that is so wrong that tokens are refused is told of each target that needs one', async () => {
    vi.useFakeTimers({ now: Date.now() + 400_000, toFake: ['Date'] });
    try {
      const password = sought({}, { name: 'c', login: { user: 'dba', auth: 'password' } });
      const discovery = await look([sought({}, { name: 'a' }), sought({}, { name: 'b' }), password]);
      expect(discovery.findings).toMatchObject(['a', 'b'].map((target) => ({ severity: 'error', code: 'aws/clock', target })));
    } finally {
      vi.useRealTimers();
    }
  });

  test('a clock that is somewhat wrong is told once', async () => {
    vi.useFakeTimers({ now: Date.now() - 240_000, toFake: ['Date'] });
    try {
      const discovery = await look([sought({}, { name: 'a' }), sought({}, { name: 'b' })]);
      expect(discovery.findings).toMatchObject([
        { severity: 'warning', code: 'aws/clock', message: expect.stringContaining('4 minutes behind') },
      ]);
    } finally {
      vi.useRealTimers();
    }
  });

  describe('the list of an account', () => {
    test('has clusters and the instances that are in none, with their IAM status', async () => {
      const { databases, findings } = await listDatabases(['us-east-1', 'eu-west-1']);
      expect(findings).toEqual([]);
      expect(databases.map(({ region, kind, identifier, iam, members }) => [region, kind, identifier, iam, members.length])).toEqual([
        ['eu-west-1', 'cluster', 'alone', 'off', 0],
        ['eu-west-1', 'instance', 'billing-prod', 'on', 0],
        ['eu-west-1', 'instance', 'no-iam', 'off', 0],
        ['eu-west-1', 'cluster', 'orders-prod', 'on', 2],
        ['us-east-1', 'cluster', 'orders-us', 'on', 0],
      ]);
      expect(databases[1]).toMatchObject({
        engine: 'postgres',
        account: ACCOUNT,
        resourceId: expect.stringMatching(/^db-/),
        endpoint: { port: 5432 },
      });
    });

    test('is of the own region by default, and says what it could not read', async () => {
      expect(await listDatabases([])).toEqual({ databases: [], findings: [] });
      expect(new Set(proxy.calls().map(({ region }) => region))).toEqual(new Set(['eu-central-1']));
      fault = ({ region }) => (region === 'us-east-1' ? 'access-denied' : undefined);
      const { databases, findings } = await listDatabases(['eu-west-1', 'us-east-1']);
      expect(databases).toHaveLength(4);
      expect(findings).toMatchObject([{ code: 'aws/access-denied', message: expect.stringContaining('us-east-1') }]);
    });
  });
});

/** A global database with a cluster of two instances, a cluster and two instances that stand alone, and a proxy. */
async function populate(url: string): Promise<void> {
  const client = (region: string) => new RDSClient({ ...clientConfig({ url }), region });
  const [eu, us] = [client('eu-west-1'), client('us-east-1')];
  const aurora = { Engine: 'aurora-postgresql', MasterUsername: 'postgres', MasterUserPassword: 'lab-password', Port: 5432 };
  const single = {
    DBInstanceClass: 'db.m6g.large',
    AllocatedStorage: 20,
    Engine: 'postgres',
    MasterUsername: 'dba',
    MasterUserPassword: 'lab-password',
    Port: 5432,
  };
  // AWS answers with a global database in each region of it, the emulator in that where it was made
  for (const one of [eu, us]) await one.send(new CreateGlobalClusterCommand({ GlobalClusterIdentifier: 'world', Engine: aurora.Engine }));
  const inWorld = { ...aurora, GlobalClusterIdentifier: 'world', EnableIAMDatabaseAuthentication: true };
  await eu.send(new CreateDBClusterCommand({ ...inWorld, DBClusterIdentifier: 'orders-prod' }));
  await us.send(new CreateDBClusterCommand({ ...inWorld, DBClusterIdentifier: 'orders-us' }));
  await eu.send(new CreateDBClusterCommand({ ...aurora, DBClusterIdentifier: 'alone' }));
  for (const number of [1, 2])
    await eu.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: `orders-prod-${number}`,
        DBClusterIdentifier: 'orders-prod',
        DBInstanceClass: 'db.r6g.large',
        Engine: 'aurora-postgresql',
      }),
    );
  await eu.send(new CreateDBInstanceCommand({ ...single, DBInstanceIdentifier: 'billing-prod', EnableIAMDatabaseAuthentication: true }));
  await eu.send(new CreateDBInstanceCommand({ ...single, DBInstanceIdentifier: 'no-iam' }));
  await eu.send(
    new CreateDBProxyCommand({
      DBProxyName: 'front',
      EngineFamily: 'POSTGRESQL',
      Auth: [{ AuthScheme: 'SECRETS', SecretArn: `arn:aws:secretsmanager:eu-west-1:${ACCOUNT}:secret:app`, IAMAuth: 'REQUIRED' }],
      RoleArn: `arn:aws:iam::${ACCOUNT}:role/front`,
      VpcSubnetIds: [await someSubnet(url, 'eu-west-1')],
    }),
  );
  await eu.send(new RegisterDBProxyTargetsCommand({ DBProxyName: 'front', DBInstanceIdentifiers: ['billing-prod'] }));
  for (const one of [eu, us]) one.destroy();
}

/** A subnet of the VPC that every account begins with. A proxy is in one; there is no other need of EC2. */
async function someSubnet(url: string, region: string): Promise<string> {
  const authorization = `AWS4-HMAC-SHA256 Credential=lab/20260101/${region}/ec2/aws4_request, SignedHeaders=host, Signature=none`;
  const body = new URLSearchParams({ Action: 'DescribeSubnets', Version: '2016-11-15' });
  const answer = await (await fetch(url, { method: 'POST', headers: { authorization }, body })).text();
  return /<subnetId>([^<]+)/.exec(answer)![1]!;
}
