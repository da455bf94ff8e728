import { failure } from '../model/finding.ts';

/** Milliseconds since the epoch of a date (the end of that day, UTC) or an RFC 3339 instant; undefined for anything else. */
export const endOf = (until: string): number | undefined => {
  const date = /^(\d{4})-(\d{2})-(\d{2})$/.exec(until);
  const end = date ? (isDay(date) ? Date.UTC(+date[1]!, +date[2]! - 1, +date[3]! + 1) : undefined) : instantOf(until);
  return end === undefined ? undefined : Math.min(end, LATEST);
};

/** A later year has five digits, which no server reads: 9999-12-31 ends a millisecond early. */
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** Milliseconds since the epoch of an RFC 3339 instant; undefined for anything else. */
const instantOf = (text: string): number | undefined => {
  const found = /^(\d{4})-(\d{2})-(\d{2})[Tt ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/.exec(text);
  return found && isDay(found) ? Date.parse(text.toUpperCase().replace(' ', 'T')) : undefined;
};

/** RFC 3339 in UTC, without a fraction where there is none. */
export const instantText = (milliseconds: number): string => new Date(milliseconds).toISOString().replace('.000Z', 'Z');

/** Whether the calendar has that day: Date would turn 31 February into 3 March. */
const isDay = ([, year, month, day]: RegExpExecArray): boolean => {
  const date = new Date(Date.UTC(+year!, +month! - 1, +day!));
  return date.getUTCMonth() === +month! - 1 && date.getUTCDate() === +day!;
};

/** Milliseconds of the instant at which `until` is judged; it is no part of the manifest, and so not validated before. */
export const asOfOf = (asOf: string): number => {
  const instant = instantOf(asOf);
  if (instant === undefined) throw failure('manifest/as-of', `'${asOf}' is no RFC 3339 instant`, { hint: 'such as 2026-12-31T18:00:00Z' });
  return instant;
};
