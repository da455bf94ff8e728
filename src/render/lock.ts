import type { LockResult, LoginLock, PolicyLock } from '../model/lock.ts';
import { visible } from './escape.ts';
import { findingRows } from './findings.ts';
import { toJson } from './json.ts';
import { displayWidth, padEnd, painter, type Span, type Style, span, type Terminal, wrap } from './layout.ts';
import { plural } from './phrase.ts';

/** The result of `lock` or `unlock` as JSON. */
export const lockJson = (result: LockResult): string => toJson(result);

/**
 * The same for a terminal: what became of each target, of the policies, and what holds from now on. `policies`: the manifest has some,
 * which a lock took lines out of.
 */
export const lockText = (result: LockResult, terminal: Terminal, policies = false): string => {
  const paint = painter(terminal.colour);
  const parts = [
    ...result.targets.map((target) => ({ ...target, says: loginSays(target, result.command) })),
    ...(result.iam && result.iam.status !== 'skipped' ? [{ ...result.iam, name: 'iam', says: policiesSay(result.iam) }] : []),
  ];
  const told = result.iam?.status === 'skipped' ? result.iam.findings : [];
  const names = Math.max(0, ...parts.map(({ name }) => displayWidth(visible(name))));
  const rows: Span[][] = [
    ...parts.flatMap(({ name, status, says, findings }) => [
      ...wrap([span(visible(says), STYLES[status])], terminal.width - names - 3).map((row, index) => [
        ...(index === 0
          ? [span(`${SYMBOLS[status][terminal.unicode ? 0 : 1]} `, STYLES[status]), span(`${padEnd(visible(name), names)} `, 'strong')]
          : [span(' '.repeat(names + 3))]),
        ...row,
      ]),
      ...findings.flatMap(({ target: _, ...finding }) => indented(findingRows(finding, { ...terminal, width: terminal.width - 4 }))),
    ]),
    ...told.flatMap((finding) => findingRows(finding, terminal)),
    ...(result.iam?.removed ?? []).map(({ policy, principal, arn }) => [
      span(`    - ${visible(principal)}`, 'remove'),
      span(`  ${visible(arn)}  (${visible(policy)})`, 'dim'),
    ]),
    [],
    ...wrap([span(headline(result, policies), 'strong')], terminal.width),
  ];
  return rows.map((row) => `${paint(row).trimEnd()}\n`).join('');
};

type Status = LoginLock['status'] | PolicyLock['status'];

const STYLES: Readonly<Record<Status, Style>> = {
  done: 'add',
  unchanged: 'add',
  absent: 'dim',
  skipped: 'dim',
  partial: 'change',
  failed: 'remove',
};
const SYMBOLS: Readonly<Record<Status, readonly [unicode: string, ascii: string]>> = {
  done: ['✔', '+'],
  unchanged: ['✔', '='],
  absent: ['○', '-'],
  skipped: ['○', '-'],
  partial: ['●', '*'],
  failed: ['✗', 'x'],
};

const indented = (rows: readonly (readonly Span[])[]): Span[][] => rows.map((row) => [span('    '), ...row]);

const loginSays = ({ status, login, sessions, mark }: LoginLock, command: LockResult['command']): string => {
  if (status === 'failed') return 'nothing was done';
  if (login === null) return status === 'partial' ? 'what was done is not known' : 'no such role';
  const marked = mark?.locked ? `, marked locked=${mark.locked} of stack ${mark.stack}` : '';
  if (command === 'unlock')
    return `${login.after ? (login.before ? 'it may log in, as before' : 'it may log in again') : 'its login stays closed'}${marked}`;
  return `${login.before ? 'login closed' : 'login was closed already'}, ${sessionsSay(sessions)}${marked}`;
};

const sessionsSay = (sessions: LoginLock['sessions']): string => {
  if (sessions === null) return 'its sessions were not seen';
  if (sessions.before + sessions.after === 0) return 'no sessions';
  return `${plural(sessions.before, 'session')} before, ${sessions.after === 0 ? 'none' : sessions.after} now`;
};

const policiesSay = ({ status, removed }: PolicyLock): string => {
  if (removed.length > 0) return `${plural(removed.length, 'line')} taken out of policies${status === 'partial' ? ', not all' : ''}`;
  return status === 'unchanged' ? 'no policy of ours names the user' : 'no policy was changed';
};

const headline = ({ command, user, targets }: LockResult, policies: boolean): string => {
  const name = visible(user);
  const lost = targets.filter(({ status, login }) => status === 'partial' && login === null).length;
  if (lost > 0) return `Whether '${name}' is ${command}ed on ${plural(lost, 'target')} is not known: ${command} it once more.`;
  const of = targets.filter(({ login }) => login !== null);
  if (of.length === 0) return `Nothing was done: '${name}' was ${command}ed nowhere.`;
  if (command === 'unlock') return unlocked(name, of, policies);
  const open = targets.filter(({ status }) => status === 'failed').length;
  return open > 0
    ? `'${name}' may still log in on ${plural(open, 'target')}: mend what is named there, and lock it once more.`
    : of.some(({ mark }) => mark === null)
      ? 'Locked. Where it carries no mark no plan knows of it: an apply of what declares it open opens it again.'
      : 'Locked. Plans leave it so until: rolecall unlock';
};

const unlocked = (name: string, of: readonly LoginLock[], policies: boolean): string => {
  if (!of.some(({ login }) => login?.after)) return `'${name}' still cannot log in.`;
  if (of.every(({ status }) => status === 'unchanged')) return `Nothing was done: '${name}' was not locked.`;
  return `Unlocked.${policies ? ` Lines of policies that '${name}' had come back with the next rolecall apply.` : ''}`;
};
