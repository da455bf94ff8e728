import { randomBytes } from 'node:crypto';
import type { QueryArrayConfig, QueryConfig } from 'pg';
import { parseComment } from '../../core/mark.ts';
import type { Declared } from '../../model/declared.ts';
import { Failure, failure } from '../../model/finding.ts';
import type { Step } from '../../model/plan.ts';
import { failedByFinding, notEffective } from '../failed.ts';
import { codeOf } from '../network.ts';
import type { Execution, Outcome } from '../provider.ts';
import { passwordOf } from '../secrets.ts';
import { endForStep, untilGone } from '../sessions.ts';
import { lockHint } from './blockers.ts';
import { AFTER_COMMIT, canary } from './canary.ts';
import { type Connected, connect, timeoutOptions } from './connect.ts';
import { inspectWithin } from './inspect.ts';
import { scramVerifier } from './scram.ts';
import type { Snapshot } from './snapshot.ts';
import { ident, literal } from './sql.ts';

/** Warnings that mean "nothing happened": GRANT and REVOKE report them beside a success. */
const FAILING_NOTICES = new Set(['01007', '01006', '01000']);

/** What planning again may cure: races with others, lost connections, a server that restarts. */
const RETRYABLE = /^(08|40001|40P01|55P03|57P0[123]|XX000|53300|ECONN|EPIPE|ETIMEDOUT)/;
const RACES = /^(pg_authid|pg_auth_members|pg_default_acl|pg_db_role_setting|pg_shdescription)/;
/** What somebody else may have changed since the reading: if it is no better after another one, it never is. */
const STALE = /^(01|2BP01|3F000|42501|42704|42710|42883|42P01)/;

const TIMEOUTS = { lockMs: 5_000, statementMs: 600_000, idleMs: 120_000 } as const;

/** What every transaction begins with. */
const prelude = ({ timeouts = {} }: Execution<Snapshot>): string => `BEGIN;
SET LOCAL lock_timeout = ${timeouts.lockMs ?? TIMEOUTS.lockMs};
SET LOCAL statement_timeout = ${timeouts.statementMs ?? TIMEOUTS.statementMs};
SET LOCAL idle_in_transaction_session_timeout = ${TIMEOUTS.idleMs};
SET LOCAL search_path = pg_catalog;
SET LOCAL client_min_messages = notice`;

/** Runs one transaction on a connection of its own: statements, reading back, COMMIT; or nothing at all. */
export const execute = async (execution: Execution<Snapshot>): Promise<Outcome> => {
  const progress: Progress = { step: null };
  let connected: Connected | undefined;
  try {
    connected = await open(execution);
    if (execution.transaction.autocommit) await runEach(execution, connected, progress);
    else await runTogether(execution, connected, progress);
    await canary(execution.steps, connected, () => open(execution));
    return { status: 'committed' };
  } catch (error) {
    if (connected && isLost(error)) await endSession(execution, connected);
    return failed(error, progress.step, connected && codeOf(error) === '55P03' ? await lockHint(connected) : HINTS[codeOf(error)]);
  } finally {
    await connected?.close();
  }
};

const open = ({ declared, transaction, timeouts }: Execution<Snapshot>): Promise<Connected> =>
  connect(declared.target, {
    as: 'apply',
    database: transaction.database,
    applicationName: `rolecall ${declared.stack}`.slice(0, 63),
    ...timeoutOptions({ ...TIMEOUTS, ...timeouts }),
  });

/** A reply that does not come in time is a connection that is lost. */
const send = ({ client, patienceMs }: Connected, sql: string) => client.query({ text: sql, query_timeout: patienceMs } as QueryConfig);

/** What node-postgres says of a connection that broke, or of a reply that did not come; none of it has a code. */
const LOST = /Connection terminated|not queryable|Client has encountered|Query read timeout/;
const isLost = (error: unknown): boolean =>
  error instanceof Error && (LOST.test(error.message) || /^(ECONN|EPIPE|ETIMEDOUT)/.test(codeOf(error)));

/** Of a session that no longer answers nobody knows whether it still holds locks: it is ended, or it has ended. */
const END_SESSION = `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
WHERE pid = $1 AND usename = session_user AND application_name = pg_catalog.current_setting('application_name')`;

