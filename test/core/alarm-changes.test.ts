import { describe, expect, test } from 'vitest';
import { diff } from '../../src/core/diff.ts';
import { guard, losers, unwatched } from '../../src/core/guard.ts';
import { operationsOf, unreviewed } from '../../src/core/operations.ts';
import type { Alarm, Subscription, Topic } from '../../src/model/alarm.ts';
import type { Change } from '../../src/model/change.ts';
import type { PlanTarget } from '../../src/model/plan.ts';
import { declaredOf, targetOf } from '../providers/declared.ts';

const TOPIC: Topic = { name: 'dba', region: 'eu-central-1', policy: '{}' };
const DBA: Subscription = { topic: 'dba', region: 'eu-central-1', address: 'dba@example.com' };
const arn = (name: string): string => `arn:aws:sns:eu-central-1:123456789012:${name}`;
const alarm = (rest: Partial<Alarm> = {}): Alarm => ({
  name: 'rolecall/acme/access/failed/billing',
  region: 'eu-central-1',
  description: '',
  namespace: 'Rolecall/acme/access',
  metric: 'failed/billing',
  dimensions: { a: '1', b: '2' },
  statistic: 'Sum',
  comparison: 'GreaterThanOrEqualToThreshold',
  threshold: 1,
  periodSeconds: 60,
  periods: 1,
  periodsOver: 1,
  missing: 'notBreaching',
  enabled: true,
  actions: [arn('dba')],
  ...rest,
});
const between = (before: Alarm | null, after: Alarm | null): Change[] => {
  const side = (one: Alarm | null) => ({ alarm: new Map(one === null ? [] : [['failed', one]]) });
  return diff({ actual: side(before), desired: side(after), about: new Map() });
};
const gone: readonly Change[] = diff({
  actual: { topic: new Map([['dba', TOPIC]]), subscription: new Map([['dba@example.com', DBA]]), alarm: new Map([['failed', alarm()]]) },
  desired: {},
  about: new Map([
    ['topic dba', { cause: 'absent', blocked: 'it tells a queue too' }],
    ['alarm failed', { cause: 'absent' }],
  ]),
});
const target = (changes: readonly Change[]): PlanTarget =>
  ({ name: 'alarms', engine: 'cloudwatch', identity: { system: 'aws:123456789012' }, changes }) as unknown as PlanTarget;

describe('a change of an alarm', () => {
  test.each<[string, Alarm | null, Alarm | null, string[]]>([
    ['that is made is safe', null, alarm(), ['safe']],
    ['of its numbers is safe', alarm(), alarm({ threshold: 9, periodSeconds: 300 }), ['safe']],
    ['that tells one more is safe', alarm(), alarm({ actions: [arn('security'), arn('dba')] }), ['safe']],
    ['that tells one less takes away', alarm({ actions: [arn('security'), arn('dba')] }), alarm(), ['removes']],
    ['that goes takes away', alarm(), null, ['removes']],
    ['is none where only the order of dimensions differs', alarm({ dimensions: { b: '2', a: '1' } }), alarm(), []],
  ])('%s', (_, before, after, risks) => {
    expect(between(before, after).map(({ risk }) => risk)).toEqual(risks);
  });

  test('is reviewed by what it will be, attribute by attribute', () => {
    const [made] = between(null, alarm()) as [Change];
    const [higher] = between(alarm({ threshold: 9 }), alarm()) as [Change];
    expect(operationsOf(higher)).toEqual(['["alarm","failed","threshold",1]']);
    expect(unreviewed([target([made])], target([higher]))).toEqual([]);
    expect(unreviewed([target([higher])], target([made]))).toEqual([made]);
    expect(between(alarm(), null).flatMap(operationsOf)).toEqual(['["alarm","failed","gone"]']);
  });
});

describe('what takes alarms away', () => {
  test('takes access from nobody, and is counted by itself; what is blocked is not done', () => {
    expect(gone.map(({ kind }) => kind)).toEqual(['topic', 'subscription', 'alarm']);
    expect(losers(gone)).toEqual([]);
    expect(unwatched(gone)).toBe(2);
    expect(unwatched([...between(null, alarm()), ...between(alarm(), alarm({ actions: [] }))])).toBe(1);
  });

  test('is kept back by no guard that is about roles', () => {
    const declared = declaredOf(targetOf({ name: 'alarms', engine: 'cloudwatch', endpoint: { kind: 'aws' } }), {
      guards: { protected: ['dba'], maxRemovals: 0, rules: { 'no-superuser': 'error' } },
    });
    expect(guard(declared, { roles: new Map(), memberships: [], objects: [] }, gone, 0)).toEqual([]);
  });
});
