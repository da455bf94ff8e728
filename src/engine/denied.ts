import { wordsOf } from '../core/checks/words.ts';
import { deniedIn, isKnown, isTranslated } from '../core/denied/decode.ts';
import { summaryOf, type Wanted } from '../core/denied/report.ts';
import type { Declared, Target } from '../model/declared.ts';
import { DENIED_FORMAT, type DeniedLogin, type DeniedOfTarget, type DeniedReport, type LogName, type UnreadLog } from '../model/denied.ts';
import { Failure, isError } from '../model/finding.ts';
import type { Timeouts } from '../providers/provider.ts';
import { foundTargets } from './found.ts';
import { isInAws, regionOf } from './in-aws.ts';
import { providerOf, sideBySide } from './read.ts';
import type { Session } from './session.ts';

export type DeniedOptions = Omit<Wanted, 'since'> & { readonly since: number; readonly timeouts?: Timeouts };

/** ■ The last denied logins of each target, from its logs. What could not be read is told with its reason. Changes nothing. */
export const readDenied = async (session: Session, options: DeniedOptions): Promise<DeniedReport> => {
  const { declareds, lost } = await foundTargets(session);
  const settled = await sideBySide(declareds, async (declared) => await ofTarget(declared, options));
  const targets = settled.map((one, index) =>
    one.status === 'fulfilled' ? one.value : nothingOf(declareds[index]!.target.name, [unreadOf(null, one.reason)]),
  );
  return {
    formatVersion: DENIED_FORMAT,
    since: new Date(options.since).toISOString(),
    user: options.user,
    targets: [
      ...targets,
      ...lost.map(({ name, findings }) =>
        nothingOf(
          name,
          findings.filter(isError).map((finding) => unreadOf(null, new Failure([finding]))),
        ),
      ),
    ],
  };
};

const nothingOf = (target: string, unread: readonly UnreadLog[]): DeniedOfTarget => ({
  target,
  denied: [],
  total: 0,
  causes: [],
  users: [],
  read: [],
  unread,
});

const unreadOf = (log: LogName | null, reason: unknown): UnreadLog => {
  if (!(reason instanceof Failure)) throw reason;
  const { message, hint } = reason.findings[0]!;
  return { log, message: message.replace(/^target '[^']*': /, ''), ...(hint === undefined ? {} : { hint }) };
};

const ofTarget = async ({ target }: Declared, options: DeniedOptions): Promise<DeniedOfTarget> => {
  const region = regionOf(target);
  if (!isInAws(target) || region === undefined)
    return nothingOf(target.name, [
      {
        log: null,
        message: 'the server is none of RDS, as the manifest has it: its log is a file on its machine',
        hint: 'rolecall doctor --denied --from FILE',
      },
    ]);
  const { serverFacts } = await import('../providers/rds/facts.ts');
  const { readLog } = await import('../providers/rds/logs.ts');
  const server = await serverFacts(target, region);
  const own: LogName = target.engine === 'postgres' ? 'postgresql' : 'error';
  // A server that takes no tokens has none to refuse.
  const logs: readonly LogName[] = server.iam.on ? ['iam-db-auth-error', own] : [own];
  const settled = await Promise.allSettled(logs.map(async (log) => await readLog(target, server, log, options.since)));
  const denied: DeniedLogin[] = [];
  const read: DeniedOfTarget['read'][number][] = [];
  const unread: UnreadLog[] = [];
  for (const [index, log] of logs.entries()) {
    const one = settled[index]!;
    if (one.status === 'rejected') {
      unread.push(unreadOf(log, one.reason));
      continue;
    }
    const { by, events, part } = one.value;
    if (events.some(({ text }) => text.trim() !== '') && !isKnown(events, 'utc')) {
      unread.push({
        log,
        message: 'none of its lines has a form that is known',
        hint: 'PostgreSQL: log_line_prefix has to begin with %t or %m',
      });
      continue;
    }
    if (isTranslated(events, 'utc'))
      unread.push({ log, message: 'lines of it are not in English: who of them was denied is not known', hint: "set lc_messages = 'C'" });
    denied.push(...deniedIn(events, 'utc'));
    read.push({ log, by });
    if (part !== undefined) unread.push({ log, message: part, hint: 'ask for less: --since 10m' });
  }
  const silent = await whySilent(
    target,
    denied.some(({ logs: [log] }) => log === own),
    options.timeouts,
  );
  return {
    target: target.name,
    ...summaryOf(denied, options),
    read,
    unread: silent === null ? unread : [...unread, { log: own, ...silent }],
  };
};

/** A log without such lines says something only where the server writes them. */
const whySilent = async (target: Target, isTold: boolean, timeouts: Timeouts | undefined): Promise<Omit<UnreadLog, 'log'> | null> => {
  if (isTold) return null;
  const { logging } = await providerOf(target.engine, target.name);
  if (!logging) return null;
  const { product } = wordsOf(target.engine);
  try {
    const facts = await logging(target, timeouts);
    if (facts.logged) return null;
    return {
      message: `${product} does not log denied logins: ${facts.found}`,
      hint: `set ${facts.wanted}, in the parameter group`,
    };
  } catch (error) {
    const { message } = unreadOf(null, error);
    return {
      message: `there is no line about a denied login, and whether the server logs them could not be asked: ${message}`,
      hint: 'rolecall doctor --check login',
    };
  }
};
