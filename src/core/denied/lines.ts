import type { LogName } from '../../model/denied.ts';

/** One line of a log, taken apart; what the line does not say is null. `at`: RFC 3339. */
export type Line = {
  readonly log: LogName;
  readonly stamp: string;
  readonly at: string | null;
  readonly level: string;
  /** Lines of one session follow one another. */
  readonly process: string | null;
  readonly user: string | null;
  readonly from: string | null;
  readonly database: string | null;
  /** What stands before the level, of PostgreSQL. */
  readonly head: string;
  readonly text: string;
};

/** Where a time without a zone was written: RDS keeps its servers in UTC; of another machine it is not known. */
export type Zone = 'utc' | 'unknown';

/** The line as any of the logs would have it; null: it is of none, or goes on with another. */
export const lineOf = (text: string, zone: Zone): Line | null =>
  ofIam(text) ?? ofMysql(text) ?? ofMariadb(text, zone) ?? ofPostgresRds(text) ?? ofPostgres(text);

const NOTHING = { process: null, user: null, from: null, database: null, head: '' } as const;

/**
 * Every way to read a line, the likeliest first: names stand in the prefix as clients sent them, and one that looks like the end of it
 * does not make it end there.
 */
export const readingsOf = (text: string, zone: Zone): readonly Line[] => {
  const first = lineOf(text, zone);
  if (first !== null && first.log !== 'postgresql') return [first];
  return [...(first === null ? [] : [first]), ...splits(text)];
};

/** RDS User Guide, "Troubleshooting IAM database authentication": `2025-09-22T12:02:51,954 [ERROR] Failed to …`; RDS writes it in UTC. */
const ofIam = (line: string): Line | null => {
  const [, day, milliseconds, level, text] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)[,.](\d{3})Z? \[(\w+)\] (Failed to (?:authenticate|authorize) .*)$/s.exec(line) ?? [];
  if (text === undefined) return null;
  const stamp = `${day}.${milliseconds}Z`;
  return { ...NOTHING, log: 'iam-db-auth-error', stamp, at: stamp, level: level!, text };
};

/** MySQL manual, "Error Log Output Format": the zone is that of log_timestamps; 5.7 has neither code nor subsystem. */
const ofMysql = (line: string): Line | null => {
  const [, stamp, level, text] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) \d+ \[(\w+)\] (?:\[MY-\d+\] \[\w+\] )?(.*)$/s.exec(line) ?? [];
  return text === undefined ? null : { ...NOTHING, log: 'error', stamp: stamp!, at: millisecondsOf(stamp!), level: level!, text };
};

/** `2026-11-21  9:12:00 12 [Warning] …`: hours below ten have a space before them, and there is no zone. */
const ofMariadb = (line: string, zone: Zone): Line | null => {
  const [, day, time, level, text] = /^(\d{4}-\d\d-\d\d) +(\d{1,2}:\d\d:\d\d) \d+ \[(\w+)\] (.*)$/s.exec(line) ?? [];
  if (text === undefined) return null;
  const instant = `${day}T${time!.padStart(8, '0')}Z`;
  return { ...NOTHING, log: 'error', stamp: `${day} ${time}`, at: zone === 'utc' ? instant : null, level: level!, text };
};

const STAMP = String.raw`(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)`;
const LEVEL = '(DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|CONTEXT|STATEMENT)';

/** A line of PostgreSQL, as far as its time. */
const HEAD = new RegExp(`^${STAMP} (?:[A-Za-z]+|[+-]\\d+)(?![A-Za-z0-9])`);

/** Whether a line begins as those of PostgreSQL do, whatever becomes of it. */
export const isHead = (line: string): boolean => HEAD.test(line);

/**
 * The prefixes that RDS offers: `%t:%r:%u@%d:[%p]:`, and the same with `%m` and with more behind it. Names are as clients sent them,
 * and may look like anything: the first level ends the prefix, and the text behind it names the user once more.
 */
const RDS_PREFIX = new RegExp(`^(${STAMP} ([A-Za-z]+|[+-]\\d+):(.*?):\\[(\\d+)\\]:(?:.*?:)??)${LEVEL}: {1,2}(.*)$`, 's');
/** The same prefix, whole, with a name in it that looks like its end. */
const RDS_HEAD = new RegExp(`^(${STAMP} ([A-Za-z]+|[+-]\\d+):(.*):\\[(\\d+)\\]:(?:.*:)?)$`, 's');

const ofPostgresRds = (line: string): Line | null => {
  const [, head, time, zone, client, process, level, text] = RDS_PREFIX.exec(line) ?? [];
  return text === undefined ? null : rdsLine({ head: head!, time: time!, zone: zone!, client: client!, process: process! }, level!, text);
};

