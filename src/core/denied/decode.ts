import type { DeniedLogin, LogEvent } from '../../model/denied.ts';
import { type Meaning, meaningOf } from '../signatures.ts';
import { type Line, lineOf, type Zone } from './lines.ts';
import { recordsOf } from './records.ts';
import { withoutSecrets } from './secrets.ts';

/** The logins that these pieces of logs tell of, in their order. Lines of one stream follow one another; others may stand between them. */
export const deniedIn = (events: readonly LogEvent[], zone: Zone): readonly DeniedLogin[] => {
  const found: Found[] = [];
  const sessions = new Map<string, Session>();
  for (const { line, at, stream } of recordsOf(events, zone, denialOf)) {
    const key = `${stream}\0${line.process}`;
    const session = sessions.get(key) ?? {};
    const denial = denialOf(line);
    if (denial !== null) {
      const from = line.from ?? denial.from ?? session.from ?? null;
      found.push({ line: { ...line, at: line.at ?? at, from }, denial, stream });
      sessions.set(key, { last: found.length - 1 });
    } else if (session.last !== undefined && line.level === 'DETAIL') {
      const { denial: before, ...rest } = found[session.last]!;
      found[session.last] = { ...rest, denial: { ...before, ...detailed(line.text, before) } };
    } else {
      const host = /^connection received: host=(\S+)/.exec(line.text)?.[1];
      if (host !== undefined) sessions.set(key, { from: host });
    }
  }
  return found.map(toldOf);
};

/** No login takes more; what statements bring into a log may. */
const LONGEST = 8192;

/** Whether any line of these pieces is one of a log that is known, or of this one, whatever it tells. */
export const isKnown = (events: readonly LogEvent[], zone: Zone, log?: Line['log']): boolean =>
  events.some(({ text }) =>
    text.split(/\r?\n/).some((one) => {
      const line = lineOf(one.slice(0, LONGEST), zone);
      return line !== null && (log === undefined || line.log === log);
    }),
  );

