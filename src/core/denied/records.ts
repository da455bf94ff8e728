import type { LogEvent } from '../../model/denied.ts';
import { groupBy } from '../group.ts';
import { headOf, isHead, type Line, readingsOf, type Zone } from './lines.ts';

/** What a server wrote at once: a line, or several where a name in it holds line breaks. */
export type LogRecord = { readonly line: Line; readonly at: string | null; readonly stream: string };

/** Whom a line denies; undefined: it denies nobody. null: it does not name them. */
export type Denies = (line: Line) => { readonly user: string | null; readonly database: string | null } | null;

/** `place`: where it stood among all; `opens`: it is the first of a piece, and may go on with what was not delivered. */
type Physical = { readonly text: string; readonly at: string | null; readonly place: number; readonly opens: boolean };
/** From which line to which; `joined`: the names in it say that it reaches from there to here. */
type Held = LogRecord & { readonly from: number; readonly to: number; readonly joined: boolean; readonly place: number };

/** No login takes more; what statements bring into a log may. */
const LONGEST = 8192;
/** Names of a login, as bytes of a line: PostgreSQL cuts user and database at 63 each, MariaDB the user at 128 letters. */
const NAMES = { postgresql: 192, error: 640 } as const;

/**
 * The records of these pieces. PostgreSQL and MariaDB write what clients call themselves as it is, line breaks too: what follows one
 * may look like a line about somebody else. A line of PostgreSQL is held to its names, which stand in it twice.
 */
export const recordsOf = (events: readonly LogEvent[], zone: Zone, denies: Denies): readonly LogRecord[] => {
  let place = 0;
  const lines = events.flatMap(({ text, at, stream }) => {
    const pieces = text.split('\n');
    return pieces.map((piece, index) => ({
      text: piece.replace(/\r$/, '').slice(0, LONGEST),
      at,
      stream,
      place: place++,
      opens: index === 0 && pieces.length > 1,
    }));
  });
  return [...groupBy(lines, ({ stream }) => stream)]
    .flatMap(([stream, own]) => ofStream(folded(own), stream, zone, denies))
    .sort((a, b) => a.place - b.place);
};

/** PostgreSQL puts a tab behind the line breaks of its messages (elog.c, append_with_tabs). */
const folded = (lines: readonly Physical[]): readonly Physical[] => {
  const found: Physical[] = [];
  let more: string[] = [];
  const close = (): void => {
    const last = found.at(-1);
    if (last && more.length > 0) found[found.length - 1] = { ...last, text: [last.text, ...more].join('\n').slice(0, LONGEST) };
    more = [];
  };
  for (const line of lines) {
    if (line.text.startsWith('\t') && !line.opens) more.push(line.text.slice(1));
    else {
      close();
      found.push(line);
    }
  }
  close();
  return found;
};

const ofStream = (lines: readonly Physical[], stream: string, zone: Zone, denies: Denies): readonly Held[] => {
  const records: Held[] = [];
  let brokenAt = -1;
  const held = (from: number, to: number, line: Line, joined: boolean): Held => {
    const { at, place } = lines[from]!;
    return { line, at, stream, from, to, joined, place };
  };
  const textOf = (from: number, to: number): string =>
    lines
      .slice(from, to + 1)
      .map(({ text }) => text)
      .join('\n');
  /** What was taken for records and is a part of this one. */
  const put = (record: Held): number => {
    while (records.length > 0 && records.at(-1)!.to >= record.from) records.pop();
    records.push(record);
    brokenAt = -1;
    return record.to;
  };
  for (let at = 0; at < lines.length; at++) {
    const { text, opens } = lines[at]!;
    const readings = readingsOf(text, zone);
    const [first] = readings;
    const sure = certainOf(readings, denies);
    const back =
      sure === undefined && /FATAL: /.test(text) && !isSettled(first, denies) ? backFrom(lines, at, records, zone, denies) : undefined;
    if (back !== undefined) {
      at = put(held(back.from, at, back.line, true));
      at = again(lines, at, back, (to, line) => put(held(at + 1, to, line, true)), zone);
      continue;
    }
    if (first === undefined) {
      if (isHead(text)) brokenAt = at;
      // Nothing but a name's line break brings a line that is none behind one that is whole.
      else if (!opens && records.at(-1)?.to === at - 1 && !records.at(-1)!.joined && isEnd(text, records.at(-1)!.line.log)) records.pop();
      continue;
    }
    if (first.log === 'error' && denies(first) === null && /^Access denied for user '/.test(first.text)) {
      const end = closing(lines, at, zone, denies);
      if (end !== undefined) {
        at = put(held(at, end, readingsOf(textOf(at, end), zone)[0]!, true));
        continue;
      }
    }
    const within = brokenAt >= 0 && textOf(brokenAt, at - 1).length <= NAMES.postgresql;
    const line = sure ?? first;
    if (!within || denies(line) === null) records.push(held(at, at, line, false));
  }
  return records;
};