const endSession = async (execution: Execution<Snapshot>, lost: Connected): Promise<void> => {
  const pid = (lost.client as unknown as { readonly processID: number | null }).processID;
  lost.client.connection.stream.destroy();
  if (pid === null) return;
  const other = await open(execution).catch(() => null);
  if (!other) return;
  try {
    await untilGone(async () => {
      const { rowCount } = await other.client.query({ text: END_SESSION, values: [pid], query_timeout: other.patienceMs } as QueryConfig);
      return rowCount === 0;
    });
  } catch {
    // The next attempt finds out.
  } finally {
    await other.close();
  }
};

type Progress = { step: Step | null };

/** Statements in one transaction. Where somebody else changes the same things, it is begun again and each statement holds its ground. */
const runTogether = async (execution: Execution<Snapshot>, connected: Connected, progress: Progress): Promise<void> => {
  try {
    await attempt(execution, connected, progress, runStep);
  } catch (error) {
    if (!isCollision(error)) throw error;
    await attempt(execution, connected, progress, holdGround);
  }
};

/** What the server says when a GRANT has waited for another's, who then commits (PostgreSQL 13 to 18). */
const isCollision = (error: unknown): boolean =>
  codeOf(error) === 'XX000' && error instanceof Error && /^tuple concurrently/.test(error.message);

const SAVE = 'SAVEPOINT rolecall';
const COLLISIONS = 50;

/** The same statement again, at once, when the other is just done: whoever waits a while meets the next one. */
const holdGround: Run = async (execution, connected, step, progress) => {
  await send(connected, SAVE);
  for (let left = COLLISIONS; ; left--) {
    try {
      await runStep(execution, connected, step, progress);
      break;
    } catch (error) {
      if (!isCollision(error) || left === 0) throw error;
      await send(connected, `ROLLBACK TO ${SAVE}`);
    }
  }
  await send(connected, `RELEASE ${SAVE}`);
};

type Run = (execution: Execution<Snapshot>, connected: Connected, step: Step, progress: Progress) => Promise<void>;

const attempt = async (execution: Execution<Snapshot>, connected: Connected, progress: Progress, run: Run): Promise<void> => {
  await send(connected, prelude(execution));
  try {
    const before = await underIam(connected);
    for (const step of execution.steps) await run(execution, connected, step, progress);
    progress.step = null;
    await readBack(execution, connected, before);
    await execution.lock.check();
    stopIfAsked(execution);
    await send(connected, 'COMMIT');
  } catch (error) {
    if (!isLost(error)) await send(connected, 'ROLLBACK').catch(() => {});
    throw error;
  }
};

/** Ends sessions, and asks again until nobody is left: before 14 the server does not wait for them. That one is gone meanwhile is no failure. */
const runEach = async (execution: Execution<Snapshot>, connected: Connected, progress: Progress): Promise<void> => {
  for (const step of execution.steps) {
    stopIfAsked(execution);
    progress.step = step;
    execution.onStep(step);
    await endForStep(step, async () => (await send(connected, step.sql)).rowCount ?? 0, execution.onEnded);
  }
};

const runStep = async (execution: Execution<Snapshot>, connected: Connected, step: Step, progress: Progress): Promise<void> => {
  const { client } = connected;
  stopIfAsked(execution);
  progress.step = step;
  execution.onStep(step);
  const warnings: Error[] = [];
  const listen = ({
    code = '',
    routine,
    message = '',
  }: {
    readonly code?: string | undefined;
    readonly routine?: string | undefined;
    readonly message?: string | undefined;
  }) => {
    if (FAILING_NOTICES.has(code)) warnings.push(new NothingHappened(message, code));
    // Nothing but a lost password is told of a rename; texts and severities come in the language of the server.
    if (routine === 'RenameRole') warnings.push(...passwordLost(execution, step, message));
  };
  client.on('notice', listen);
  try {
    const { rowCount } = await send(connected, await sqlOf(step, execution.declared));
    execution.onEnded?.(step, rowCount ?? 0);
  } finally {
    client.off('notice', listen);
  }
  if (warnings[0]) throw warnings[0];
};

