import { EXIT, type ExitCode, failure } from '../model/finding.ts';
import { workflowText } from '../render/escape.ts';
import type { Console } from './console.ts';
import { tell } from './tell.ts';
import { openLogin, type UserAtOptions } from './user-at.ts';

/**
 * Prints a fresh token for a user, good for 15 minutes, and nothing else on stdout. In a GitHub Action it would stay in the log: there
 * it is printed only with `mask`, after the runner was told to hide it.
 */
export const tokenCommand = async (
  at: string | undefined,
  options: UserAtOptions & { readonly mask?: boolean },
  console: Console,
): Promise<ExitCode> => {
  const inAction = process.env.GITHUB_ACTIONS === 'true';
  if (inAction && !options.mask)
    throw failure(
      'token/action',
      'a token is not printed into the log of an action',
      { hint: 'pass --mask, or use rolecall connect' },
      EXIT.refused,
    );
  const { target, user, findings } = await openLogin(at, options, console.now, { token: true });
  tell(findings, console);
  const { token } = target.login;
  if (token === undefined)
    throw failure('token/password', `'${user}' logs in with a password on target '${target.name}': there are no tokens for it`, {
      hint: `rolecall connect ${user}@${target.name} logs in with the password`,
    });
  const value = await token(user);
  // Beside stdout, which is the token alone: runners read commands from both.
  if (inAction) console.err(`::add-mask::${workflowText(value)}\n`);
  console.out(`${value}\n`);
  return EXIT.ok;
};