/** Whether PostgreSQL ends logins with words that are no English: names stand in quotes, and may be of any script. */
export const isTranslated = (events: readonly LogEvent[], zone: Zone): boolean =>
  events.some(({ text }) =>
    text.split(/\r?\n/).some((one) => {
      const line = /FATAL: /.test(one) ? lineOf(one.slice(0, LONGEST), zone) : null;
      return line?.log === 'postgresql' && denialOf(line) === null && /[^\0-\x7f]/.test(line.text.replaceAll(/"[^"]*"?/g, ''));
    }),
  );

type Found = { readonly line: Line; readonly denial: Denial; readonly stream: string };
/** What lines of one process said before: where it came from, and the login that the next DETAIL is about. */
type Session = { readonly from?: string; readonly last?: number };

type Denial = {
  readonly user: string | null;
  readonly from: string | null;
  readonly database: string | null;
  readonly principal: string | null;
  readonly meaning: Pick<Meaning, 'cause' | 'message' | 'hint'>;
};

/** Stands for a name where a text is looked up: what a client called itself decides nothing. */
const NAME = '…';

/** At which levels; the log of IAM knows more than one. */
const LEVELS: Readonly<Partial<Record<Line['log'], readonly string[]>>> = { postgresql: ['FATAL'], error: ['Note', 'Warning'] };

/** Who was denied, and why; null: the line tells of something else. */
const denialOf = ({ log, level, text }: Line): Denial | null => {
  if (LEVELS[log]?.includes(level) === false) return null;
  for (const shape of SHAPES[log]) {
    const found = shape.exec(text);
    if (found === null) continue;
    const { user = null, from = null, database = null } = found.groups ?? {};
    const meaning = meaningOf(masked(found)) ?? UNKNOWN;
    const principal = log === 'iam-db-auth-error' ? (/arn:aws[\w-]*:(?:iam|sts)::\d*:[^\s'"]+/.exec(masked(found))?.[0] ?? null) : null;
    return { user, from, database, principal, meaning: named(meaning, user ?? database) };
  }
  return null;
};

const UNKNOWN: Denial['meaning'] = {
  cause: 'other',
  message: 'the server refused it, for a reason that is not known here',
  hint: 'its own words say which; rolecall doctor USER@TARGET looks for the cause',
};

const named = (meaning: Denial['meaning'], name: string | null): Denial['meaning'] => ({
  ...meaning,
  message: name === null ? meaning.message : meaning.message.replaceAll(`'${NAME}'`, () => `'${name}'`),
});

/** The text with every name in it blotted out. */
const masked = (found: RegExpExecArray): string => {
  const places = Object.values(found.indices?.groups ?? {}).filter((place) => place !== undefined);
  return places.sort(([a], [b]) => b - a).reduce((text, [start, end]) => `${text.slice(0, start)}${NAME}${text.slice(end)}`, found[0]);
};

/**
 * What a denied login looks like, whole: a name that looks like such a line does not become one. Names reach as far as they can.
 * Sources: PostgreSQL (auth.c, postinit.c, miscinit.c), MySQL and MariaDB (errmsg), the RDS User Guide.
 */
const SHAPES: Readonly<Record<Line['log'], readonly RegExp[]>> = {
  'iam-db-auth-error': [
    /^Failed to (?:authenticate|authorize) the connection request for user ['`"]?(?<user>.*?)['`"]? (?:because|due to) .*\(Status Code: ?\d+, ?Error Code: ?\w+\)\s*$/ds,
  ],
  postgresql: [
    /^no pg_hba\.conf entry for (?:replication connection from )?host "(?<from>[^"]*)", user "(?<user>.*)", database "(?<database>.*)", .*$/ds,
    /^no pg_hba\.conf entry for (?:replication connection from )?host "(?<from>[^"]*)", user "(?<user>.*)", .*$/ds,
    /^pg_hba\.conf rejects (?:replication )?connection (?:from |for )?host "(?<from>[^"]*)", user "(?<user>.*)", database "(?<database>.*)", .*$/ds,
    /^pg_hba\.conf rejects (?:replication )?connection (?:from |for )?host "(?<from>[^"]*)", user "(?<user>.*)", .*$/ds,
    /^[\w ()-]+ authentication failed for user "(?<user>.*)"(?:: .*)?$/ds,
    /^role "(?<user>.*)" (?:does not exist|is not permitted to log in)$/ds,
    /^database "(?<database>.*)" (?:does not exist|is not currently accepting connections)$/ds,
    /^permission denied for database "(?<database>.*)"$/ds,
    /^too many connections for role "(?<user>.*)"$/ds,
    /^too many connections for database "(?<database>.*)"$/ds,
    /^(?:remaining connection slots are reserved .*|sorry, too many clients already)$/ds,
  ],
  error: [
    /^Access denied for user '(?<user>.*)'@'(?<from>[^']*)' \(using password: (?:YES|NO)\)\s*$/ds,
    /^Access denied for user '(?<user>.*)'@'(?<from>[^']*)'\. Account is locked\.\s*$/ds,
    /^Access denied for user '(?<user>.*)'@'(?<from>[^']*)' to database '(?<database>.*)'\s*$/ds,
    /^Access denied for user '(?<user>.*)'@'(?<from>[^']*)'\s*$/ds,
  ],
};

/** PostgreSQL tells its log why a password was refused, and the client not. */
const detailed = (detail: string, { user, meaning }: Denial): Partial<Denial> => {
  if (meaning.cause !== 'no-iam-user') return {};
  if (/^Role ".*" does not exist\.(?:\n.*)?$/s.test(detail)) return { meaning: named(meaningOf(`role "${NAME}" does not exist`)!, user) };
  const found = DETAILS.find(([shape]) => shape.test(detail));
  return found ? { meaning: { cause: 'password', message: found[1], hint: found[2] } } : {};
};

const DETAILS: readonly (readonly [shape: RegExp, message: string, hint: string])[] = [
  [
    /^User ".*" has an expired password\.(?:\n.*)?$/s,
    'the time until which its password is good has passed (VALID UNTIL)',
    "give the user a later 'until' in the manifest, or none, and apply",
  ],
  [
    /^User ".*" has no password assigned\.(?:\n.*)?$/s,
    'it has no password, and is not under rds_iam',
    'with a token: GRANT rds_iam TO the user; else declare it with auth: password',
  ],
  [
    /^Password does not match for user ".*"\.(?:\n.*)?$/s,
    'its password is wrong, and it is not under rds_iam',
    'with a token: GRANT rds_iam TO the user; else set the password again with a new password_version',
  ],
];

const toldOf = ({ line, denial, stream }: Found): DeniedLogin => {
  const clean = (text: string | null): string | null => (text === null ? null : withoutSecrets(text));
  const { meaning, principal } = denial;
  return {
    at: line.at,
    stamp: line.stamp,
    user: clean(denial.user ?? line.user),
    from: clean(line.from),
    database: clean(denial.database ?? line.database),
    principal: clean(principal),
    cause: meaning.cause,
    message: withoutSecrets(meaning.message),
    hint: meaning.hint,
    said: withoutSecrets(line.text.trimEnd()),
    logs: [line.log],
    instance: stream === '' ? null : stream,
  };
};
