import { isPattern } from '../core/selector.ts';
import type { Came, Probe } from '../model/proof.ts';

/** What the login can do to one object. `partly`: to some columns, to something in it, or by way of the schema. */
export type Ability = { readonly able: 'yes' | 'partly' | 'no' | 'broken'; readonly why: string; readonly hint?: string };

/** All of them can, or none of them: what does not hold for one does not hold. */
export const cameOf = (probe: Probe, abilities: readonly (Ability & { readonly object: string })[]): Came => {
  const broken = abilities.find(({ able }) => able === 'broken');
  const against = abilities.filter(({ able }) => (probe.can ? able !== 'yes' : able !== 'no'));
  const among = (one: { readonly object: string; readonly why: string }, count: number): string =>
    abilities.length === 1
      ? one.why
      : `${one.object}: ${one.why}${count > 1 ? ` (and ${count - 1} more of ${abilities.length} objects)` : ''}`;
  if (broken) return { status: 'failed', cause: 'object', message: among(broken, 1) };
  const [first] = against;
  if (first === undefined) {
    const message =
      abilities.length === 1 ? abilities[0]!.why : `${probe.can ? 'permitted' : 'denied'} on each of ${abilities.length} objects`;
    return { status: 'passed', cause: null, message };
  }
  return { status: 'failed', cause: 'permission', message: among(first, against.length), ...(first.hint ? { hint: first.hint } : {}) };
};

/** What is not there is denied to everybody: that proves nothing. */
export const missing = ({ schema, name, kind }: Probe): Came => {
  const path = [...(schema ? [schema] : []), name].map(({ text }) => text).join('.');
  const what = (kind ?? 'sequence or type').replaceAll('_', ' ');
  const pattern = isPattern(name) || (schema !== null && isPattern(schema));
  return pattern
    ? { status: 'unproven', cause: 'object', message: `no ${what} matches '${path}'` }
    : { status: 'failed', cause: 'object', message: `there is no ${what} '${path}'` };
};
