import { accountName } from '../../model/account.ts';
import { Failure, type Finding } from '../../model/finding.ts';
import type { LoginLock } from '../../model/lock.ts';
import type { Mark } from '../../model/state.ts';
import {
  absent,
  closedStill,
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
import { messageOf } from '../network.ts';
import type { LockOrder, UnlockOrder } from '../provider.ts';
import { runHolder } from '../sessions.ts';
import { hasMarks } from './catalog.ts';
import { type Connected, connect, timeoutOptions } from './connect.ts';
import { endSession, endSessions, sessionsOf } from './end-sessions.ts';
import { FLAVOURS } from './flavour.ts';
import { runLockHolder } from './lock.ts';
import { accountSql } from './sql.ts';
import { attributeSql } from './statements/attributes.ts';
import { errno, isLost, readError } from './trouble.ts';
import { type Found, findAccounts, userNames } from './user-accounts.ts';

/**
 * Closes a login at once: ACCOUNT LOCK of every account of the user, each with its mark, then the sessions. It takes no run lock,
 * and waits for none; who holds it is named, since what that run planned before may open the login again.
 */
export const closeLogin = async (order: LockOrder): Promise<LoginLock> =>
  await within(order, async (connected, begin) => {
    const { user } = order;
    const accounts = await findAccounts(connected, order);
    if (accounts.length === 0) return await nobody(connected, user);
    const held = await heldBy(connected, order);
    const sessions = await sessionsOf(connected, user);
    const wanted = accounts.map((found) => ({
      found,
      login: false,
      mark: hasMarks(connected) ? lockedMark(found.mark, found.login, order) : null,
    }));
    begin();
    const left = await changeAll(connected, wanted);
    const ended = await endSessions(connected, user);
    const findings = [...held, ...left, ...markFindings(connected, user, wanted), ...(sessions ? ended.findings : [notSeen(user)])];
    const unchanged = sessions?.length === 0 && wanted.every(isAsItWas);
    return {
      status: left.length > 0 || sessions === null || ended.left > 0 ? 'partial' : unchanged ? 'unchanged' : 'done',
      login: { before: accounts.some(({ login }) => login), after: left.length > 0 },
      sessions: sessions && { before: sessions.length, after: ended.left },
      mark: markOf(wanted.map(({ mark }) => mark)),
      findings,
    };
  });

/** Takes the lock out of the marks, and unlocks the accounts as they were before it. What is marked and not locked stays as it is. */
export const reopenLogin = async (order: UnlockOrder): Promise<LoginLock> =>
  await within(order, async (connected, begin) => {
    const { user } = order;
    const accounts = await findAccounts(connected, order);
    if (accounts.length === 0) return await nobody(connected, user);
    const wanted = accounts.map((found) => ({ found, ...reopened(found, order) }));
    const before = accounts.some(({ login }) => login);
    if (wanted.every(isAsItWas) && wanted.every(({ why }) => why === null))
      return {
        status: 'unchanged',
        login: { before, after: before },
        sessions: null,
        mark: markOf(accounts.map(({ mark }) => mark)),
        findings: [notLocked(user, before)],
      };
    begin();
    const left = await changeAll(connected, wanted);
    const closed = wanted.flatMap(({ found, why }) => (why === null ? [] : [staysClosed(accountName(found), why)]));
    return {
      status: left.length > 0 ? 'partial' : 'done',
      login: { before, after: left.length === 0 ? wanted.some(({ login }) => login) : before },
      sessions: null,
      mark: markOf(wanted.map(({ mark }) => mark)),
      findings: [...left, ...closed],
    };
  });

type Wanted = { readonly found: Found; readonly login: boolean; readonly mark: Mark | null };

/** `why`: why it stays closed. */
const reopened = ({ mark, login, guarded }: Found, order: UnlockOrder): Omit<Wanted, 'found'> & { readonly why: string | null } => {
  if (login ? mark?.locked === undefined : mark !== null && mark.locked === undefined) return { login, mark, why: null };
  const stays = closedStill(mark, order) ?? (guarded ? null : 'it has no password: unlocked it lets everybody in');
  const open = login || stays === null;
  return { login: open, mark: unlockedMark(mark), why: open ? null : stays };
};

const isAsItWas = ({ found, login, mark }: Wanted): boolean => found.login === login && JSON.stringify(found.mark) === JSON.stringify(mark);

const markOf = (marks: readonly (Mark | null)[]): LoginLock['mark'] => toldMark(marks.find((one) => one !== null) ?? null);

/** Each account in one statement. What fails of one keeps nothing of the others; a Failure where nothing could be done. */
const changeAll = async (connected: Connected, wanted: readonly Wanted[]): Promise<readonly Finding[]> => {
  const errors: { readonly found: Found; readonly error: unknown }[] = [];
  for (const { found, login, mark } of wanted) {
    const locking = login === found.login ? '' : ` ACCOUNT ${login ? 'UNLOCK' : 'LOCK'}`;
    const clauses = `${locking}${attributeSql({ description: '', mark: found.mark }, { description: '', mark })}`;
    try {
      if (clauses !== '') await connected.ask(`ALTER USER ${accountSql(found)}${clauses}`);
    } catch (error) {
      if (isLost(error)) throw error;
      errors.push({ found, error });
    }
  }
  if (errors.length === wanted.length) throw errors[0]!.error;
  return errors.map(({ found, error }) => ({
    severity: 'error',
    code: 'lock/account',
    message: `the account ${accountSql(found)} is as it was: ${messageOf(error)}`,
    hint: 'the other accounts of the user are as asked',
  }));
};

type Work = (connected: Connected, begin: () => void) => Promise<LoginLock>;

/** The work tells when it begins to change something: what is lost after that may be done. */
const within = async ({ declared, user, timeouts }: UnlockOrder | LockOrder, work: Work): Promise<LoginLock> => {
  let begun = false;
  const connected = await connect(declared.target, {
    as: 'apply',
    programName: 'rolecall lock',
    lockTimeoutMs: 3_000,
    ...timeoutOptions(timeouts),
  });
  try {
    return await work(connected, () => {
      begun = true;
    });
  } catch (error) {
    if (begun && isLost(error)) return lostMidway(user, messageOf(error));
    throw explained(error, connected);
  } finally {
    await connected.close();
  }
};

const explained = (error: unknown, { peer }: Connected): unknown => {
  const { target } = peer;
  if (error instanceof Failure) return error;
  const said = messageOf(error);
  switch (errno(error)) {
    case 1205:
    case 3572:
      return notDone(
        target,
        'busy',
        `another session holds the accounts: ${said}`,
        'SHOW PROCESSLIST names who waits and works; --break-lock ends a run that holds the run lock',
      );
    case 1044:
    case 1227:
      return notDone(
        target,
        'not-permitted',
        said,
        `accounts are altered with CREATE USER ON *.* (those with SYSTEM_USER by their like alone): let '${peer.address.user}' have it`,
      );
    case 1290:
    case 1836:
      return notDone(target, 'reader', `the server only reads: ${said}`, 'name the writer: accounts are changed there');
    default:
      return readError(error, peer);
  }
};

const nobody = async (connected: Connected, user: string): Promise<LoginLock> =>
  absent(
    user,
    `there is no user '${user}'; names are exact, their case counts, and no host is named with them`,
    await userNames(connected),
  );

const heldBy = async (connected: Connected, order: LockOrder): Promise<readonly Finding[]> =>
  await runHolder(
    order,
    async () => await runLockHolder(connected),
    async (session) => await endSession(connected, session),
  );

const markFindings = (connected: Connected, user: string, wanted: readonly Wanted[]): readonly Finding[] => {
  if (!hasMarks(connected))
    return [
      {
        severity: 'warning',
        code: 'lock/no-mark',
        message: `${FLAVOURS[connected.flavour]} ${connected.versionText.replace(/-.*$/s, '')} keeps no marks: no plan knows of this lock, and an apply of a manifest that declares '${user}' open opens it again`,
        hint: `write enabled: false into its manifest: users: { ${user}: { enabled: false } }`,
      },
    ];
  const unmarked = wanted.some(({ mark }) => mark === null);
  const marked = wanted.find(({ found, mark }) => found.mark === null && mark !== null);
  return [...(unmarked ? [unknownToPlans(user)] : []), ...(marked ? [newlyMarked(user, marked.mark!)] : [])];
};

const notSeen = (user: string): Finding => ({
  severity: 'error',
  code: 'lock/sessions',
  message: `the sessions of '${user}' are not seen, and so none was ended: that needs the privilege PROCESS`,
  hint: `nobody can log in as '${user}' any more; have who holds PROCESS and CONNECTION_ADMIN end them`,
});
