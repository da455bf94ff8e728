import { setTimeout as delay } from 'node:timers/promises';
import { parseComment, renderComment } from '../../core/mark.ts';
import { nearest } from '../../core/nearest.ts';
import { EXIT, Failure, type Finding, failure } from '../../model/finding.ts';
import { nameKey } from '../../model/key.ts';
import type { LoginLock } from '../../model/lock.ts';
import type { Mark } from '../../model/state.ts';
import { codeOf } from '../network.ts';
import type { LockOrder, UnlockOrder } from '../provider.ts';
import { ask } from './ask.ts';
import { lockHint } from './blockers.ts';
import { type Connected, connect, timeoutOptions } from './connect.ts';
import { ENDING, endSessions } from './end-sessions.ts';
import { runLockHolder } from './lock.ts';
import { isProviderRole } from './scope.ts';
import { ident, literal } from './sql.ts';
import { readError } from './trouble.ts';

/** What is known of a role before anything is done to it. */
type Found = {
  readonly oid: string;
  readonly login: boolean;
  readonly description: string;
  readonly mark: Mark | null;
  readonly sessions: number;
};

/**
 * Closes a login at once: NOLOGIN and the lock in its mark together, then its sessions. It takes no run lock, and waits for none;
 * who holds it is named, since what that run planned before may open the login again.
 */
export const closeLogin = async (order: LockOrder): Promise<LoginLock> =>
  await within(order, async (connected) => {
    const { user, stack, date, reason } = order;
    const found = await find(connected, order);
    if (found === null) return await absent(connected, user);
    const findings = [...(await runHolder(connected, order))];
    const held = found.mark ?? (stack === null ? null : { stack });
    const mark: Mark | null =
      held?.locked !== undefined || held === null
        ? held
        : { ...held, locked: date, ...(reason === undefined ? {} : { reason }), ...(found.login ? {} : { wasClosed: true as const }) };
    const left = await change(connected, order, found, { login: false, mark });
    findings.push(...left, ...markFindings(user, found, mark));
    const ended = await endSessions(connected, user, found.oid);
    findings.push(...ended.findings);
    const sessions = { before: found.sessions, after: ended.left };
    const unchanged = !found.login && found.sessions === 0 && JSON.stringify(found.mark) === JSON.stringify(mark);
    return {
      status: left.length > 0 || ended.left > 0 ? 'partial' : unchanged ? 'unchanged' : 'done',
      login: { before: found.login, after: false },
      sessions,
      mark: markOf(left.length > 0 ? found.mark : mark),
      findings,
    };
  });

/** Takes the lock out of the mark, and lets the role log in as before it. A role that is marked and not locked stays as it is. */
export const reopenLogin = async (order: UnlockOrder): Promise<LoginLock> =>
  await within(order, async (connected) => {
    const { user, closed } = order;
    const found = await find(connected, order);
    if (found === null) return await absent(connected, user);
    const { mark } = found;
    const state = { sessions: null, mark: markOf(mark) };
    if (mark !== null && mark.locked === undefined)
      return { ...state, status: 'unchanged', login: same(found.login), findings: [notLocked(user, found.login)] };
    if (mark === null && found.login) return { ...state, status: 'unchanged', login: same(true), findings: [notLocked(user, true)] };
    const stays = closed(mark?.stack ?? null) ?? (mark?.wasClosed ? 'it was closed before it was locked' : null);
    const login = found.login || stays === null;
    const { locked: _, reason: __, wasClosed: ___, ...rest } = mark ?? { stack: '' };
    const after = mark === null ? null : rest;
    const left = await change(connected, order, found, { login, mark: after });
    return {
      status: left.length > 0 ? 'partial' : 'done',
      login: { before: found.login, after: login },
      sessions: null,
      mark: markOf(left.length > 0 ? mark : after),
      findings: [...left, ...(login ? [] : [staysClosed(user, stays!)])],
    };
  });

