import type { AlarmSource, DeclaredAlarm, DeclaredAlarms, DeclaredSubscription } from '../model/alarm.ts';
import { type Declared, NOTHING_DECLARED } from '../model/declared.ts';
import { byCodeUnit, distinct } from '../model/key.ts';
import { accountOf } from './account.ts';
import { periodOf } from './alarms.ts';
import { awsTarget } from './aws-target.ts';
import type { Content, Manifest } from './content.ts';
import { guardsOf } from './declare.ts';
import { asOfOf, instantText } from './instant.ts';
import { targetNames } from './view.ts';

/** What shall watch failed logins, before anybody asked which servers the targets are. */
export type DeclaredWatch = Omit<Declared, 'alarms'> & { readonly alarms: Omit<DeclaredAlarms, 'servers' | 'regions'> };

/** Who counts failed logins of every target of the manifest; null where it has no `alarms`. Everything is in code-unit order. */
export const declareAlarms = (manifest: Manifest, { asOf }: { readonly asOf: string }): DeclaredWatch | null => {
  const { content, at } = manifest;
  if (content.alarms === undefined) return null;
  return {
    stack: content.stack,
    asOf: instantText(asOfOf(asOf)),
    target: awsTarget('alarms', 'cloudwatch', at(['alarms'], 'key')),
    ...NOTHING_DECLARED,
    iam: null,
    alarms: {
      account: accountOf(content) ?? null,
      alarms: alarmsOf(manifest),
      subscriptions: subscriptionsOf(manifest),
      alsoIn: alsoIn(manifest),
    },
    guards: guardsOf(content),
    nextExpiry: null,
    findings: [],
  };
};

const DEFAULT: { readonly source: AlarmSource; readonly threshold: number } = { source: 'log', threshold: 1 };

const namesOf = ({ alarms }: Content): readonly string[] => distinct(Object.keys(alarms ?? {}));

const alarmsOf = ({ content, at }: Manifest): readonly DeclaredAlarm[] =>
  namesOf(content).flatMap((name) => {
    const { targets, source, threshold, period, notify } = content.alarms![name]!;
    return distinct(targetNames(content, targets)).map((target) => ({
      name,
      target,
      of: source ?? DEFAULT.source,
      threshold: threshold ?? DEFAULT.threshold,
      periodSeconds: periodOf(period),
      topic: notify?.topic ?? null,
      source: at(['alarms', name], 'key'),
    }));
  });

const alsoIn = ({ content, at }: Manifest): DeclaredAlarms['alsoIn'] =>
  distinct(content.alarm_regions ?? []).map((region) => ({
    region,
    source: at(['alarm_regions', content.alarm_regions!.indexOf(region)]),
  }));

/** Alarms that share a topic share those whom it tells. */
const subscriptionsOf = ({ content, at }: Manifest): readonly DeclaredSubscription[] => {
  const found = new Map<string, DeclaredSubscription>();
  for (const name of namesOf(content)) {
    const { topic, email = [] } = content.alarms![name]!.notify ?? {};
    for (const [index, address] of email.entries()) {
      const key = JSON.stringify([topic, address]);
      if (!found.has(key)) found.set(key, { topic: topic!, address, source: at(['alarms', name, 'notify', 'email', index]) });
    }
  }
  return [...found.values()].sort((a, b) => byCodeUnit(a.topic, b.topic) || byCodeUnit(a.address, b.address));
};