/** What a line looks like that a name begins. */
const isEnd = (text: string, log: Line['log']): boolean =>
  log === 'postgresql'
    ? /\b(?:LOG|ERROR|FATAL|DETAIL|HINT|STATEMENT): {1,2}/.test(text)
    : /'@'[^']*'(?: \(using password: |\. | to database |$)/.test(text);

/** A line whose prefix names nobody cannot be held to anything: it is what it says. */
const isSettled = (line: Line | undefined, denies: Denies): boolean =>
  line !== undefined && !line.head.includes('@') && denies(line) !== null;

/** The reading whose names stand in its prefix as in its message. */
const certainOf = (readings: readonly Line[], denies: Denies): Line | undefined =>
  readings.find((line) => {
    if (line.log !== 'postgresql' || !line.head.includes('@')) return false;
    const named = denies(line);
    return named !== null && (named.user !== null || named.database !== null) && headOf(line, named.user, named.database);
  });

type Back = { readonly from: number; readonly line: Line };

/** Where the record began of which this line is the end. */
const backFrom = (lines: readonly Physical[], at: number, records: readonly Held[], zone: Zone, denies: Denies): Back | undefined => {
  const before = records.findLast(({ joined }) => joined)?.to ?? -1;
  let text = lines[at]!.text;
  for (let from = at - 1, size = 0; from > before && size <= NAMES.postgresql; from--) {
    text = `${lines[from]!.text}\n${text}`;
    size += lines[from]!.text.length;
    if (!isHead(lines[from]!.text)) continue;
    const line = certainOf(readingsOf(text, zone), denies);
    if (line !== undefined) return { from, line };
  }
  return undefined;
};

/** DETAIL and what else follows begins with the same prefix, and so with the same line breaks. */
const again = (
  lines: readonly Physical[],
  at: number,
  { from, line }: Back,
  put: (to: number, line: Line) => number,
  zone: Zone,
): number => {
  const to = at + 1 + at - from;
  const text = lines
    .slice(at + 1, to + 1)
    .map((one) => one.text)
    .join('\n');
  const detail = text.startsWith(line.head) ? readingsOf(text, zone).find(({ head }) => head === line.head) : undefined;
  return detail === undefined ? at : put(to, detail);
};

/** The line that ends a name which this one begins: the last that can, of those that are no lines of their own. */
const closing = (lines: readonly Physical[], at: number, zone: Zone, denies: Denies): number | undefined => {
  let text = lines[at]!.text;
  let end: number | undefined;
  for (let to = at + 1; to < lines.length && text.length <= NAMES.error; to++) {
    if (end !== undefined && readingsOf(lines[to]!.text, zone).length > 0) return end;
    text = `${text}\n${lines[to]!.text}`;
    const [line] = readingsOf(text, zone);
    if (line !== undefined && denies(line) !== null) end = to;
  }
  return end;
};
