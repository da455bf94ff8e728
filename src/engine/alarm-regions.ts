import type { Manifest } from '../manifest/content.ts';
import { targetNamed } from '../manifest/declare.ts';
import { targetsOf } from '../manifest/validate.ts';
import type { Finding } from '../model/finding.ts';
import { distinct } from '../model/key.ts';
import { regionOf } from './in-aws.ts';

/** Where alarms of the manifest may be: the regions of all its targets, and those that it names for what is left there. */
export const alarmRegions = (manifest: Manifest): readonly string[] =>
  distinct([
    ...targetsOf(manifest).flatMap(({ name }) => regionOf(targetNamed(manifest, name)) ?? []),
    ...(manifest.content.alarm_regions ?? []),
  ]);

/** Regions where another state of the manifest was looked after, and this one is no more: nothing asks them what is left there. */
export const leftRegions = (before: Manifest, after: Manifest): readonly Finding[] => {
  if (before.content.alarms === undefined || after.content.alarms === undefined) return [];
  const known = new Set(alarmRegions(after));
  return alarmRegions(before)
    .filter((region) => !known.has(region))
    .map((region) => ({
      severity: 'warning',
      code: 'alarms/region-left',
      message: `no target is in ${region} any more: alarms and topics of ours that are there stay`,
      hint: `write alarm_regions: [${region}] until a plan finds nothing there`,
      source: after.at(['alarms'], 'key'),
    }));
};
