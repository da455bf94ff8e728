import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Manifest } from '../../src/manifest/content.ts';
import { declare } from '../../src/manifest/declare.ts';
import { declareIam } from '../../src/manifest/declare-iam.ts';
import { valid, withoutSources } from './small.ts';

const TARGETS = {
  main: {
    engine: 'postgres',
    rds: { cluster: 'main', region: 'eu-west-1' },
    proxies: ['b', 'a'],
    login: { user: 'x' },
    databases: ['orders', 'odd.name'],
  },
  other: {
    engine: 'postgres',
    rds: { instance: 'other', region: 'eu-west-1' },
    proxies: ['a'],
    login: { user: 'x' },
    databases: ['orders', 'odd.name'],
  },
};
const IAM = {
  account: '123456789012',
  roles: {
    app: { trust: { service: ['lambda.amazonaws.com', 'ec2.amazonaws.com'] }, tags: { b: '1', a: '2' } },
    Job: { trust: { github: { repository: 'acme/orders', branches: ['main', 'dev'], environments: ['prod', 'test'] } }, max_session: '2h' },
  },
};
const PRINCIPALS = ['role/app', 'user/Jane', 'group/dba', 'arn:aws:iam::123456789012:role/team/Job'];
const GROUPS = ['reader', 'writer', '"odd" name', '42', 'constructor'];
const SETTINGS = ['work_mem', 'jit', 'search_path'];
const USERS = ['jane', 'joe', 'Jane', 'null', '~', 'ünï'];

const name = fc.constantFrom('public', 't', 'Odd."Name', 'a*b', '*');
const quoted = name.map((text) => (text === '*' ? text : `"${text.replaceAll('"', '""')}"`));
const access = {
  read: fc.array(
    quoted.map((schema) => `orders.${schema}`),
    { maxLength: 3 },
  ),
  write: fc.array(
    quoted.map((schema) => `"odd.name".${schema}`),
    { maxLength: 2 },
  ),
  grants: fc.array(
    fc.record({
      privileges: fc.subarray(['select', 'INSERT', 'truncate'], { minLength: 1 }),
      tables: fc.array(
        fc.tuple(quoted, fc.constantFrom('t', '"t"', '"a*b"')).map((pair) => pair.join('.')),
        { minLength: 1, maxLength: 3 },
      ),
      database: fc.constantFrom('orders', '"odd.name"', '*'),
      grantable: fc.boolean(),
    }),
    { maxLength: 3 },
  ),
};
const targets = fc.constantFrom(
  ['main', 'other'],
  { main: {}, other: { manage: 'additive' } },
  { other: {}, main: { read: ['orders.public'] } },
);
const group = (index: number) =>
  fc.record({ targets, ...access, groups: fc.subarray(GROUPS.slice(0, index)) }, { requiredKeys: ['targets'] });
const principals = fc.subarray(PRINCIPALS);
const login = fc.oneof(
  fc.record({ auth: fc.constantFrom('none', 'password') }),
  fc.record({ auth: fc.constant('iam'), via: fc.constantFrom('direct', 'proxy-iam'), principals }),
  fc.record({ via: fc.constant('proxy-secret'), principals, enabled: fc.boolean() }),
);
const person = fc.record(
  {
    targets,
    ...access,
    groups: fc.subarray(GROUPS).map((names) => names.map((one, index) => (index % 2 ? one : { name: one, until: '2026-12-31' }))),
    until: fc.constantFrom('2026-01-01', '2027-01-01'),
    settings: fc.dictionary(fc.constantFrom(...SETTINGS), fc.constantFrom('4MB', true, 3, ['a', 'b'])),
  },
  { requiredKeys: ['targets'] },
);
const user = fc.tuple(person, login).map(([one, how]) => ({ ...one, ...how }));
const manifest = fc.record({
  groups: fc
    .tuple(...GROUPS.map((_, index) => group(index)))
    .map((groups) => Object.fromEntries(GROUPS.map((one, index) => [one, groups[index]]))),
  users: fc
    .subarray(USERS)
    .chain((names) =>
      fc.tuple(...names.map(() => user)).map((users) => Object.fromEntries(names.map((one, index) => [one, users[index]]))),
    ),
  existing: fc.subarray(['owner', 'dbt']),
  public: fc.array(
    fc.record({
      target: fc.constantFrom('main', 'other'),
      database: fc.constant('orders'),
      revoke: fc.subarray(['connect', 'temp'], { minLength: 1 }),
    }),
    { maxLength: 2 },
  ),
});

type Sections = Record<string, Record<string, unknown> | unknown[]>;

/** The same manifest in two files, keys and list entries in another order, in another style. */
const otherwise = ({ head, sections, turn }: { head: object; sections: Sections; turn: number }): string[] => {
  const files: Sections[] = [{}, {}];
  for (const [section, content] of turned(Object.entries(sections), turn)) {
    const list = Array.isArray(content);
    const entries: [string, unknown][] = list ? content.map((entry, index) => [String(index), entry]) : Object.entries(content);
    for (const [index, file] of files.entries()) {
      const kept = turned(entries, turn).filter((_, place) => (place + turn) % 2 === index);
      file[section] = list
        ? kept.map(([, entry]) => reordered(entry, turn))
        : Object.fromEntries(kept.map(([key, entry]) => [key, reordered(entry, turn)]));
    }
  }
  const flow = {
    collectionStyle: turn % 2 ? ('flow' as const) : ('block' as const),
    defaultStringType: turn % 3 ? ('QUOTE_DOUBLE' as const) : ('QUOTE_SINGLE' as const),
    defaultKeyType: 'QUOTE_DOUBLE' as const,
  };
  return [stringify(files[1], flow), stringify({ ...files[0], ...(reordered(head, turn) as object) }, flow)];
};

const turned = <T>(values: readonly T[], turn: number): T[] =>
  [...values.slice(turn % (values.length || 1)), ...values.slice(0, turn % (values.length || 1))].reverse();

/** Keys in another order; lists whose order means nothing as well. */
const reordered = (value: unknown, turn: number, key = ''): unknown => {
  if (Array.isArray(value)) return (SETTINGS.includes(key) ? value : turned(value, turn)).map((item) => reordered(item, turn));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(turned(Object.entries(value), turn).map(([inner, item]) => [inner, reordered(item, turn, inner)]));
};

test('files, order and style of the YAML do not change what is declared', () => {
  const head = { version: 1, stack: 'acme/access', targets: TARGETS, iam: IAM };
  fc.assert(
    fc.property(manifest, fc.nat(20), (sections, turn) => {
      const one = valid(stringify({ ...head, ...sections }));
      const other = valid(...otherwise({ head, sections: sections as Sections, turn }));
      const asOf = { asOf: '2026-06-01T00:00:00Z' };
      for (const said of [
        (read: Manifest) => declare(read, 'main', asOf),
        (read: Manifest) => declare(read, 'other', asOf),
        (read: Manifest) => declareIam(read, asOf),
      ]) {
        const [a, b] = [one, other].map((read) => withoutSources(said(read)));
        expect(JSON.stringify(b)).toBe(JSON.stringify(a));
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);
