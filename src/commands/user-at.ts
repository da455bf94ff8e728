import { loginOf, type UserLogin } from '../engine/login.ts';
import type { ManifestOptions } from '../engine/session.ts';
import { failure } from '../model/finding.ts';
import { type DirectOptions, isDirect, openTargets, userOn } from './direct.ts';
import { withOptionWords } from './option-words.ts';

/** What `token` and `connect` are told: `user@target`, or both as options; or a user, and a server beside it. */
export type UserAtOptions = ManifestOptions & Omit<DirectOptions, 'database'> & { readonly as?: string };

/** ■ The login that is meant. `token`: by IAM alone. */
export const openLogin = async (
  at: string | undefined,
  options: UserAtOptions,
  clock: () => Date,
  { token = false }: { readonly token?: boolean } = {},
): Promise<UserLogin> => {
  const { user: named, ...rest } = options;
  const direct = isDirect(rest);
  const { user, target } = userAndTarget(at, named, direct, rest);
  const { session, own } = await openTargets({ ...rest, target }, clock, { user, token });
  return await withOptionWords(own, async () => await loginOf(session, { user, ...(options.as === undefined ? {} : { as: options.as }) }));
};

/** A name may hold an `@`; a target's may not be guessed from it: the last one counts. */
const userAndTarget = (
  at: string | undefined,
  named: string | undefined,
  direct: boolean,
  options: Omit<UserAtOptions, 'user'>,
): { readonly user: string; readonly target: readonly string[] } => {
  const { target } = options;
  if (at !== undefined && named !== undefined)
    throw failure('login/twice', `'${at}' and --user both say who logs in`, { hint: 'leave one of them out' });
  const who = at ?? named;
  const split = at?.lastIndexOf('@') ?? -1;
  const user = who && (direct ? userOn(who, options) : split < 0 ? who : who.slice(0, split));
  if (!user) throw failure('login/nobody', 'it is not said who logs in', { hint: 'write USER@TARGET, or --user USER --target TARGET' });
  return { user, target: direct || split < 0 ? target : [at!.slice(split + 1)] };
};
