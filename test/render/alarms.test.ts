import { describe, expect, it } from 'vitest';
import { diff } from '../../src/core/diff.ts';
import type { Alarm, LogFilter } from '../../src/model/alarm.ts';
import { countsMarkdown } from '../../src/render/counts-markdown.ts';
import { planMarkdown } from '../../src/render/markdown.ts';
import { linesOf } from '../../src/render/outline.ts';
import { plain } from '../../src/render/phrase.ts';
import { lineText } from '../../src/render/sql.ts';
import { change, NASTY, plan, role, target } from './plans.ts';

const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:dba-alerts';
const alarm = (rest: Partial<Alarm> = {}): Alarm => ({
  name: 'rolecall/acme/access/failed-logins/billing-prod',
  region: 'eu-central-1',
  description: 'Failed logins on billing-prod',
  namespace: 'Rolecall/acme/access',
  metric: 'failed-logins/billing-prod',
  dimensions: {},
  statistic: 'Sum',
  comparison: 'GreaterThanOrEqualToThreshold',
  threshold: 1,
  periodSeconds: 60,
  periods: 1,
  periodsOver: 1,
  missing: 'notBreaching',
  enabled: true,
  actions: [TOPIC],
  ...rest,
});
const filter = (rest: Partial<LogFilter> = {}): LogFilter => ({
  name: 'rolecall/acme/access/failed-logins/billing-prod',
  region: 'eu-central-1',
  logGroup: '/aws/rds/cluster/billing-prod/error',
  pattern: '"Access denied for user"',
  namespace: 'Rolecall/acme/access',
  metric: 'failed-logins/billing-prod',
  value: '1',
  otherwise: 0,
  ...rest,
});
/** As the differ finds them, each line with what stands under it. */
const told = (kind: 'alarm' | 'log_filter', before: Alarm | LogFilter | null, after: Alarm | LogFilter | null): string[] => {
  const side = (body: Alarm | LogFilter | null) => ({ [kind]: new Map(body === null ? [] : [['one', body]]) });
  const changes = diff({ actual: side(before), desired: side(after), about: new Map() });
  return linesOf(changes).flatMap((line) => [lineText(line), ...line.details.map(plain)]);
};

describe('an alarm', () => {
  it.each<[string, Alarm | null, Alarm | null, string[]]>([
    ['is made', null, alarm(), ['+ alarm billing-prod failed-logins: 1 failed login in 60 s tells dba-alerts']],
    [
      'counts refused tokens',
      null,
      alarm({ namespace: 'AWS/RDS', metric: 'IamDbAuthConnectionFailure', threshold: 1200, actions: [] }),
      ['+ alarm billing-prod failed-logins: 1,200 refused tokens in 60 s tells nobody'],
    ],
    ['goes', alarm(), null, ['- alarm billing-prod failed-logins: 1 failed login in 60 s no longer tells dba-alerts']],
    [
      'says each attribute that differs',
      alarm({ threshold: 2, periodSeconds: 300, enabled: false, missing: 'breaching', periods: 3, periodsOver: 2, description: '' }),
      alarm(),
      [
        '~ alarm billing-prod failed-logins: is off -> on',
        'threshold 2 -> 1',
        'period 300 s -> 60 s',
        'periods 2 of 3 -> 1 of 1',
        'without data breaching -> notBreaching',
        'description none -> Failed logins on billing-prod',
      ],
    ],
    [
      'that tells somebody else takes something away',
      alarm(),
      alarm({ actions: [TOPIC.replace('dba-alerts', 'security')] }),
      ['- alarm billing-prod failed-logins: no longer tells dba-alerts', 'tells security'],
    ],
    [
      'that tells one more does not',
      alarm(),
      alarm({ actions: [TOPIC, TOPIC.replace('dba-alerts', 'security')] }),
      ['~ alarm billing-prod failed-logins: tells security'],
    ],
    [
      'that somebody else made of it is told as it is',
      alarm({
        name: 'rolecall/x',
        namespace: 'AWS/EC2',
        metric: 'CPU',
        statistic: 'Maximum',
        periods: 2,
        periodsOver: 2,
        actions: ['arn:aws:swf:x'],
      }),
      null,
      ['- alarm rolecall/x Maximum of CPU GreaterThanOrEqualToThreshold 1 in 60 s, 2 times of 2, no longer tells arn:aws:swf:x'],
    ],
  ])('%s', (_, before, after, expected) => {
    expect(told('alarm', before, after)).toEqual(expected);
  });
});

describe('a log filter', () => {
  it.each<[string, LogFilter | null, LogFilter | null, string[]]>([
    [
      'is made',
      null,
      filter(),
      [
        '+ log filter billing-prod failed-logins: counts lines of /aws/rds/cluster/billing-prod/error, eu-central-1',
        'with "Access denied for user"',
      ],
    ],
    [
      'says each attribute that differs',
      filter({ pattern: 'x', metric: 'y', value: '2', otherwise: null }),
      filter(),
      [
        '~ log filter billing-prod failed-logins: pattern x -> "Access denied for user"',
        'metric Rolecall/acme/access y -> Rolecall/acme/access failed-logins/billing-prod',
        'a line counts 2 -> 1',
        'no line counts none -> 0',
      ],
    ],
    [
      'goes',
      filter(),
      null,
      ['- log filter billing-prod failed-logins: no longer counts lines of /aws/rds/cluster/billing-prod/error, eu-central-1'],
    ],
  ])('%s', (_, before, after, expected) => {
    expect(told('log_filter', before, after)).toEqual(expected);
  });
});

describe('what goes', () => {
  const alarms = { ...target('alarms', [change('alarm', alarm(), null)]), engine: 'cloudwatch' };
  const server = target('billing-prod', [change('role', role('jane'), null, { risk: 'destructive' })]);

  it.each([
    ['alarms alone', plan(alarms), '1 change takes alarms away'],
    ['access alone', plan(server), '1 change takes access away'],
    ['both', plan(server, alarms), '2 changes take access and alarms away'],
  ])('is called what it is: %s', (_, one, title) => {
    expect(planMarkdown(one).body).toContain(`> **${title}**`);
    expect(countsMarkdown(one)).toContain(`> **${title}**`);
  });

  it.each(NASTY)('and an attribute that is %j is made visible', (text) => {
    const changed = change('alarm', alarm({ description: text, metric: text, dimensions: { [text]: text }, actions: [text] }), alarm());
    const lines = linesOf([changed, change('log_filter', filter({ pattern: text }), filter())]);
    const shown = lines.flatMap((line) => [lineText(line), ...line.details.map(plain)]).join('');
    expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
  });
});
