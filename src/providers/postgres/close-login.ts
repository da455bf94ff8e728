import { parseComment, renderComment } from '../../core/mark.ts';
import { Failure, type Finding } from '../../model/finding.ts';
import { nameKey } from '../../model/key.ts';
import type { LoginLock } from '../../model/lock.ts';
import type { Mark } from '../../model/state.ts';
import {
  absent,
  closedStill,
  keptOut,
  lockedMark,
  lostMidway,
  newlyMarked,
  notDone,
  notLocked,
  staysClosed,
  toldMark,
  unknownToPlans,
  unlockedMark,
} from '../login-lock.ts';
import { codeOf, messageOf } from '../network.ts';
import type { LockOrder, UnlockOrder } from '../provider.ts';
import { runHolder } from '../sessions.ts';
import { ask } from './ask.ts';
import { lockHint } from './blockers.ts';
import { type Connected, connect, timeoutOptions } from './connect.ts';
import { endSessions } from './end-sessions.ts';
import { runLockHolder } from './lock.ts';
import { isProviderRole } from './scope.ts';
import { ident, literal } from './sql.ts';
import { isLost, readError } from './trouble.ts';

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
  await within(order, async (connected, begin) => {
    const { user } = order;
    const found = await find(connected, order);
    if (found === null) return await nobody(connected, user);
    const findings = [...(await heldBy(connected, order))];
    const mark = lockedMark(found.mark, found.login, order);
    begin();
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
      mark: toldMark(left.length > 0 ? found.mark : mark),
      findings,
    };
  });

/** Takes the lock out of the mark, and lets the role log in as before it. A role that is marked and not locked stays as it is. */
export const reopenLogin = async (order: UnlockOrder): Promise<LoginLock> =>
  await within(order, async (connected, begin) => {
    const { user } = order;
    const found = await find(connected, order);
    if (found === null) return await nobody(connected, user);
    const { mark } = found;
    const state = { sessions: null, mark: toldMark(mark) };
    if (mark !== null && mark.locked === undefined)
      return { ...state, status: 'unchanged', login: same(found.login), findings: [notLocked(user, found.login)] };
    if (mark === null && found.login) return { ...state, status: 'unchanged', login: same(true), findings: [notLocked(user, true)] };
    const stays = closedStill(mark, order);
    const login = found.login || stays === null;
    const after = unlockedMark(mark);
    begin();
    const left = await change(connected, order, found, { login, mark: after });
    return {
      status: left.length > 0 ? 'partial' : 'done',
      login: { before: found.login, after: login },
      sessions: null,
      mark: toldMark(left.length > 0 ? mark : after),
      findings: [...left, ...(login ? [] : [staysClosed(user, stays!)])],
    };
  });

const same = (login: boolean) => ({ before: login, after: login });

type Work = (connected: Connected, begin: () => void) => Promise<LoginLock>;

/** The work tells when it begins to change something: what is lost after that may be done. */
const within = async ({ declared, user, timeouts }: UnlockOrder | LockOrder, work: Work): Promise<LoginLock> => {
  const { target } = declared;
  let begun = false;
  const connected = await connect(target, {
    as: 'apply',
    database: target.maintenanceDatabase,
    applicationName: 'rolecall lock',
    lockTimeoutMs: 3_000,
    ...timeoutOptions(timeouts),
  });
  try {
    return await work(connected, () => {
      begun = true;
    });
  } catch (error) {
    if (begun && isLost(error)) return lostMidway(user, messageOf(error));
    throw await explained(error, connected, user);
  } finally {
    await connected.close();
  }
};

const explained = async (error: unknown, connected: Connected, user: string): Promise<unknown> => {
  const { target } = connected.peer;
  const said = error instanceof Error ? error.message : String(error);
  if (error instanceof Failure) return error;
  if (codeOf(error) === '55P03')
    return notDone(
      target,
      'busy',
      `another session is changing the role: ${said}`,
      `${await lockHint(connected)}; a run that holds the run lock ends with --break-lock`,
    );
  if (codeOf(error) === '42501')
    return notDone(
      target,
      'not-permitted',
      said,
      `have its administrator run: GRANT ${nameKey(user)} TO ${nameKey(connected.peer.address.user)} WITH ADMIN OPTION`,
    );
  if (codeOf(error) === '25006')
    return notDone(target, 'reader', `the server only reads: ${said}`, 'name the writer: roles are changed there');
  return readError(error, connected.peer);
};

/** As text: a name that is too long would be cut to the name of somebody else. */
const STATE = `
SELECT r.oid::text, r.rolcanlogin, r.rolsuper, r.rolname IN (session_user, current_user), pg_catalog.shobj_description(r.oid, 'pg_authid'),
       EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles s ON s.oid = m.roleid WHERE m.member = r.oid AND s.rolname = 'rds_superuser'),
       (SELECT pg_catalog.count(*)::integer FROM pg_catalog.pg_stat_activity a WHERE a.usesysid = r.oid AND a.pid <> pg_catalog.pg_backend_pid())
  FROM pg_catalog.pg_roles r WHERE r.rolname = $1::text`;

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
  if (kept !== null) throw keptOut(declared.target, user, kept);
  return { oid: String(oid), login: login === true, sessions: Number(sessions), ...parseComment(comment as string | null) };
};

const nobody = async (connected: Connected, user: string): Promise<LoginLock> => {
  const rows = await ask(connected, 'SELECT rolname FROM pg_catalog.pg_roles');
  const names = rows.map(([name]) => String(name));
  return absent(user, `there is no role '${user}'; names are exact, their case counts`, names);
};

const heldBy = async (connected: Connected, order: LockOrder): Promise<readonly Finding[]> =>
  await runHolder(
    order,
    async () => await runLockHolder(connected),
    async (session) => {
      await ask(connected, 'SELECT pg_catalog.pg_terminate_backend($1)', [session]);
      return null;
    },
  );

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

const markFindings = (user: string, { mark }: Found, after: Mark | null): readonly Finding[] =>
  after === null ? [unknownToPlans(user)] : mark === null ? [newlyMarked(user, after)] : [];
