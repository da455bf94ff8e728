import type { Change } from '../../../model/change.ts';
import type { Declared } from '../../../model/declared.ts';
import { byCodeUnit, distinct } from '../../../model/key.ts';
import type { Statements } from '../../../model/normal.ts';
import type { Step, Transaction } from '../../../model/plan.ts';
import { command } from '../../aws-command.ts';
import type { Part } from '../connect.ts';
import type { Snapshot } from '../snapshot.ts';
import { alarmDrafts } from './alarms.ts';
import type { Draft, Unit } from './draft.ts';
import { topicDrafts } from './topics.ts';

/** Which part of AWS each call is for. */
export const PART_OF: Readonly<Record<string, Part>> = {
  CreateTopic: 'sns',
  SetTopicAttributes: 'sns',
  Subscribe: 'sns',
  Unsubscribe: 'sns',
  DeleteTopic: 'sns',
  PutMetricFilter: 'logs',
  DeleteMetricFilter: 'logs',
  PutMetricAlarm: 'cloudwatch',
  DeleteAlarms: 'cloudwatch',
};

/** The steps are in no database. */
const LANE = '';

/**
 * The calls, in a transaction for each thing that works on its own: a topic with its subscriptions, then an alarm with its filter; and
 * topics that go after all alarms of their region.
 */
export const statements = (changes: readonly Change[], snapshot: Snapshot, { stack }: Declared): Statements => {
  const runnable = changes.map((change, index) => ({ change, index })).filter(({ change }) => change.blocked === undefined);
  const topics = topicDrafts(runnable, snapshot, stack);
  const alarms = alarmDrafts(runnable, snapshot, stack);
  const steps: Step[] = [];
  const transactions: Transaction[] = [];
  const add = (drafts: readonly Draft[], waitsFor: readonly number[]): void => {
    for (const { operation, input, region, phase, changes: of } of drafts)
      steps.push({
        id: steps.length,
        database: LANE,
        transaction: transactions.length,
        phase,
        sql: command(PART_OF[operation]!, operation, input, region),
        call: { operation, input, region },
        changes: of,
      });
    transactions.push({ database: LANE, waitsFor, borrows: [], autocommit: true });
  };
  const opened = new Map<string, number>();
  for (const unit of sorted(topics.filter(({ opening }) => opening.length > 0))) {
    opened.set(unit.key, transactions.length);
    add(unit.opening, []);
  }
  const regions = new Map<string, number[]>();
  for (const unit of sorted(alarms)) {
    regions.set(unit.region, [...(regions.get(unit.region) ?? []), transactions.length]);
    add(
      [...unit.opening, ...unit.closing],
      distinct(unit.tells).flatMap((arn) => opened.get(arn) ?? []),
    );
  }
  for (const unit of sorted(topics.filter(({ closing }) => closing.length > 0)))
    add(
      unit.closing,
      [...new Set([...(regions.get(unit.region) ?? []), ...(opened.has(unit.key) ? [opened.get(unit.key)!] : [])])].sort((a, b) => a - b),
    );
  return { steps, transactions, lapses: [] };
};

const sorted = (units: readonly Unit[]): readonly Unit[] => [...units].sort((a, b) => byCodeUnit(a.key, b.key));
