import type { Change, ChangeOf, Risk } from '../model/change.ts';
import { RISKS } from '../model/change.ts';
import type { Kind } from '../model/state.ts';

/** A change with its index in the target's plan. */
export type Indexed<K extends Kind> = { readonly change: ChangeOf<K>; readonly index: number };

/** The changes of one kind, with their indexes. */
export const ofKind = <K extends Kind>(changes: readonly Change[], kind: K): Indexed<K>[] =>
  changes.flatMap((change, index) => (change.kind === kind ? [{ change: change as ChangeOf<K>, index }] : []));

/** Items with equal keys together; groups in order of their first item. */
export const gather = <T>(items: readonly T[], keyOf: (item: T) => readonly unknown[]): [T, ...T[]][] => {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const key = JSON.stringify(keyOf(item));
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return [...groups.values()];
};

/** The gravest of several risks. */
export const gravest = (risks: readonly Risk[]): Risk => RISKS[Math.max(...risks.map((risk) => RISKS.indexOf(risk)))] ?? 'safe';
