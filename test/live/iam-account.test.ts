import * as aws from '@aws-sdk/client-iam';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applyTarget } from '../../src/engine/apply.ts';
import { planTarget } from '../../src/engine/plan.ts';
import type { Declared } from '../../src/model/declared.ts';
import { Failure } from '../../src/model/finding.ts';
import type { DeclaredConnect, Trust } from '../../src/model/iam.ts';
import type { PlanTarget } from '../../src/model/plan.ts';
import { evaluateConnect } from '../../src/providers/iam/evaluate.ts';
import { iam } from '../../src/providers/iam/index.ts';
import type { Snapshot } from '../../src/providers/iam/snapshot.ts';
import { awsEnvironment, clientConfig } from '../lab/aws/moto.ts';
import { type AwsCall, type AwsFault, type AwsProxy, type ProxyOptions, startAwsProxy } from '../lab/aws/proxy.ts';
import { withMoto } from '../lab/aws/suite.ts';
import { connect, dbuser, declared } from '../providers/iam/world.ts';

const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'ec2.amazonaws.com' } }],
});

const role = (name: string, ...users: readonly string[]): DeclaredConnect[] =>
  users.map((user) => connect(`role/${name}`, 'orders', user, [dbuser(user)]));
const users = (count: number, start = 0): string[] =>
  Array.from({ length: count }, (_, index) => `user_${String(start + index).padStart(3, '0')}`);
const READS = /^(Get|List)/;

