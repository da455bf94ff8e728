import fc from 'fast-check';
import type { ObjectSet } from '../../src/model/access.ts';
import type { Change } from '../../src/model/change.ts';
import type { Plan, PlanTarget } from '../../src/model/plan.ts';
import { hostile } from './hostile.ts';
import { countsOf, role } from './plans.ts';

/* Plans of all kinds of change about hostile names: not sensible, only well-formed. */

const word = fc.constantFrom('SELECT', 'INSERT', 'SELECT*', 'UPDATE');
const privileges = fc.uniqueArray(word, { minLength: 1, maxLength: 3 });
const set = (names: readonly string[], n: number): ObjectSet => ({
  kind: 'table',
  database: names[0] ?? '',
  schema: names[1] ?? '',
  names: [...names, ...Array.from({ length: n }, (_, index) => `t${index}`)],
});
const about = fc.record({
  risk: fc.constantFrom('safe', 'grants', 'removes', 'authentication', 'destructive'),
  cause: fc.constantFrom('declared', 'absent', 'removed', 'expired'),
  source: fc.record({ file: hostile, line: fc.integer({ min: 1, max: 99 }), column: fc.constant(1) }),
});

const named = (a: string, b: string, ours: boolean): string => (ours ? `rolecall/acme/access/${a}/${b}` : a);

const body = fc.oneof(
  fc.tuple(hostile, fc.boolean()).map(([name, login]) => ({ kind: 'role', body: role(name, { login, description: name }) })),
  fc
    .tuple(hostile, hostile)
    .map(([a, b]) => ({ kind: 'membership', body: { role: a, member: b, grantor: a, admin: false, inherit: true, set: true } })),
  fc.tuple(hostile, hostile).map(([a, b]) => ({ kind: 'setting', body: { role: a, database: b, name: b, value: [a, b] } })),
  fc
    .tuple(hostile, fc.array(hostile, { minLength: 1, maxLength: 3 }), privileges, fc.integer({ min: 0, max: 30 }))
    .map(([grantee, names, words, n]) => ({
      kind: 'grant',
      body: { on: set(names, n), grantee, grantor: grantee, privileges: words },
    })),
  fc.tuple(hostile, hostile).map(([a, b]) => ({
    kind: 'default',
    body: { database: a, creator: b, schema: a, objects: 'table', grantee: b, privileges: ['SELECT'] },
  })),
  fc.tuple(hostile, hostile).map(([a, b]) => ({ kind: 'ownership', body: { on: set([a, b], 2), owner: b } })),
  hostile.map((name) => ({ kind: 'sessions', body: { role: name } })),
  hostile.map((name) => ({ kind: 'password', body: { role: name, version: 1, reference: name } })),
  fc.tuple(hostile, hostile).map(([a, b]) => ({
    kind: 'policy',
    body: { name: a, path: '/', principal: b, entries: [{ arn: a, login: `${b}/${a}` }, ...[{ arn: b, login: null }]], foreign: a },
  })),
  fc.tuple(hostile, hostile).map(([a, b]) => ({ kind: 'attachment', body: { policy: a, principal: b } })),
  fc.tuple(hostile, hostile, fc.boolean()).map(([a, b, whole]) => ({
    kind: 'iam_role',
    body: {
      ...{ name: a, path: '/', boundary: b, description: a, maxSessionSeconds: 7200, tags: { [a]: b } },
      trust: whole
        ? JSON.stringify({ Statement: [{ Effect: 'Allow', Principal: { AWS: [a, b] }, Condition: { StringEquals: { [a]: b } } }] })
        : a,
    },
  })),
  fc.tuple(hostile, hostile).map(([a, b]) => ({ kind: 'topic', body: { name: a, region: b, policy: a } })),
  fc.tuple(hostile, hostile).map(([a, b]) => ({ kind: 'subscription', body: { topic: a, region: a, address: b } })),
  fc.tuple(hostile, hostile, fc.boolean()).map(([a, b, ours]) => ({
    kind: 'log_filter',
    body: { name: named(a, b, ours), region: a, logGroup: b, pattern: a, namespace: b, metric: a, value: b, otherwise: 0 },
  })),
  fc.tuple(hostile, hostile, fc.boolean()).map(([a, b, ours]) => ({
    kind: 'alarm',
    body: {
      ...{ name: named(a, b, ours), region: b, description: a, namespace: ours ? a : 'Rolecall/x', metric: b, dimensions: { [a]: b } },
      ...{ statistic: ours ? 'Sum' : a, comparison: ours ? 'GreaterThanOrEqualToThreshold' : b, threshold: 1, periodSeconds: 60 },
      ...{ periods: 3, periodsOver: 2, missing: b, enabled: ours, actions: [a, `arn:aws:sns:${b}:123456789012:${a}`] },
    },
  })),
);

const change = fc
  .tuple(body, fc.constantFrom('add', 'remove'), about, fc.option(hostile, { nil: undefined, freq: 8 }))
  .map(([{ kind, body }, action, rest, blocked]) => ({
    kind,
    before: action === 'add' ? null : body,
    after: action === 'add' ? body : null,
    ...rest,
    ...(blocked === undefined ? {} : { blocked }),
    ...(kind === 'membership' ? { until: rest.source.file, reason: rest.source.file } : {}),
  }));

const target = fc
  .tuple(
    hostile,
    fc.array(change, { maxLength: 30 }),
    fc.array(hostile, { maxLength: 4 }),
    fc.constantFrom('postgres', 'postgres', 'iam', 'cloudwatch'),
  )
  .map(([name, raw, names, engine]): PlanTarget => {
    const changes = raw.map((each, index) => ({ ...each, key: `k${index}` })) as unknown as Change[];
    return {
      name,
      engine,
      identity: { endpoint: name, system: null, version: '16.4', login: name },
      counts: countsOf(changes),
      access: [
        {
          users: [name, ...names],
          gains: [],
          loses: [{ what: 'login', privileges: [], names: engine === 'iam' ? names : [], count: 0, via: names }],
        },
      ],
      changes,
      transactions: names.map((database) => ({ database, waitsFor: [], borrows: [], autocommit: false })),
      steps: names.map((database, id) => ({
        id,
        database,
        transaction: id,
        phase: 'create' as const,
        sql: `CREATE ROLE "${database.replaceAll('"', '""')}"`,
        as: database,
        changes: changes.length > 0 ? [0] : [],
      })),
      findings: names.map((text) => ({
        severity: 'warning' as const,
        code: 'plan/odd',
        message: text,
        hint: text,
        target: text,
        source: { file: text, line: 1, column: 1 },
      })),
      matches: names.map((selector) => ({ selector, database: selector, kind: 'table' as const, count: 1 })),
      unmanaged: { users: names, groups: names },
      unread: names.map((database) => ({ database, reason: database })),
      read: { roles: 1, databases: 1, objects: 1, grants: 1 },
      roles: {},
      nextExpiry: null,
    };
  });

/** Any plan that the types allow, its names chosen by an enemy. */
export const anyPlan: fc.Arbitrary<Plan> = fc.tuple(hostile, fc.array(target, { minLength: 1, maxLength: 3 })).map(
  ([stack, targets]): Plan => ({
    formatVersion: '1.0',
    stack,
    asOf: '2026-09-20T09:14:03Z',
    command: 'plan',
    targets: targets.map((each, index) => ({ ...each, name: `${each.name}${index}` })),
    digest: `v1:${'0'.repeat(64)}`,
  }),
);
