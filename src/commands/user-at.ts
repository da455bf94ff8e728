import type { LoginOptions } from '../engine/login.ts';
import { failure } from '../model/finding.ts';

/** What `token` and `connect` are told: `user@target`, or both as options. */
export type UserAtOptions = Omit<LoginOptions, 'user'> & { readonly user?: string };

/** A name may hold an `@`; a target's may not be guessed from it: the last one counts. */
export const loginOptions = (at: string | undefined, options: UserAtOptions): LoginOptions => {
  if (at !== undefined && options.user !== undefined)
    throw failure('login/twice', `'${at}' and --user both say who logs in`, { hint: 'leave one of them out' });
  const split = at?.lastIndexOf('@') ?? -1;
  if (at === undefined || split < 0) {
    const user = at ?? options.user;
    if (!user) throw failure('login/nobody', 'it is not said who logs in', { hint: 'write USER@TARGET, or --user USER --target TARGET' });
    return { ...options, user };
  }
  return { ...options, user: at.slice(0, split), target: [at.slice(split + 1)] };
};
