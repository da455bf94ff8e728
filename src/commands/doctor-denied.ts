import { text } from 'node:stream/consumers';
import { deniedIn, isKnown, isTranslated } from '../core/denied/decode.ts';
import { summaryOf } from '../core/denied/report.ts';
import { readDenied } from '../engine/denied.ts';
import type { ManifestOptions } from '../engine/session.ts';
import { DENIED_FORMAT, type DeniedLogin, type DeniedReport, type LogEvent, type LogName, type UnreadLog } from '../model/denied.ts';
import { EXIT, type ExitCode, failure } from '../model/finding.ts';
import { distinct } from '../model/key.ts';
import { deniedJson, deniedText } from '../render/denied.ts';
import { visible } from '../render/escape.ts';
import type { Console } from './console.ts';
import { type DirectOptions, isDirect, openTargets, userOn } from './direct.ts';
import { inOptions } from './option-words.ts';
import { readInput } from './read-input.ts';
import { tell } from './tell.ts';

export type DeniedCommandOptions = ManifestOptions &
  DirectOptions & {
    readonly format: 'human' | 'json';
    readonly from?: string;
    /** `90s`, `30m`, `1h`, `2d`. */
    readonly since?: string;
    readonly limit: number;
    readonly check?: readonly string[];
    readonly as?: string;
    readonly save?: string;
    readonly explain?: string;
    readonly fixAdmin?: boolean;
  };

/** The last denied logins: a report, which finds none, some, or cannot be sure (exit 3). */
export const deniedCommand = async (at: string | undefined, options: DeniedCommandOptions, console: Console): Promise<ExitCode> => {
  refuseOthers(options);
  const report = options.from === undefined ? await fromLogs(at, options, console) : await fromFile(at, options.from, options, console);
  console.out(options.format === 'json' ? deniedJson(report) : deniedText(report, console.outTerminal));
  return report.targets.some(({ unread }) => unread.length > 0) ? EXIT.refused : EXIT.ok;
};

/** Options of doctor's other questions, and of where servers are when a file is asked. */
const refuseOthers = (options: DeniedCommandOptions): void => {
  const { check = [], as, save, explain, fixAdmin } = options;
  const others = { check: check.length > 0, as: as !== undefined, save: save !== undefined, explain: explain !== undefined };
  const other = Object.entries({ ...others, 'fix-admin': fixAdmin === true }).find(([, given]) => given)?.[0];
  if (other !== undefined) throw failure('doctor/option', `--denied and --${other} do not go together`, { hint: 'leave one of them out' });
  if (options.from !== undefined && (isDirect(options) || options.target.length > 0 || options.manifest.length > 0))
    throw failure('doctor/option', '--from reads a file, and a server or a manifest is named besides', { hint: 'leave one of them out' });
};

const fromLogs = async (at: string | undefined, options: DeniedCommandOptions, console: Console): Promise<DeniedReport> => {
  const since = beginOf(options.since ?? '1h', console);
  const { user, target } = asked(at, options);
  const { session, own } = await openTargets({ ...options, target }, console.now);
  tell(session.findings, console);
  const report = await readDenied(session, { since, user, limit: options.limit });
  return own ? report : { ...report, targets: report.targets.map((one) => ({ ...one, unread: one.unread.map(inOptions) })) };
};

/** TARGET, or USER@TARGET; of a server that the options name, USER. */
const asked = (
  at: string | undefined,
  options: DeniedCommandOptions,
): { readonly user: string | null; readonly target: readonly string[] } => {
  if (at === undefined) return { user: null, target: options.target };
  if (isDirect(options)) return { user: userOn(at, options), target: [] };
  const split = at.lastIndexOf('@');
  return { user: split < 0 ? null : at.slice(0, split), target: distinct([...options.target, at.slice(split + 1)]) };
};

/** Lines of any of the logs, wherever they come from. */
const fromFile = async (
  at: string | undefined,
  file: string,
  { since, limit }: DeniedCommandOptions,
  console: Console,
): Promise<DeniedReport> => {
  const from = since === undefined ? null : beginOf(since, console);
  const user = at === undefined ? null : at.replace(/@[^@]*$/, '');
  const events = [{ text: await logText(file), at: null, stream: '' }];
  const denied = deniedIn(events, 'unknown');
  const logs = [...new Set<LogName>(denied.flatMap(({ logs: told }) => told))];
  return {
    formatVersion: DENIED_FORMAT,
    since: from === null ? null : new Date(from).toISOString(),
    user,
    targets: [
      {
        target: file === '-' ? 'stdin' : file,
        ...summaryOf(denied, { since: from, user, limit }),
        read: logs.map((log) => ({ log, by: 'file' })),
        unread: unreadIn(events, denied),
      },
    ],
  };
};

/** A file without a denied login says something only where it would have one. */
const unreadIn = (events: readonly LogEvent[], denied: readonly DeniedLogin[]): readonly UnreadLog[] => {
  if (isTranslated(events, 'unknown')) return [TRANSLATED];
  if (denied.length > 0) return [];
  if (!isKnown(events, 'unknown'))
    return [
      {
        log: null,
        message: 'none of its lines is one of iam-db-auth-error, PostgreSQL, MySQL or MariaDB',
        hint: 'PostgreSQL: log_line_prefix has to begin with %t or %m',
      },
    ];
  if (!isKnown(events, 'unknown', 'error')) return [];
  return [
    {
      log: 'error',
      message: 'it has no line about a denied login, and it is not known whether the server writes any',
      hint: 'MySQL does at log_error_verbosity = 3 alone, MariaDB at log_warnings = 2: rolecall doctor --check denied-logged',
    },
  ];
};

const TRANSLATED: UnreadLog = {
  log: 'postgresql',
  message: 'lines of it are not in English, and which of them are denied logins is not known',
  hint: "set lc_messages = 'C'; what was logged before stays as it is",
};

const logText = async (file: string): Promise<string> => (file === '-' ? await text(process.stdin) : decoded(await readInput(file), file));

/** gzip (RFC 1952) begins with these, and what PowerShell redirects into a file with the other two. */
const [GZIP, UTF16] = [Buffer.from([0x1f, 0x8b]), Buffer.from([0xff, 0xfe])];

const decoded = (bytes: Buffer, file: string): string => {
  const begin = bytes.subarray(0, 2);
  if (begin.equals(GZIP))
    throw failure('doctor/unreadable', `'${visible(file)}' is compressed, expected lines of a log`, {
      hint: 'gunzip -c FILE | rolecall doctor --denied --from -',
    });
  return bytes.toString(begin.equals(UTF16) ? 'utf16le' : 'utf8').replace(/^\ufeff/, '');
};

/** No log is older than 1970. */
const beginOf = (since: string, console: Console): number => Math.max(0, console.now().getTime() - millisecondsOf(since));

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const millisecondsOf = (since: string): number => {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(since) ?? [];
  if (amount === undefined) throw failure('doctor/since', `'${since}' is no length of time`, { hint: 'write --since 90s, 30m, 1h or 2d' });
  return Number(amount) * UNITS[unit!]!;
};