const markOf = (mark: Mark | null): LoginLock['mark'] => (mark === null ? null : { stack: mark.stack, locked: mark.locked ?? null });
const same = (login: boolean) => ({ before: login, after: login });

const within = async <T>({ declared, user, timeouts }: UnlockOrder | LockOrder, work: (connected: Connected) => Promise<T>): Promise<T> => {
  const { target } = declared;
  const connected = await connect(target, {
    as: 'apply',
    database: target.maintenanceDatabase,
    applicationName: 'rolecall lock',
    lockTimeoutMs: 3_000,
    ...timeoutOptions(timeouts),
  });
  try {
    return await work(connected);
  } catch (error) {
    throw await explained(error, connected, user);
  } finally {
    await connected.close();
  }
};

const explained = async (error: unknown, connected: Connected, user: string): Promise<unknown> => {
  const { target } = connected.peer;
  const refused = (slug: string, message: string, hint: string) =>
    failure(`lock/${slug}`, `target '${target.name}': ${message}`, { hint, target: target.name });
  const said = error instanceof Error ? error.message : String(error);
  if (error instanceof Failure) return error;
  if (codeOf(error) === '55P03')
    return refused(
      'busy',
      `another session is changing the role: ${said}`,
      `${await lockHint(connected)}; a run that holds the run lock ends with --break-lock`,
    );
  if (codeOf(error) === '42501')
    return refused(
      'not-permitted',
      said,
      `have its administrator run: GRANT ${nameKey(user)} TO ${nameKey(connected.peer.address.user)} WITH ADMIN OPTION`,
    );
  if (codeOf(error) === '25006') return refused('reader', `the server only reads: ${said}`, 'name the writer: roles are changed there');
  return readError(error, connected.peer);
};

const STATE = `
SELECT r.oid::text, r.rolcanlogin, r.rolsuper, r.rolname IN (session_user, current_user), pg_catalog.shobj_description(r.oid, 'pg_authid'),
       EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles s ON s.oid = m.roleid WHERE m.member = r.oid AND s.rolname = 'rds_superuser'),
       (SELECT pg_catalog.count(*)::integer FROM pg_catalog.pg_stat_activity a WHERE a.usesysid = r.oid AND a.pid <> pg_catalog.pg_backend_pid())
  FROM pg_catalog.pg_roles r WHERE r.rolname = $1`;

/** null: there is no such role. Throws for a role that is not to be locked, whoever asks. */
const find = async (connected: Connected, { user, declared }: Pick<LockOrder, 'user' | 'declared'>): Promise<Found | null> => {
  const [row] = await ask(connected, STATE, [user]);
  if (!row) return null;
  const [oid, login, superuser, own, comment, master, sessions] = row;
  const kept =
    own === true
      ? "it is Rolecall's own login here"
      : superuser === true
        ? 'it is a superuser'
        : master === true
          ? 'it is a master (a member of rds_superuser)'
          : isProviderRole(user)
            ? 'it is a role of the provider'
            : null;
  if (kept !== null)
    throw failure(
      'lock/refused',
      `target '${declared.target.name}': '${user}' is not locked or unlocked: ${kept}`,
      { target: declared.target.name },
      EXIT.refused,
    );
  return { oid: String(oid), login: login === true, sessions: Number(sessions), ...parseComment(comment as string | null) };
};

const absent = async (connected: Connected, user: string): Promise<LoginLock> => {
  const rows = await ask(connected, 'SELECT rolname FROM pg_catalog.pg_roles');
  const meant = nearest(
    user,
    rows.map(([name]) => String(name)),
  );
  return {
    status: 'absent',
    login: null,
    sessions: null,
    mark: null,
    findings: [
      {
        severity: 'note',
        code: 'lock/no-role',
        message: `there is no role '${user}'; names are exact, their case counts`,
        ...(meant === undefined ? {} : { hint: `did you mean '${meant}'?` }),
      },
    ],
  };
};

