import { expect, test } from 'vitest';
import { sessionOf } from '../../src/engine/session.ts';
import { readManifest } from '../../src/manifest/validate.ts';

const session = (target: string) => {
  const text = `version: 1
stack: acme/access
targets:
  t: { engine: postgres, ${target}, login: { user: rolecall, password: "\${env:P}" } }
groups: { g: {} }
alarms: {}
`;
  const { manifest, findings } = readManifest([{ path: 'access.yaml', text }]);
  return sessionOf(manifest!, findings, { target: [], now: '2026-06-01T09:00:00Z' }, () => new Date(0));
};

test.each([
  ['where a target is in AWS, in its region', 'rds: { instance: orders, region: eu-central-1 }', ['eu-central-1']],
  ['nowhere when none is, whatever region the environment names', 'endpoint: { host: 127.0.0.1 }', undefined],
])('alarms that left the manifest are looked for %s', (_, target, regions) => {
  const found = session(target);
  expect([found.watch?.target.name, found.regions]).toEqual([regions && 'alarms', regions]);
});
