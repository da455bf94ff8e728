import { describe, expect, test } from 'vitest';
import { alarmRegions, leftRegions } from '../../src/engine/alarm-regions.ts';
import { readManifest } from '../../src/manifest/validate.ts';

const BASE = `version: 1
stack: acme/access
targets:
  orders: { engine: postgres, rds: { cluster: orders, region: eu-west-1 }, login: { user: rolecall } }
  stats: { engine: postgres, rds: { cluster: stats, region: us-east-1 }, login: { user: rolecall } }
groups: { readers: { targets: [orders] } }
alarms: { failed: { targets: [orders] } }
`;
const LEFT = BASE.replace(/ {2}stats:.*\n/, '');

const manifest = (text: string) => {
  const read = readManifest([{ path: 'access.yaml', text }]);
  if (!read.manifest) throw new Error(JSON.stringify(read.findings));
  return read.manifest;
};

describe('where alarms may be', () => {
  test('is each region of a target, and each that is written', () => {
    expect(alarmRegions(manifest(`${BASE}alarm_regions: [ap-south-1]\n`))).toEqual(['ap-south-1', 'eu-west-1', 'us-east-1']);
  });

  test.each([
    ['a region of which another state of the manifest had a target', BASE, LEFT, ['us-east-1']],
    ['one that had been written', `${LEFT}alarm_regions: [us-east-1]\n`, LEFT, ['us-east-1']],
    ['none that is written now', BASE, `${LEFT}alarm_regions: [us-east-1]\n`, []],
    ['none that has a target', LEFT, BASE, []],
    ['none where nothing was watched', BASE.replace(/alarms:.*\n/, ''), LEFT, []],
    ['none where nothing is watched any more', BASE, LEFT.replace(/alarms:.*\n/, ''), []],
  ])('and no more: %s', (_name, before, after, regions) => {
    const findings = leftRegions(manifest(before), manifest(after));
    expect(findings.map(({ code, message, hint, source }) => ({ code, message, hint, line: source!.line }))).toEqual(
      regions.map((region) => ({
        code: 'alarms/region-left',
        message: `no target is in ${region} any more: alarms and topics of ours that are there stay`,
        hint: `write alarm_regions: [${region}] until a plan finds nothing there`,
        line: 6,
      })),
    );
  });
});
