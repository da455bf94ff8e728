import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Policy, PolicyEntry } from '../../../src/model/iam.ts';
import { connectDocument, documentSize } from '../../../src/providers/iam/document.ts';
import { type Packing, packEntries, policyName } from '../../../src/providers/iam/pack.ts';

const packing: Packing = { stack: 'acme/access/prod', path: '/rolecall/acme/access/prod/', policySize: 6144, existing: new Set() };
const user = (number: number): PolicyEntry => {
  const name = `app_user_${String(number).padStart(5, '0')}`;
  return { arn: `arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ/${name}`, login: `orders/${name}` };
};
const users = (count: number): PolicyEntry[] => Array.from({ length: count }, (_, index) => user(index));
const namesOf = (policies: readonly Policy[]): ReadonlySet<string> => new Set(policies.map(({ name }) => name));
const contents = (policies: readonly Policy[]): ReadonlyMap<string, string> =>
  new Map(policies.map(({ name, entries }) => [name, JSON.stringify(entries)]));
/** Names of policies whose content differs, made and gone ones among them. */
const differing = (before: readonly Policy[], after: readonly Policy[]): string[] => {
  const [a, b] = [contents(before), contents(after)];
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name));
};
const whereabouts = (policies: readonly Policy[]): ReadonlyMap<string, string> =>
  new Map(policies.flatMap(({ name, entries }) => entries.map(({ arn }) => [arn, name] as const)));

test('sixty-two users of one role stand in one policy', () => {
  const [policy, ...others] = packEntries('role/api', users(62), packing);
  expect(others).toEqual([]);
  expect(policy).toMatchObject({ name: policyName('role/api', packing.stack), path: packing.path, principal: 'role/api', foreign: null });
  expect(policy?.entries).toEqual(users(62));
});

test('sixty-four users of one role take two policies, and one more changes exactly one of them', () => {
  const before = packEntries('role/api', users(64), packing);
  const after = packEntries('role/api', users(65), { ...packing, existing: namesOf(before) });
  expect(before).toHaveLength(2);
  expect(after).toHaveLength(2);
  expect(differing(before, after)).toHaveLength(1);
});

test('every policy keeps the quota, and nobody is lost', () => {
  const policies = packEntries('role/api', users(1000), packing);
  expect(policies.every(({ entries }) => documentSize(connectDocument(entries)) <= 6144)).toBe(true);
  expect(policies.flatMap(({ entries }) => entries.map(({ arn }) => arn)).sort()).toEqual(users(1000).map(({ arn }) => arn));
});

test('around the limit nothing goes back and forth', () => {
  const full = packEntries('role/api', users(64), packing);
  const less = packEntries('role/api', users(60), { ...packing, existing: namesOf(full) });
  expect(less).toHaveLength(2);
  expect(packEntries('role/api', users(20), { ...packing, existing: namesOf(full) })).toHaveLength(1);
});

test('all ARNs of one login stand in one policy, and another resource id moves nobody', () => {
  const twice = (id: string) =>
    users(100).flatMap(({ arn, login }) =>
      ['eu-west-1', 'us-east-1'].map((region) => ({
        arn: arn.replace('eu-west-1', region).replace('cluster-ABC', `cluster-${id}`),
        login,
      })),
    );
  const logins = (id: string) =>
    packEntries('role/api', twice(id), packing).map(({ entries }) => [...new Set(entries.map(({ login }) => login))].sort());
  expect(logins('NEW')).toEqual(logins('OLD'));
  expect(logins('OLD').flat()).toHaveLength(100);
});

test('an ARN that two targets name is one line', () => {
  const entries = [
    { arn: 'a', login: null },
    { arn: 'a', login: 'two/x' },
    { arn: 'a', login: 'one/x' },
  ];
  expect(packEntries('role/api', entries, packing)[0]?.entries).toEqual([{ arn: 'a', login: 'one/x' }]);
});

test('nobody to let in is no policy', () => {
  expect(packEntries('role/api', [], packing)).toEqual([]);
});

test('a quota that holds no user at all still ends', () => {
  expect(packEntries('role/api', users(3), { ...packing, policySize: 10 }).flatMap(({ entries }) => entries)).toHaveLength(3);
});

describe('names of policies', () => {
  test('are legal and at most 128 characters long', () => {
    const odd = packEntries(`group/${'g'.repeat(128)}`, users(300), { ...packing, policySize: 200 });
    expect(odd.filter(({ name }) => !/^[\w+=,.@-]{1,128}$/.test(name))).toEqual([]);
  });

  test('differ between stacks and principals, whatever their case', () => {
    const principals = [
      'role/api',
      'user/api',
      'group/api',
      'role/api.',
      'role/api-1',
      `role/${'x'.repeat(64)}`,
      `group/${'x'.repeat(100)}a`,
      `group/${'x'.repeat(100)}b`,
    ];
    const names = ['acme/access/prod', 'acme/access/test'].flatMap((stack) =>
      principals.map((principal) => policyName(principal, stack).toLowerCase()),
    );
    expect(new Set(names).size).toBe(principals.length * 2);
  });

  test('begin with who it is for', () => {
    expect(policyName('role/orders-api-task', 'acme/access/prod')).toMatch(/^rolecall-role-orders-api-task-[0-9a-f]{8}$/);
  });
});

describe('law', () => {
  const numbers = fc.uniqueArray(fc.nat(5000), { minLength: 1, maxLength: 260 });
  const pack = (list: readonly number[], existing: ReadonlySet<string> = new Set()) =>
    packEntries('role/api', list.map(user), { ...packing, policySize: 2000, existing });

  test('packing again what was packed changes nothing, in whatever order it is written', () => {
    fc.assert(
      fc.property(numbers, numbers, (before, list) => {
        const packed = pack(list, namesOf(pack(before)));
        expect(pack([...list].reverse(), namesOf(packed))).toEqual(packed);
      }),
      { numRuns: 150 },
    );
  });

  test('one user more or less changes one policy, or makes or dissolves one beside it', () => {
    fc.assert(
      fc.property(numbers, fc.nat(5000), (list, more) => {
        const before = pack(list);
        const without = list.filter((number) => number !== more);
        const after = pack(list.includes(more) ? without : [...list, more], namesOf(before));
        const moved = [...whereabouts(before)].filter(([arn, name]) => whereabouts(after).get(arn) !== name && arn !== user(more).arn);
        if (after.length <= before.length) {
          expect(differing(before, after)).toHaveLength(1);
          expect(moved).toEqual([]);
        } else {
          // only the policy that was too large gave something away
          expect(new Set(moved.map(([, name]) => name)).size).toBeLessThanOrEqual(1);
          expect([...namesOf(before)].filter((name) => !namesOf(after).has(name))).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });
});
