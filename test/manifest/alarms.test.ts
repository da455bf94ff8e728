import { describe, expect, test } from 'vitest';
import { declareAlarms } from '../../src/manifest/declare-alarms.ts';
import { readManifest } from '../../src/manifest/validate.ts';
import { valid, withoutSources } from './small.ts';

const AS_OF = { asOf: '2026-07-01T12:00:00Z' };
const TARGETS = `version: 1
stack: acme/access
targets:
  orders: { engine: postgres, rds: { instance: orders, region: eu-west-1 }, login: { user: rolecall } }
  billing: { engine: mysql, rds: { cluster: billing, region: eu-central-1 }, login: { user: rolecall } }
`;
const watch = (alarms: string) => declareAlarms(valid(`${TARGETS}${alarms}`), AS_OF);

describe('what watches failed logins', () => {
  test('is nothing where the manifest has no section for it', () => {
    expect(watch('users: { jane: { targets: [orders] } }\n')).toBeNull();
  });

  test('is a target without a server, which declares nothing of one', () => {
    expect(watch('users: { jane: { targets: [orders] } }\nguard: { max_removals: 3 }\nalarms: {}\n')).toMatchObject({
      stack: 'acme/access',
      asOf: '2026-07-01T12:00:00Z',
      target: { name: 'alarms', engine: 'cloudwatch', endpoint: { kind: 'aws' }, source: { file: '0.yaml', line: 8, column: 1 } },
      roles: new Map(),
      iam: null,
      alarms: { account: null, alarms: [], subscriptions: [] },
      guards: { maxRemovals: 3 },
    });
  });

  test('is one alarm for each target, by name and target, with what is left out filled in', () => {
    const { alarms } = watch(`alarms:
  tokens: { targets: [billing], source: iam, threshold: 5, period: 1h, notify: { topic: "arn:aws:sns:eu-central-1:123456789012:security" } }
  failed: { targets: [orders, billing], notify: { topic: dba } }
`)!.alarms;
    const left = { name: 'failed', of: 'log', threshold: 1, periodSeconds: 60, topic: 'dba' };
    expect(withoutSources(alarms)).toEqual([
      { ...left, target: 'billing' },
      { ...left, target: 'orders' },
      {
        name: 'tokens',
        target: 'billing',
        of: 'iam',
        threshold: 5,
        periodSeconds: 3600,
        topic: 'arn:aws:sns:eu-central-1:123456789012:security',
      },
    ]);
    expect(alarms.map(({ source }) => source.line)).toEqual([8, 8, 7]);
  });

  test('is on the only target where none is named', () => {
    const only = `version: 1\nstack: acme/access\ntargets:\n${TARGETS.split('\n')[3]}\nalarms: { failed: {} }\n`;
    expect(declareAlarms(valid(only), AS_OF)!.alarms.alarms).toMatchObject([{ name: 'failed', target: 'orders', topic: null }]);
  });

  test('tells each address of a topic once, from whichever alarm', () => {
    const { subscriptions } = watch(`alarms:
  a: { targets: [orders], notify: { topic: dba, email: [oncall@example.com, dba@example.com] } }
  b: { targets: [billing], notify: { topic: dba, email: [dba@example.com] } }
  c: { targets: [billing], notify: { topic: app, email: [dba@example.com] } }
`)!.alarms;
    expect(subscriptions.map(({ topic, address, source }) => `${topic} ${address} ${source.line}:${source.column}`)).toEqual([
      'app dba@example.com 9:58',
      'dba dba@example.com 7:77',
      'dba oncall@example.com 7:57',
    ]);
  });

  test('may be all that a manifest was about, when the last of them goes', () => {
    expect(declareAlarms(valid(`${TARGETS}alarms: {}\n`), AS_OF)).toMatchObject({ alarms: { alarms: [] } });
  });

  test('may be all that a manifest is about, may stand in several files, and names the account of its topic', () => {
    const { manifest, findings } = readManifest([
      { path: 'a.yaml', text: TARGETS },
      { path: 'b.yaml', text: 'alarms: { b: { targets: [orders], notify: { topic: dba } } }\n' },
      { path: 'c.yaml', text: 'alarms: { a: { targets: [orders], notify: { topic: "arn:aws:sns:eu-west-1:123456789012:x" } } }\n' },
    ]);
    expect(findings).toEqual([]);
    const { account, alarms } = declareAlarms(manifest!, AS_OF)!.alarms;
    expect({ account, names: alarms.map(({ name, source }) => `${name} ${source.file}`) }).toEqual({
      account: '123456789012',
      names: ['a c.yaml', 'b b.yaml'],
    });
  });
});

describe('regions that no target names', () => {
  test('are looked at too, each once', () => {
    const { alsoIn } = watch('alarms: {}\nalarm_regions: [us-east-1, ap-south-1]\n')!.alarms;
    expect(alsoIn.map(({ region, source }) => `${region} ${source.line}:${source.column}`)).toEqual(['ap-south-1 7:28', 'us-east-1 7:17']);
  });

  test.each([
    ['that are none', 'alarms: {}\nalarm_regions: [virginia]\n', "'alarm_regions[0]' is 'virginia', expected a region such as eu-west-1"],
    ['twice', 'alarms: {}\nalarm_regions: [us-east-1, us-east-1]\n', "'us-east-1' is listed twice"],
    ['without alarms', 'alarm_regions: [us-east-1]\n', "'alarm_regions' without 'alarms' is not looked at"],
  ])('are told of, %s', (_, text, expected) => {
    const { findings } = readManifest([{ path: 'access.yaml', text: `${TARGETS}groups: { readers: { targets: [orders] } }\n${text}` }]);
    expect(findings.map(({ message }) => message)).toEqual([expected]);
  });
});

describe('who is told', () => {
  const said = (notify: string): string[] =>
    readManifest([{ path: 'access.yaml', text: `${TARGETS}alarms: { a: { targets: [orders], notify: ${notify} } }\n` }]).findings.map(
      ({ message }) => message,
    );

  test.each([
    ['dba@example.com', true],
    ["o'neil+db/a@mail.example.co.uk", true],
    ['dba@xn--exmple-4nf.com', true],
    ['DBA <dba@example.com>', false],
    ['dba@example', false],
    ['a@example.com,b@example.com', false],
    ['dba@ex\\u0430mple.com', false],
    ['dba\\u202E@example.com', false],
    ['dba\\e@example.com', false],
    ['dba@example.com\\n', false],
  ])('an address is one of plain letters: %s', (address, isOne) => {
    expect(said(`{ topic: dba, email: ["${address}"] }`)).toEqual(isOne ? [] : [expect.stringContaining('is no mail address')]);
  });

  test.each([
    ['arn:aws:sns:eu-west-1:123456789012:dba.fifo', "'arn:aws:sns:eu-west-1:123456789012:dba.fifo' is no ARN of a standard topic"],
    ['arn:aws:sqs:eu-west-1:123456789012:dba', "'arn:aws:sqs:eu-west-1:123456789012:dba' is no ARN of a topic"],
    ['dba.fifo', "'dba.fifo' is no name of a topic, expected 1 to 256 letters, digits and _-, or an ARN"],
  ])('a topic is a standard one: %s', (topic, message) => {
    expect(said(`{ topic: "${topic}" }`)).toEqual([message]);
  });
});
