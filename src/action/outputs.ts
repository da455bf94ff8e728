import type { Outputs } from './outcome.ts';

/** A step's summary is dropped whole when it is longer; a little is left for steps of other actions. */
const SUMMARY_BYTES = 1_000_000;

/** One entry for each output, as the runner's file takes them. */
export const outputsText = (outputs: Outputs): string =>
  Object.entries(outputs)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => entry(name, String(value)))
    .join('');

/** The end is marked by what no value can know. */
const entry = (name: string, value: string): string => {
  const mark = `end_${crypto.randomUUID()}`;
  return `${name}<<${mark}\n${value}\n${mark}\n`;
};

/** The first that the runner takes whole; where none is short enough, that is said instead. */
export const summaryText = (candidates: readonly string[], limit = SUMMARY_BYTES): string => {
  if (candidates.length === 0) return '';
  const fitting = candidates.find((text) => Buffer.byteLength(text) <= limit);
  return `${fitting ?? '> [!WARNING]\n> This summary is longer than GitHub shows: all of it is in the files that the step wrote.'}\n`;
};