/** An MD5 password is hashed with the name of its role, so a rename clears it: a lockout, unless this plan sets a new one. */
const passwordLost = ({ declared, snapshot }: Execution<Snapshot>, step: Step, message: string): Failure[] => {
  const role = [...declared.roles.values()].find(({ name }) => step.sql.endsWith(` RENAME TO ${ident(name)}`));
  if (role?.auth !== 'password') return [];
  const { mark } = parseComment(snapshot.roles.find(({ name }) => name === role.renamedFrom)?.comment ?? null);
  if (role.password && mark?.stack === declared.stack && role.passwordVersion > (mark.pw ?? 0)) return [];
  return [
    failure('apply/password-lost', `'${role.name}' would lose its password by the rename, and could not log in: ${message}`, {
      hint: 'declare it under its old name first; then rename it with a higher password_version',
    }),
  ];
};

/** A warning that means "nothing happened". */
class NothingHappened extends Error {
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

const stopIfAsked = ({ signal }: Execution<Snapshot>): void => {
  if (signal.aborted) throw failure('apply/interrupted', 'interrupted; the open transaction was rolled back');
};

/** Reads what the transaction would leave behind: what is not as planned, and who could no longer log in, keeps it from committing. */
const readBack = async (execution: Execution<Snapshot>, connected: Connected, before: ReadonlySet<string>): Promise<void> => {
  const left = execution.verify(await inspectWithin(connected, execution.declared, execution.snapshot, execution.transaction.database));
  if (left.length > 0) throw notEffective(left);
  const flipped = [...(await underIam(connected))].filter((login) => !before.has(login));
  if (flipped.length > 0)
    throw failure(
      'guard/admin-lockout',
      `'${flipped.join("', '")}' would become a member of rds_iam and could no longer log in with a password`,
    );
};

/** Logins of ours and masters that have the rights of rds_iam, as the server itself sees it. */
const UNDER_IAM = `SELECT r.rolname FROM pg_catalog.pg_roles r, pg_catalog.pg_roles iam
WHERE iam.rolname = 'rds_iam' AND NOT r.rolsuper AND pg_catalog.pg_has_role(r.oid, iam.oid, 'USAGE')
  AND (r.rolname = session_user OR EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles s ON s.oid = m.roleid WHERE m.member = r.oid AND s.rolname = 'rds_superuser'))`;

const underIam = async ({ client, patienceMs }: Connected): Promise<ReadonlySet<string>> => {
  const { rows } = await client.query({ text: UNDER_IAM, rowMode: 'array', query_timeout: patienceMs } as QueryArrayConfig);
  return new Set((rows as string[][]).map(([name]) => name!));
};

/** The statement with its secret: the reference that it ends with gives way to a verifier. */
const sqlOf = async (step: Step, declared: Declared): Promise<string> => {
  if (step.secret === undefined) return step.sql;
  if (!step.sql.endsWith(` ${step.secret}`)) throw new Error(`a statement does not end with its secret: ${step.sql}`);
  const password = await passwordOf(step.secret, declared);
  return step.sql.slice(0, -step.secret.length) + literal(scramVerifier(password, randomBytes(16)));
};

const HINTS: Readonly<Record<string, string>> = {
  '42501': 'give the login the right that the server names, or take the change out of the manifest',
  '57014': 'the statement took longer than it may, or somebody cancelled it: try again when the server is less busy',
};

const failed = (error: unknown, step: Step | null, hint: string | undefined): Outcome => {
  if (error instanceof Failure) {
    const committed = AFTER_COMMIT.has(error.findings[0]?.code ?? '') ? { committed: true as const } : {};
    return { ...failedByFinding(error, step), ...committed };
  }
  const sqlstate = codeOf(error);
  if (!(error instanceof Error) || (sqlstate === '' && !isLost(error))) throw error;
  const race = sqlstate === '23505' && RACES.test((error as Error & { constraint?: string }).constraint ?? '');
  const retry = isLost(error) || race || RETRYABLE.test(sqlstate);
  return {
    status: 'failed',
    step,
    message: isLost(error) ? `the connection was lost: ${error.message}` : error.message,
    ...(sqlstate ? { sqlstate } : {}),
    ...(hint === undefined ? {} : { hint }),
    ...(STALE.test(sqlstate) ? { retry: true, once: true } : { retry }),
  };
};
