import type { Declared } from '../../model/declared.ts';
import { Failure, failure } from '../../model/finding.ts';
import type { Step } from '../../model/plan.ts';
import { type Failed, failedByFinding, notEffective } from '../failed.ts';
import { messageOf } from '../network.ts';
import type { Execution, Outcome } from '../provider.ts';
import { passwordOf } from '../secrets.ts';
import { endForStep, untilGone } from '../sessions.ts';
import { type Connected, connect, timeoutOptions } from './connect.ts';
import { inspectOver } from './inspect.ts';
import { refusalOf } from './refusals.ts';
import type { Snapshot } from './snapshot.ts';
import { literal, withSecret } from './sql.ts';
import { isEnding } from './statements/sessions.ts';
import { errno, isLost } from './trouble.ts';
import { verifier } from './verifier.ts';

const TIMEOUTS = { lockMs: 5_000, statementMs: 600_000 } as const;

/** Runs statements one by one, each its own commit, while the run lock is ours; then reads what they left behind. */
export const execute = async (execution: Execution<Snapshot>): Promise<Outcome> => {
  const progress: Progress = { step: null, done: 0 };
  let connected: Connected | undefined;
  try {
    connected = await open(execution);
    const spell = await spelling(execution, connected);
    for (const step of execution.steps) await runStep(execution, connected, step, { progress, spell });
    progress.step = null;
    await readBack(execution, connected);
    return { status: 'committed' };
  } catch (error) {
    if (connected && isLost(error)) await endSession(execution, connected);
    return { ...(await failed(error, progress.step, execution.declared)), done: progress.done };
  } finally {
    await connected?.close();
  }
};

type Progress = { step: Step | null; done: number };

/** How a password is written into a statement. */
type Spell = (value: string) => string;

/** To MariaDB a password goes as its verifier, unless the server has rules that it holds passwords against: those want to see them. */
const spelling = async ({ steps }: Execution<Snapshot>, { flavour, ask }: Connected): Promise<Spell> => {
  if (flavour === 'mysql' || steps.every(({ secret }) => secret === undefined)) return literal;
  const rules = await ask(
    "SELECT PLUGIN_NAME FROM INFORMATION_SCHEMA.PLUGINS WHERE PLUGIN_TYPE = 'PASSWORD VALIDATION' AND PLUGIN_STATUS = 'ACTIVE'",
  );
  return rules.length > 0 ? literal : verifier;
};

const open = ({ declared, timeouts }: Execution<Snapshot>): Promise<Connected> =>
  connect(declared.target, { as: 'apply', programName: `rolecall ${declared.stack}`, ...timeoutOptions({ ...TIMEOUTS, ...timeouts }) });

const runStep = async (
  execution: Execution<Snapshot>,
  connected: Connected,
  step: Step,
  { progress, spell }: { readonly progress: Progress; readonly spell: Spell },
): Promise<void> => {
  if (execution.signal.aborted) throw failure('apply/interrupted', 'interrupted; what was done stays, and the rest was not begun');
  progress.step = step;
  await execution.lock.check();
  execution.onStep(step);
  if (isEnding(step.sql)) await endSessions(connected, step, execution);
  else await connected.ask(await sqlOf(step, execution.declared, spell));
  progress.done++;
};

const sqlOf = async ({ sql, secret }: Step, declared: Declared, spell: Spell): Promise<string> =>
  secret === undefined ? sql : withSecret(sql, secret, await passwordOf(secret, declared), spell);

const NO_SUCH_SESSION = 1094;

/** Runs what the statement answers with, and asks again until nobody is left. */
const endSessions = async ({ ask }: Connected, step: Step, { onEnded }: Execution<Snapshot>): Promise<void> => {
  const end = async () => {
    const rows = await ask(step.sql);
    for (const [kill] of rows) {
      await ask(String(kill)).catch((error: unknown) => {
        if (errno(error) !== NO_SUCH_SESSION) throw error;
      });
    }
    return rows.length;
  };
  await endForStep(step, end, onEnded);
};

/** What is not as planned once everything ran. */
const readBack = async ({ declared, verify }: Execution<Snapshot>, connected: Connected): Promise<void> => {
  const left = verify(await inspectOver(connected, declared));
  if (left.length > 0) throw notEffective(left);
};

/** Of a session that no longer answers nobody knows what it still does: it is ended, or it has ended, before anything is read. */
const endSession = async (execution: Execution<Snapshot>, lost: Connected): Promise<void> => {
  lost.connection.destroy();
  const other = await open(execution).catch(() => null);
  if (!other) return;
  const kill = execution.snapshot.server.rds ? `CALL mysql.rds_kill(${lost.id})` : `KILL ${lost.id}`;
  try {
    await untilGone(async () => {
      const there = await other.ask('SELECT ID FROM INFORMATION_SCHEMA.PROCESSLIST WHERE ID = ? AND USER = ?', [
        lost.id,
        lost.peer.address.user,
      ]);
      if (there.length > 0) await other.ask(kill).catch(() => {});
      return there.length === 0;
    });
  } catch {
    // The next attempt finds out.
  } finally {
    await other.close();
  }
};

const failed = async (error: unknown, step: Step | null, declared: Declared): Promise<Failed> => {
  if (error instanceof Failure) return failedByFinding(error, step);
  const number = errno(error);
  const lost = isLost(error);
  if (!lost && number === 0) throw withoutStatement(error);
  const said = await withoutSecret(messageOf(error), step, declared);
  if (lost) return { status: 'failed', step, message: `the connection was lost: ${said}`, ...stateOf(error), retry: true };
  const { hint, retry } = refusalOf(number);
  return {
    status: 'failed',
    step,
    message: `${said} (error ${number})`,
    ...stateOf(error),
    ...(hint === undefined ? {} : { hint }),
    ...(retry === 'stale' ? { retry: true, once: true } : { retry: retry === 'passing' }),
  };
};

const stateOf = (error: unknown): Pick<Failed, 'sqlstate'> => {
  const state = (error as { readonly sqlState?: unknown }).sqlState;
  return typeof state === 'string' ? { sqlstate: state } : {};
};

/** A server quotes what it does not understand, and the driver keeps the statement: neither shows a password. */
const withoutSecret = async (message: string, step: Step | null, declared: Declared): Promise<string> => {
  if (step?.secret === undefined) return message;
  const value = await passwordOf(step.secret, declared);
  // The server cuts what it quotes: any longer piece of the value counts.
  const shown = [literal(value), verifier(value), value].reduce((text, spelt) => text.replaceAll(spelt, step.secret!), message);
  return shown === message && /near /.test(message) ? `${message.split(' near ')[0]} near its password` : shown;
};

const withoutStatement = (error: unknown): unknown => {
  if (typeof error === 'object' && error !== null) for (const key of ['sql', 'sqlMessage']) delete (error as Record<string, unknown>)[key];
  return error;
};
