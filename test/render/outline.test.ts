import { describe, expect, it } from 'vitest';
import { actionOf } from '../../src/model/change.ts';
import type { AccessItem, Plan, PlanTarget } from '../../src/model/plan.ts';
import { accessLines, usersPhrase } from '../../src/render/access.ts';
import { sortFindings } from '../../src/render/findings-list.ts';
import { takesAway } from '../../src/render/lines/line.ts';
import { linesOf, outline } from '../../src/render/outline.ts';
import { plain } from '../../src/render/phrase.ts';
import { lineText } from '../../src/render/sql.ts';
import { change, grant, NASTY, on, PLANS } from './plans.ts';

const targetOf = (name: string): PlanTarget => (PLANS[name] as Plan).targets[0] as PlanTarget;
const texts = (name: string): string[] => linesOf(targetOf(name).changes).map(lineText);

describe('lines', () => {
  it.each([
    ['mixed', '- user j.doe dropped, its sessions end (named under removed)'],
    ['mixed', '- member jane leaves orders_reader (its until has passed)'],
    ['mixed', '- grant contractors INSERT, UPDATE on 14 tables in orders.sales (customers, discounts, invoice_lines, 11 more)'],
    ['mixed', '~ user etl_loader connection_limit 10 -> 25'],
    ['mixed', '~ setting etl_loader statement_timeout 10s -> 30s in orders'],
    ['mixed', '+ user maria.k created, logs in through IAM'],
    ['mixed', '+ password nightly set from ${' + 'env:NIGHTLY_PASSWORD}'],
    ['mixed', '+ grant nightly EXECUTE on routine orders.sales.refund(integer, text)'],
    ['mixed', '+ grant reporting_ro SELECT on 14 tables in orders.sales (customers, discounts, invoice_lines, 11 more)'],
    ['mixed', '+ default reporting_ro SELECT on tables that orders_owner will make in orders.sales'],
    ['flip', '! user app authentication: password -> IAM'],
    ['flip', '! user jane authentication: IAM -> password'],
    ['flip', '! user deploy createrole no -> yes'],
    ['flip', '! member deploy joins deployers'],
    ['mixed', '+ member maria.k joins reporting_ro until 2026-12-31 (OPS-1234)'],
    ['flip', '! grant deploy SELECT with grant option on 2 tables in orders.sales (items, orders)'],
    ['flip', '~ user team_b adopted: managed from now on'],
    ['removals', '- user user_01 can no longer log in, its sessions end (left the manifest)'],
    ['removals', '- grant user_01 SELECT and UPDATE with grant option on columns note, status of orders.sales.orders'],
    ['huge', '+ grant analysts SELECT on 4,000 tables in 40 schemas of dwh (s00, s01, s02, 37 more)'],
    ['huge', '+ member login_0000, login_0001, login_0002, 1,197 more join analysts'],
  ])('%s: %s', (name, text) => {
    expect(texts(name)).toContain(text);
  });

  it.each([
    ['a routine with a plain name', on('routine', 'd', 's', 'f(integer, "char"[])'), 'routine d.s.f(integer, "char"[])'],
    ['one that is quoted already', on('routine', 'd', 's', '"odd(name)"(s.comp)'), 'routine d.s."odd(name)"(s.comp)'],
    ['several', on('routine', 'd', 's', '"a(b"()', 'g()'), '2 routines in d.s ("a(b"(), g())'],
    ['a large object', on('large_object', 'd', null, '16402'), 'large object d.16402'],
    ['one that hides what it is', on('routine', 'd', 's', '"x\u202ey"()'), 'routine d.s."x\\u202ey"()'],
  ])('name %s', (_name, objects, named) => {
    expect(linesOf([change('grant', null, grant('jane', ['EXECUTE'], objects))]).map(lineText)).toEqual([
      `+ grant jane EXECUTE on ${named}`,
    ]);
  });

  it('tell the elements of a list apart', () => {
    const body = { role: 'jane', database: null, name: 'search_path', value: ['$user', 'x, y', 'B c', ''] };
    expect(linesOf([change('setting', null, body)]).map(lineText)).toEqual(['+ setting jane search_path = $user, "x, y", B c, ""']);
  });

  it('say who granted it where the same is taken away and granted again', () => {
    const body = grant('jane', ['SELECT'], on('table', 'd', 's', 't'));
    expect(linesOf([change('grant', { ...body, grantor: 'leaver' }, null), change('grant', null, body)]).map(lineText)).toEqual([
      '- grant jane SELECT on table d.s.t, granted by leaver',
      '+ grant jane SELECT on table d.s.t, granted by orders_owner',
    ]);
  });

  it('stand for every change, each in one line (a row that gains and loses in two)', () => {
    for (const [name, plan] of Object.entries(PLANS)) {
      for (const target of plan.targets) {
        for (const fold of ['fine', 'coarse'] as const) {
          const told = linesOf(target.changes, fold).flatMap((line) => line.changes);
          expect(
            [...new Set(told)].sort((a, b) => a - b),
            name,
          ).toEqual(target.changes.map((_, index) => index));
        }
      }
    }
  });

  it('put what takes away first', () => {
    for (const plan of Object.values(PLANS)) {
      for (const target of plan.targets) {
        const symbols = linesOf(target.changes).map((line) => '-!~+'.indexOf(line.symbol));
        expect(symbols).toEqual([...symbols].sort((a, b) => a - b));
      }
    }
  });

  it('keep everything that goes among the removals', () => {
    for (const plan of Object.values(PLANS)) {
      for (const target of outline(plan).targets) {
        const changes = plan.targets.find(({ name }) => name === target.name)?.changes ?? [];
        const going = changes.flatMap((change, index) => {
          const kept = change.blocked !== undefined || change.risk === 'authentication';
          return actionOf(change) === 'remove' && !kept ? [index] : [];
        });
        const told = new Set(target.removals.flatMap((line) => line.changes));
        expect(going.filter((index) => !told.has(index))).toEqual([]);
      }
    }
  });

  it('name everybody who loses, however many', () => {
    const removals = linesOf(targetOf('removals').changes).filter(takesAway);
    const names = new Set(removals.flatMap((line) => line.subjects));
    expect(names.size).toBe(30);
  });

  it('do not depend on the order of the changes', () => {
    for (const name of ['mixed', 'flip', 'removals']) {
      expect(linesOf([...targetOf(name).changes].reverse()).map((line) => line.text.length > 0 && line.subjects)).toEqual(
        linesOf(targetOf(name).changes).map((line) => line.text.length > 0 && line.subjects),
      );
    }
  });
});

