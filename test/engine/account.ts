import { connectsOf } from '../../src/core/connects.ts';
import { declaredPlace } from '../../src/core/declared-place.ts';
import { declare } from '../../src/manifest/declare.ts';
import { declareIam } from '../../src/manifest/declare-iam.ts';
import { readManifest, targetsOf } from '../../src/manifest/validate.ts';
import type { Declared } from '../../src/model/declared.ts';
import { Failure, isError } from '../../src/model/finding.ts';
import type { Place } from '../../src/model/place.ts';
import type { Snapshot } from '../../src/providers/iam/snapshot.ts';

/** What a manifest wants of the account, where every target says its resource id itself. */
export const accountOf = (text: string, asOf = '2026-06-01T09:00:00Z'): Declared => {
  const { manifest, findings } = readManifest([{ path: 'access.yaml', text }]);
  if (!manifest || findings.some(isError)) throw new Failure(findings);
  const places = new Map<string, Place>();
  for (const { name } of targetsOf(manifest)) {
    const place = declaredPlace(declare(manifest, name, { asOf }).target);
    if (place) places.set(name, place);
  }
  const account = declareIam(manifest, { asOf })!;
  const found = connectsOf(account.iam.connects, places);
  if (found.findings.length > 0) throw new Failure(found.findings);
  return { ...account, iam: { ...account.iam, connects: found.connects, places, logins: null, flips: new Set<string>() } };
};

/** A snapshot as a file holds it: maps as lists, in the order of their keys. */
export const snapshotJson = (snapshot: Snapshot): string =>
  `${JSON.stringify({ ...snapshot, identities: [...snapshot.identities.values()], policies: [...snapshot.policies.values()] }, null, 1)}\n`;

export const snapshotFrom = (text: string, reverse = false): Snapshot => {
  const read = JSON.parse(text);
  const inOrder = <T>(list: T[]): T[] => (reverse ? list.reverse() : list);
  return {
    ...read,
    identities: new Map(inOrder(read.identities as { kind: string; name: string }[]).map((one) => [`${one.kind}/${one.name}`, one])),
    policies: new Map(inOrder(read.policies as { arn: string }[]).map((one) => [one.arn, one])),
  };
};
