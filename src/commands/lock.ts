import { lockUser, unlockUser } from '../engine/close-login.ts';
import type { ManifestOptions } from '../engine/session.ts';
import type { DatabaseEngine } from '../model/declared.ts';
import { EXIT, type ExitCode, failure } from '../model/finding.ts';
import { nameKey } from '../model/key.ts';
import type { LockResult } from '../model/lock.ts';
import { visible } from '../render/escape.ts';
import { lockJson, lockText } from '../render/lock.ts';
import type { Console } from './console.ts';
import { type DirectOptions, openTargets } from './direct.ts';
import { PRODUCTS } from './direct-server.ts';
import { inOptions } from './option-words.ts';
import { tell } from './tell.ts';

export type LockCommandOptions = ManifestOptions &
  DirectOptions & {
    readonly format: 'human' | 'json';
    readonly autoApprove: boolean;
    readonly reason?: string;
    readonly breakLock?: boolean;
  };

/** Closes a login now, on every target: one question, and no plan. */
export const lockCommand = async (user: string, options: LockCommandOptions, console: Console): Promise<ExitCode> => {
  checkUser(user);
  const { session, own } = await openTargets(options, console.now);
  tell(session.findings, console);
  await confirm(
    user,
    session.declareds.map(({ target: { name, engine } }) =>
      own ? nameKey(name) : `${nameKey(name)} (${PRODUCTS[engine as DatabaseEngine]})`,
    ),
    options,
    console,
  );
  const done = await lockUser(session, own, {
    user,
    date: console.now().toISOString().slice(0, 10),
    ...(options.reason ? { reason: options.reason } : {}),
    breakLock: options.breakLock ?? false,
    onHolder: (target, holder) => console.err(`${visible(target)}: ending the run of ${visible(holder)}\n`),
  });
  const result = own ? done.result : told(done.result);
  console.out(options.format === 'json' ? lockJson(result) : lockText(result, console.outTerminal));
  return done.exitCode;
};

/** Takes the lock off: nobody loses anything by that, and nothing is asked. */
export const unlockCommand = async (
  user: string,
  options: Omit<LockCommandOptions, 'autoApprove'>,
  console: Console,
): Promise<ExitCode> => {
  checkUser(user);
  const { session, own } = await openTargets(options, console.now);
  tell(session.findings, console);
  const { result: found, exitCode } = await unlockUser(session, own, user);
  const result = own ? found : told(found);
  console.out(options.format === 'json' ? lockJson(result) : lockText(result, console.outTerminal, session.account?.iam.mode === 'manage'));
  return exitCode;
};

/** What is said of a server that was named on the command line. */
const told = (result: LockResult): LockResult => ({
  ...result,
  targets: result.targets.map((one) => ({ ...one, findings: one.findings.map(inOptions) })),
  iam: result.iam && { ...result.iam, findings: result.iam.findings.map(inOptions) },
});

const checkUser = (user: string): void => {
  if (user === '' || user.includes('\0')) throw failure('lock/user', 'it is not said who shall be locked', { hint: 'rolecall lock USER' });
};

/** The name once more, since it may be the wrong one at three in the morning; with nobody to ask only --auto-approve will do. */
const confirm = async (user: string, targets: readonly string[], { autoApprove }: LockCommandOptions, console: Console): Promise<void> => {
  if (autoApprove) return;
  if (!console.interactive)
    throw failure(
      'lock/not-approved',
      'there is no terminal to confirm on',
      { hint: 'pass --auto-approve to lock without being asked' },
      EXIT.refused,
    );
  const where = targets.map(visible).join(', ');
  const answer = await console.ask(`'${visible(user)}' will not be let in on ${where}, and its sessions end.\nType its name to lock it: `);
  if (answer?.trim() !== user.trim()) throw failure('lock/not-approved', 'not confirmed; nothing was changed', {}, EXIT.refused);
};