describe('outline', () => {
  it.each([
    ['nothing', 'unchanged'],
    ['mixed', 'removes'],
    ['failed', 'failed'],
    ['removals', 'failed'],
    ['blocked', 'removes'],
  ])('%s is %s', (name, verdict) => {
    expect(outline(PLANS[name] as Plan).verdict).toBe(verdict);
  });

  it('keeps blocked changes apart with their reason', () => {
    const [target] = outline(PLANS.blocked as Plan).targets;
    expect(target?.blocked.map((line) => line.blocked)).toEqual([
      expect.stringContaining("granted by 'postgres'"),
      expect.stringContaining("owns objects in database 'archive'"),
    ]);
    expect(target?.lines.map(lineText)).toEqual(['- member jane leaves orders_writer']);
  });

  it('says what is not managed and what passes next', () => {
    const notes = [...outline(PLANS.blocked as Plan).targets, ...outline(PLANS.mixed as Plan).targets].flatMap((target) =>
      target.notes.map(plain),
    );
    expect(notes).toEqual(['not managed, left alone: 2 users (dba_tmp, legacy_job)', 'the next until passes at 2026-12-31T23:59:59Z']);
  });

  it('says once what selectors of several places match alike', () => {
    const mixed = PLANS.mixed as Plan;
    const [first] = mixed.targets[0]!.matches;
    const elsewhere = { ...first!, source: { file: 'access/more.yaml', line: 7, column: 3 } };
    const target = { ...mixed.targets[0]!, matches: [first!, elsewhere] };
    expect(outline({ ...mixed, targets: [target] }).targets[0]!.matches).toHaveLength(1);
  });

  it('sorts findings by gravity, then place', () => {
    const finding = (severity: 'error' | 'warning', line: number) => ({
      severity,
      code: 'a/b',
      message: 'm',
      source: { file: 'f', line, column: 1 },
    });
    const sorted = sortFindings([finding('warning', 1), finding('error', 10), finding('error', 9)]);
    expect(sorted.map(({ source }) => source?.line)).toEqual([9, 10, 1]);
  });
});

describe('access', () => {
  const item = (more: Partial<AccessItem>): AccessItem => ({
    what: 'privileges',
    privileges: [],
    names: [],
    count: 1,
    via: ['direct'],
    ...more,
  });
  const on = { kind: 'table', database: 'orders', schema: 'sales', names: ['items'] } as const;
  it.each([
    ['+', 'jane gains SELECT on table orders.sales.items', item({ ...on, privileges: ['SELECT'] })],
    ['-', 'jane loses SELECT on table orders.sales.items, through a > b', item({ ...on, privileges: ['SELECT'], via: ['a', 'b'] })],
    [
      '-',
      'jane loses SELECT on 14 tables in orders.sales (items, 13 more), through PUBLIC',
      item({ ...on, privileges: ['SELECT'], count: 14, via: ['PUBLIC'] }),
    ],
    ['-', 'jane can no longer log in', item({ what: 'login' })],
    ['+', 'jane gains ownership of table orders.sales.items', item({ ...on, what: 'ownership' })],
    ['+', 'jane can log in through IAM', item({ what: 'role', names: ['rds_iam'], privileges: ['MEMBER'] })],
    ['+', 'jane gains the role pg_monitor', item({ what: 'role', names: ['pg_monitor'] })],
    ['+', 'jane gains the right to let others into orders_reader', item({ what: 'role', names: ['orders_reader'], privileges: ['ADMIN'] })],
  ] as const)('%s %s', (symbol, text, one) => {
    const [line] = accessLines([{ users: ['jane'], gains: symbol === '+' ? [one] : [], loses: symbol === '-' ? [one] : [] }]);
    expect(line && `${plain(usersPhrase(line))} ${plain(line.text)}`).toBe(text);
    expect(line?.symbol).toBe(symbol);
  });

  it.each([
    ['postgres', ', as its owner'],
    ['mysql', ', through owner'],
  ])('on %s a group called owner is one, where objects have no owners: %s', (engine, text) => {
    const [line] = accessLines([{ users: ['jane'], gains: [item({ via: ['owner'] })], loses: [] }], engine);
    expect(line && plain(line.text)).toContain(text);
  });

  it('tells a login that comes or goes together with IAM once', () => {
    const both = [item({ what: 'login' }), item({ what: 'role', names: ['rds_iam'] })];
    const lines = accessLines([{ users: ['jane'], gains: both, loses: both }]);
    expect(lines.map(({ text }) => plain(text))).toEqual(['can no longer log in', 'can log in through IAM']);
  });

  it('tells losses of everybody before the first gain', () => {
    const one = item({ what: 'login' });
    const lines = accessLines([
      { users: ['a'], gains: [one], loses: [one] },
      { users: NASTY, gains: [], loses: [one] },
    ]);
    expect(lines.map(({ symbol }) => symbol)).toEqual(['-', '-', '+']);
  });
});