type RdsPrefix = { readonly [part in 'head' | 'time' | 'zone' | 'client' | 'process']: string };

const rdsLine = ({ head, time, zone, client, process }: RdsPrefix, level: string, text: string): Line => {
  const [, from, host, user, database] = /^(\[local\]|(.*?)\(\d+\))?:(.*)@([^@]*)$/s.exec(client) ?? [];
  const named = (name: string | undefined): string | null => (name === undefined || name === '' || name === '[unknown]' ? null : name);
  return {
    log: 'postgresql',
    ...postgresTime(time, zone),
    level,
    process,
    from: named(host ?? from),
    user: named(user),
    database: named(database),
    head,
    text,
  };
};

/** Every other prefix that begins with a time: the default, `%m [%p] `, that of Debian, which has `user@database` behind it, and others. */
const OTHER_PREFIX = new RegExp(`^(${STAMP} ([A-Za-z]+|[+-]\\d+)((?:[^A-Za-z].*?)?[^A-Za-z]))${LEVEL}: {1,2}(.*)$`, 's');
const OTHER_HEAD = new RegExp(`^(${STAMP} ([A-Za-z]+|[+-]\\d+)((?:[^A-Za-z].*)?[^A-Za-z]))$`, 's');

const ofPostgres = (line: string): Line | null => {
  const [, head, time, zone, middle, level, text] = OTHER_PREFIX.exec(line) ?? [];
  return text === undefined ? null : otherLine({ head: head!, time: time!, zone: zone!, middle: middle! }, level!, text);
};

type OtherPrefix = { readonly [part in 'head' | 'time' | 'zone' | 'middle']: string };

const otherLine = ({ head, time, zone, middle }: OtherPrefix, level: string, text: string): Line => {
  const [, user = null, database = null] = /(?:^|[\s:,])([^\s:,@]+(?:@[^\s:,@]+)*)@([^\s:,@[\]]+)/.exec(middle) ?? [];
  const process = /\[(\d+)\]/.exec(middle)?.[1] ?? null;
  return { log: 'postgresql', ...postgresTime(time, zone), level, process, from: null, user, database, head, text };
};

/** No prefix of a login is longer: twice 63 bytes of names, and what stands around them. */
const LONGEST_HEAD = 600;
const LEVELS = new RegExp(`(?<![A-Za-z])${LEVEL}: {1,2}`, 'g');

/** A line of PostgreSQL read at each level that stands in it. */
function* splits(line: string): Generator<Line> {
  if (!isHead(line)) return;
  for (const found of line.slice(0, LONGEST_HEAD).matchAll(LEVELS)) {
    const [before, level, text] = [line.slice(0, found.index), found[1]!, line.slice(found.index + found[0].length)];
    const [, head, time, zone, client, process] = RDS_HEAD.exec(before) ?? [];
    if (head !== undefined) yield rdsLine({ head, time: time!, zone: zone!, client: client!, process: process! }, level, text);
    const [, whole, stamp, place, middle] = head === undefined ? (OTHER_HEAD.exec(before) ?? []) : [];
    if (whole !== undefined) yield otherLine({ head: whole, time: stamp!, zone: place!, middle: middle! }, level, text);
  }
}

/** Whether the prefix of a line names these. Line breaks of messages have tabs behind them. */
export const headOf = ({ head, user, database }: Line, namedUser: string | null, namedDatabase: string | null): boolean => {
  const even = (name: string): string => name.replace(/\r?\n\t*/g, '\n');
  const same = (one: string | null, other: string): boolean => one !== null && even(one) === even(other);
  const rest = even(head.replace(/^.*?\[\d+\]\s?/s, ''));
  return (
    (namedUser === null || same(user, namedUser) || rest.startsWith(`${even(namedUser)}@`)) &&
    (namedDatabase === null || same(database, namedDatabase) || rest.trimEnd().endsWith(`@${even(namedDatabase)}`))
  );
};

/** Abbreviations of zones are not unique; UTC is, and offsets are. */
const postgresTime = (time: string, zone: string): Pick<Line, 'stamp' | 'at'> => {
  const stamp = `${time} ${zone}`;
  const [, sign, hours, minutes = '00'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  const offset = /^(UTC|GMT)$/.test(zone) ? 'Z' : sign === undefined ? null : `${sign}${hours}:${minutes}`;
  return { stamp, at: offset === null ? null : millisecondsOf(`${time.replace(' ', 'T')}${offset}`) };
};

const millisecondsOf = (instant: string): string => instant.replace(/(\.\d{3})\d+/, '$1');