/** Names the run that holds the lock, and ends it where that is asked for. */
const runHolder = async (connected: Connected, { breakLock, onHolder, user }: LockOrder): Promise<readonly Finding[]> => {
  const holder = await runLockHolder(connected);
  if (holder === null) return [];
  if (!breakLock)
    return [
      {
        severity: 'warning',
        code: 'lock/run',
        message: `a run is going on: ${holder.named}; what it planned before may open '${user}' again`,
        hint: 'lock once more when it is done, or end it: --break-lock',
      },
    ];
  onHolder(holder.named);
  await ask(connected, 'SELECT pg_catalog.pg_terminate_backend($1)', [holder.pid]);
  for (let left = ENDING.attempts; left > 0 && (await runLockHolder(connected))?.pid === holder.pid; left--) await delay(ENDING.pauseMs);
  return [{ severity: 'warning', code: 'lock/run-ended', message: `the run that held the run lock was ended: ${holder.named}` }];
};

/** Login and mark in one transaction; where the comment may not be written the login is closed all the same. */
const change = async (
  connected: Connected,
  { user }: Pick<LockOrder, 'user'>,
  found: Found,
  after: { readonly login: boolean; readonly mark: Mark | null },
): Promise<readonly Finding[]> => {
  const comment = renderComment(found.description, after.mark);
  const commented = comment !== renderComment(found.description, found.mark);
  const login = after.login === found.login ? [] : [`ALTER ROLE ${ident(user)} WITH ${after.login ? 'LOGIN' : 'NOLOGIN'}`];
  if (login.length === 0 && !commented) return [];
  for (let attempt = 1; ; attempt++) {
    try {
      for (const sql of ['BEGIN', ...login, 'SAVEPOINT commented']) await ask(connected, sql);
      const left = commented ? await written(connected, user, comment) : [];
      await ask(connected, 'COMMIT');
      return left;
    } catch (error) {
      await ask(connected, 'ROLLBACK').catch(() => []);
      // Somebody else altered the role at the same time (PostgreSQL 13 to 18 say XX000 for it).
      if (codeOf(error) !== 'XX000' || attempt === RACES) throw error;
    }
  }
};
const RACES = 20;

const written = async (connected: Connected, user: string, comment: string | null): Promise<readonly Finding[]> => {
  try {
    await ask(connected, `COMMENT ON ROLE ${ident(user)} IS ${comment === null ? 'NULL' : literal(comment)}`);
    return [];
  } catch (error) {
    if (codeOf(error) !== '42501') throw error;
    await ask(connected, 'ROLLBACK TO SAVEPOINT commented');
    return [
      {
        severity: 'error',
        code: 'lock/mark',
        message: `the mark of '${user}' could not be written: ${(error as Error).message}`,
        hint: 'the login is as asked; a plan does not know of it',
      },
    ];
  }
};

const markFindings = (user: string, { mark }: Found, after: Mark | null): readonly Finding[] => {
  if (after === null)
    return [
      {
        severity: 'warning',
        code: 'lock/no-mark',
        message: `'${user}' carries no mark, and no manifest here declares it: no plan knows of this lock`,
        hint: 'whoever declares it opens it again: tell them, or lock it with their manifest',
      },
    ];
  if (mark !== null) return [];
  return [
    { severity: 'note', code: 'lock/marked', message: `'${user}' now carries the mark of stack '${after.stack}', which declares it` },
  ];
};

const notLocked = (user: string, login: boolean): Finding => ({
  severity: 'note',
  code: 'lock/not-locked',
  message: `'${user}' is not locked: ${login ? 'it may log in' : 'its login is closed by something else'}, and stays as it is`,
  ...(login ? {} : { hint: 'enabled, until and removed of the manifest close a login too: rolecall plan' }),
});

const staysClosed = (user: string, why: string): Finding => ({
  severity: 'note',
  code: 'lock/stays-closed',
  message: `the lock is off, and '${user}' still may not log in: ${why}`,
});