withMoto('the IAM account', (moto) => {
  const open: (() => unknown)[] = [];
  const waits: string[] = [];
  beforeEach(async () => await moto().reset());
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });

  /** Everything from here on goes through a proxy that breaks what the rule names. */
  const proxied = async (rule?: (call: AwsCall) => AwsFault | undefined, options?: ProxyOptions): Promise<AwsProxy> => {
    const proxy = await startAwsProxy(moto(), rule, options);
    open.push(proxy.close);
    Object.assign(process.env, awsEnvironment(proxy));
    return proxy;
  };
  const client = (): aws.IAMClient => {
    const made = new aws.IAMClient({ ...clientConfig(moto()), maxAttempts: 1 });
    open.push(() => made.destroy());
    return made;
  };
  const createRoles = async (...names: readonly string[]): Promise<void> => {
    const admin = client();
    for (const name of names) await admin.send(new aws.CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: TRUST }));
  };

  const read = async (wanted: Declared): Promise<Snapshot> => await iam.inspect({ declared: wanted, as: 'plan' });
  const plan = async (wanted: Declared): Promise<PlanTarget> => planTarget(iam, await read(wanted), wanted);
  const apply = async (wanted: Declared, approved?: PlanTarget, signal = new AbortController().signal) =>
    await applyTarget(iam, wanted, {
      approved: [approved ?? (await plan(wanted))],
      maxRemovals: null,
      lockTimeoutMs: 0,
      signal,
      onProgress: (event) => void (event.type === 'waiting' && waits.push(event.reason)),
      now: () => 0,
    });
  const applied = async (wanted: Declared): Promise<void> => {
    const { result } = await apply(wanted);
    expect(result, JSON.stringify(result, null, 1)).toMatchObject({ status: 'applied', residue: [] });
  };
  const allowed = async (wanted: Declared, principal: string, arns: readonly string[]): Promise<string[]> => {
    const snapshot = await read(wanted);
    const identity = snapshot.identities.get(principal);
    if (!identity) return [];
    return arns.filter((arn) => evaluateConnect(identity, snapshot, arn).verdict === 'allowed');
  };
  const writes = (proxy: AwsProxy): string[] => proxy.calls().flatMap(({ operation }) => (READS.test(operation) ? [] : [operation]));
  const policies = async (): Promise<aws.Policy[]> => (await client().send(new aws.ListPoliciesCommand({ Scope: 'Local' }))).Policies ?? [];

  test('a policy is made and attached, and a second apply writes nothing', async () => {
    const proxy = await proxied();
    await createRoles('app');
    const wanted = declared({ connects: role('app', 'orders_api') });
    await applied(wanted);
    expect(writes(proxy)).toEqual(['CreatePolicy', 'AttachRolePolicy']);
    expect(await allowed(wanted, 'role/app', [dbuser('orders_api'), dbuser('jane')])).toEqual([dbuser('orders_api')]);
    proxy.forget();
    const { result } = await apply(wanted);
    expect(result.status).toBe('unchanged');
    expect(writes(proxy)).toEqual([]);
    expect(proxy.violations()).toEqual([]);
  });

  test('what changes is widened first and narrowed last, and what is no longer declared goes', async () => {
    const proxy = await proxied();
    await createRoles('app', 'job');
    await applied(declared({ connects: [...role('app', 'a', 'b'), ...role('job', 'c')] }));
    proxy.forget();
    const wanted = declared({ connects: role('app', 'b', 'd') });
    await applied(wanted);
    expect(
      await allowed(
        wanted,
        'role/app',
        ['a', 'b', 'c', 'd'].map((user) => dbuser(user)),
      ),
    ).toEqual([dbuser('b'), dbuser('d')]);
    expect(await allowed(wanted, 'role/job', [dbuser('c')])).toEqual([]);
    expect(await policies()).toHaveLength(1);
    const documents = proxy
      .calls()
      .flatMap(({ input }) => (typeof input.PolicyDocument === 'string' ? [JSON.parse(input.PolicyDocument)] : []));
    expect(documents.map(({ Statement }) => Statement[0].Resource)).toEqual([
      [dbuser('a'), dbuser('b'), dbuser('d')],
      [dbuser('b'), dbuser('d')],
    ]);
    expect(proxy.violations()).toEqual([]);
  });

  test('of five versions the oldest goes before the sixth comes', async () => {
    const proxy = await proxied();
    await createRoles('app');
    for (const count of [1, 2, 3, 4, 5]) await applied(declared({ connects: role('app', ...users(count)) }));
    proxy.forget();
    await applied(declared({ connects: role('app', ...users(6)) }));
    expect(writes(proxy)).toEqual(['DeletePolicyVersion', 'CreatePolicyVersion']);
    expect(proxy.calls().find(({ operation }) => operation === 'DeletePolicyVersion')?.input.VersionId).toBe('v1');
    expect(proxy.violations()).toEqual([]);
  });

  test('more users than one policy holds are split without a gap, and come together again', async () => {
    await proxied();
    await createRoles('app');
    const all = users(120);
    await applied(declared({ connects: role('app', ...all.slice(0, 40)) }));
    const wanted = declared({ connects: role('app', ...all) });
    const kept = all.slice(0, 40).map((user) => dbuser(user));
    const watched = await proxied();
    await applied(wanted);
    expect((await policies()).length).toBeGreaterThan(1);
    expect(await allowed(wanted, 'role/app', kept)).toEqual(kept);
    expect(watched.violations()).toEqual([]);
    const few = declared({ connects: role('app', ...all.slice(0, 5)) });
    await applied(few);
    expect(await policies()).toHaveLength(1);
    expect(
      (
        await allowed(
          few,
          'role/app',
          all.map((user) => dbuser(user)),
        )
      ).length,
    ).toBe(5);
  });

  test('roles are made with their trust, changed and deleted', async () => {
    const proxy = await proxied();
    const made = (over: Partial<(typeof base)['roles'][number]> = {}) => [{ ...base.roles[0]!, ...over }];
    const base = {
      roles: [
        {
          name: 'orders-task',
          trust: { kind: 'service', services: ['ecs-tasks.amazonaws.com'] } as Trust,
          boundary: null,
          path: '/rolecall/acme/access/prod/',
          description: 'the order service',
          maxSessionSeconds: 3600,
          tags: { team: 'orders' } as Record<string, string>,
          source: { file: 'access.yaml', line: 9, column: 3 },
        },
      ],
      connects: role('orders-task', 'orders_api'),
    };
    await applied(declared(base));
    expect(await allowed(declared(base), 'role/orders-task', [dbuser('orders_api')])).toEqual([dbuser('orders_api')]);
    expect((await plan(declared(base))).changes).toEqual([]);
    const other = declared({
      ...base,
      roles: made({
        description: 'orders',
        maxSessionSeconds: 7200,
        tags: { tier: 'one' },
        trust: { kind: 'service', services: ['ec2.amazonaws.com'] },
      }),
    });
    await applied(other);
    expect((await plan(other)).changes).toEqual([]);
    proxy.forget();
    await applied(declared({}));
    expect(await policies()).toEqual([]);
    expect(writes(proxy)).toEqual(['DetachRolePolicy', 'DeletePolicy', 'DeleteRole']);
    expect(proxy.violations()).toEqual([]);
  });

  test('users and groups are given and lose policies like roles', async () => {
    await proxied();
    const admin = client();
    await admin.send(new aws.CreateUserCommand({ UserName: 'jane' }));
    await admin.send(new aws.CreateGroupCommand({ GroupName: 'devs' }));
    const wanted = declared({
      connects: [connect('user/jane', 'orders', 'jane', [dbuser('jane')]), connect('group/devs', 'orders', 'dev', [dbuser('dev')])],
    });
    await applied(wanted);
    expect(await allowed(wanted, 'user/jane', [dbuser('jane'), dbuser('dev')])).toEqual([dbuser('jane')]);
    expect(await allowed(wanted, 'group/devs', [dbuser('jane'), dbuser('dev')])).toEqual([dbuser('dev')]);
    await applied(declared({}));
    expect(await policies()).toEqual([]);
  });

  describe('reads', () => {
    test('the whole account in pages and with two calls more, and the tags of those policies that would change', async () => {
      const names = Array.from({ length: 23 }, (_, index) => `role-${index}`);
      await createRoles(...names);
      await proxied();
      const all = declared({ connects: names.slice(0, 3).flatMap((name) => role(name, 'a')) });
      await applied(all);
      const proxy = await proxied(undefined, { pageSize: 10 });
      const callsFor = async (wanted: Declared) => {
        proxy.forget();
        const snapshot = await read(wanted);
        expect([...snapshot.identities.keys()].sort()).toEqual(names.map((name) => `role/${name}`).sort());
        return proxy
          .calls()
          .map(({ operation }) => operation)
          .sort();
      };
      const pages = Array.from({ length: 3 }, () => 'GetAccountAuthorizationDetails');
      expect(await callsFor(all)).toEqual([...pages, 'GetAccountSummary', 'GetCallerIdentity']);
      expect(await callsFor(declared({ connects: role('role-0', 'a') }))).toEqual([
        ...pages,
        'GetAccountSummary',
        'GetCallerIdentity',
        'ListPolicyTags',
        'ListPolicyTags',
      ]);
      expect(proxy.violations()).toEqual([]);
    });

    test('only what is declared and ours, where the whole account may not be read', async () => {
      await createRoles('app', 'other');
      await proxied();
      const before = declared({ connects: [...role('app', 'a'), ...role('other', 'b')] });
      await applied(before);
      const proxy = await proxied(({ operation }) => (operation === 'GetAccountAuthorizationDetails' ? 'access-denied' : undefined), {
        pageSize: 1,
      });
      const wanted = declared({ connects: role('app', 'a', 'c') });
      const planned = await plan(wanted);
      expect(planned.findings.map(({ code }) => code)).toContain('iam/part-read');
      expect(planned.changes.map(({ kind, before: was, after }) => [kind, was === null, after === null])).toEqual([
        ['policy', false, false],
        ['policy', false, true],
        ['attachment', false, true],
      ]);
      await applied(wanted);
      expect(await allowed(wanted, 'role/app', [dbuser('a'), dbuser('c')])).toEqual([dbuser('a'), dbuser('c')]);
      expect(proxy.violations()).toEqual([]);
    });

    test('nothing of a policy under our path that is not marked as ours', async () => {
      await createRoles('app');
      await client().send(
        new aws.CreatePolicyCommand({
          PolicyName: 'theirs',
          Path: '/rolecall/acme/access/prod/',
          PolicyDocument: TRUST.replace('"Principal"', '"Resource"').replace('{"Service":"ec2.amazonaws.com"}', '"*"'),
        }),
      );
      const proxy = await proxied();
      const wanted = declared({ connects: role('app', 'a') });
      const planned = await plan(wanted);
      expect(planned.findings.map(({ code }) => code)).toContain('iam/not-ours');
      await applied(wanted);
      await applied(declared({}));
      expect((await policies()).map(({ PolicyName }) => PolicyName)).toEqual(['theirs']);
      expect(proxy.violations()).toEqual([]);
    });
  });

  describe('trouble', () => {
    test('throttled and busy calls are sent again', async () => {
      await createRoles('app');
      const proxy = await proxied(({ operation, nth }) =>
        nth < 2 ? (operation === 'AttachRolePolicy' ? 'concurrent-modification' : 'throttle') : undefined,
      );
      await applied(declared({ connects: role('app', 'a') }));
      expect(proxy.calls().filter(({ fault }) => fault !== undefined).length).toBeGreaterThan(8);
    });

    const stages: readonly [string, Declared, Declared][] = [
      ['making', declared({}), declared({ connects: role('app', 'a') })],
      ['changing', declared({ connects: role('app', 'a') }), declared({ connects: role('app', 'b') })],
      ['removing', declared({ connects: role('app', 'a', 'b') }), declared({})],
    ];
    for (const [what, from, to] of stages) {
      test(`a lost answer to any call of ${what} is looked into`, async () => {
        await createRoles('app');
        await proxied();
        if (from.iam!.connects.length > 0) await applied(from);
        const lost = new Set<string>();
        const proxy = await proxied(({ operation }) => {
          if (lost.has(operation)) return undefined;
          lost.add(operation);
          return 'reset-after';
        });
        await applied(to);
        await proxied();
        expect((await plan(to)).changes).toEqual([]);
        expect(writes(proxy).length).toBeGreaterThan(0);
        // nothing was done twice
        const versions = proxy.calls().filter(({ operation }) => operation === 'CreatePolicyVersion');
        expect(versions.length).toBe(what === 'changing' ? 2 : 0);
      });

      test(`stopped after any call of ${what}, the next run ends it`, async () => {
        for (let stop = 1; ; stop++) {
          await moto().reset();
          await createRoles('app');
          await proxied();
          if (from.iam!.connects.length > 0) await applied(from);
          let sent = 0;
          // the process is as good as dead after so many writes: nothing of it arrives any more
          const proxy = await proxied(({ operation }) =>
            !READS.test(operation) && ++sent > stop ? 'expired-token' : sent > stop ? 'expired-token' : undefined,
          );
          const approved = await plan(to);
          const total = approved.steps.length;
          const { result } = await apply(to, approved);
          if (stop >= total) {
            expect(result.status).toBe('applied');
            break;
          }
          expect(result.status).not.toBe('applied');
          expect(proxy.calls().length).toBeGreaterThan(0);
          await proxied();
          await applied(to);
          expect((await plan(to)).changes).toEqual([]);
        }
      });
    }

    for (const [what, from, to] of stages) {
      test(`whichever call of ${what} is denied, it goes without or names the statement that allows it`, async () => {
        const prepared = async (rule?: (call: AwsCall) => AwsFault | undefined): Promise<AwsProxy> => {
          await moto().reset();
          await createRoles('app');
          await proxied();
          if (from.iam!.connects.length > 0) await applied(from);
          return await proxied(rule);
        };
        const proxy = await prepared();
        await applied(to);
        const operations = new Set(proxy.calls().map(({ service, operation }) => `${service}:${operation}`));
        for (const action of operations) {
          await prepared((call) => (`${call.service}:${call.operation}` === action ? 'access-denied' : undefined));
          const outcome = await plan(to).then(
            async (approved) => (await apply(to, approved)).result,
            (error: unknown) => error as Failure,
          );
          if ('status' in outcome && outcome.status === 'applied') continue;
          const said = JSON.stringify('status' in outcome ? [outcome.failed, outcome.findings] : outcome.findings).replaceAll('\\', '');
          expect(said).toContain(`{"Effect":"Allow","Action":"${action}"`);
        }
      });
    }

    test('credentials that have expired, that are not there and of another account are told apart', async () => {
      await createRoles('app');
      const wanted = declared({ connects: role('app', 'a') });
      const told = async (): Promise<string[]> => {
        try {
          await read(wanted);
          return [];
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          return error.findings.map(({ code }) => code);
        }
      };
      await proxied(() => 'expired-token');
      expect(await told()).toEqual(['aws/expired-credentials']);
      const proxy = await proxied();
      const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env;
      delete process.env.AWS_ACCESS_KEY_ID;
      delete process.env.AWS_SECRET_ACCESS_KEY;
      expect(await told()).toEqual(['aws/no-credentials']);
      Object.assign(process.env, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY });
      await expect(read(declared({ account: '999999999999' }))).rejects.toThrow("'iam.account' is 999999999999");
      expect(proxy.calls().map(({ operation }) => operation)).toEqual(['GetCallerIdentity']);
      process.env.AWS_ENDPOINT_URL = 'http://127.0.0.1:9';
      expect(await told()).toEqual(['aws/unreachable']);
    });

    test('what IAM does not know yet is waited for', async () => {
      const source = { file: 'access.yaml', line: 9, column: 3 };
      const trusted = {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: 'arn:aws:iam::123456789012:role/first' } }],
      };
      const common = { boundary: null, path: '/', description: '', maxSessionSeconds: 3600, tags: {}, source };
      const wanted = declared({
        roles: [
          { ...common, name: 'first', trust: { kind: 'service', services: ['ec2.amazonaws.com'] } },
          { ...common, name: 'second', trust: { kind: 'policy', document: trusted } },
        ],
        connects: role('second', 'a'),
      });
      const proxy = await proxied(({ operation, nth }) => {
        if (operation === 'AttachRolePolicy' && nth < 2) return 'no-such-entity';
        return operation === 'CreateRole' && (nth === 1 || nth === 2) ? 'invalid-principal' : undefined;
      });
      waits.length = 0;
      await applied(wanted);
      expect(waits).toEqual([
        'waiting until IAM knows the role that the trust policy names',
        'waiting until IAM knows the role that the trust policy names',
        'waiting until IAM knows what was just made (AttachRolePolicy)',
        'waiting until IAM knows what was just made (AttachRolePolicy)',
      ]);
      expect(writes(proxy)).toEqual([
        ...['CreateRole', 'CreateRole', 'CreateRole', 'CreateRole', 'CreatePolicy'],
        ...['AttachRolePolicy', 'AttachRolePolicy', 'AttachRolePolicy'],
      ]);
    });

    test('an interrupt stops it between two calls', async () => {
      await createRoles('app');
      const stop = new AbortController();
      await proxied(({ operation }) => {
        if (operation === 'CreatePolicy') stop.abort();
        return undefined;
      });
      const wanted = declared({ connects: role('app', 'a') });
      const { result, exitCode } = await apply(wanted, undefined, stop.signal);
      expect([result.status, exitCode]).toEqual(['partial', 130]);
      expect((await policies()).map(({ AttachmentCount }) => AttachmentCount)).toEqual([0]);
      await proxied();
      await applied(wanted);
    });

    test('a policy of our name that somebody makes meanwhile stops the run', async () => {
      await createRoles('app');
      await proxied();
      const wanted = declared({ connects: role('app', 'a') });
      const approved = await plan(wanted);
      const name = approved.changes[0]!.key;
      let made = false;
      await proxied(({ operation }) => (operation === 'CreatePolicy' && !made ? { delayMs: 300 } : undefined));
      const rival = client();
      const running = apply(wanted, approved);
      const document = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] });
      for (; !made; ) {
        await rival.send(new aws.CreatePolicyCommand({ PolicyName: name, Path: '/rolecall/acme/access/prod/', PolicyDocument: document }));
        made = true;
      }
      const { result } = await running;
      expect(result.status).toBe('failed');
      expect((await policies()).map(({ AttachmentCount }) => AttachmentCount)).toEqual([0]);
    });
  });
});
