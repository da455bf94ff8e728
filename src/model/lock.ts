import type { Finding } from './finding.ts';

export const LOCK_FORMAT = '1.0';

/**
 * What became of one login. `unchanged`: it was as asked; `absent`: there is no such role; `partial`: the login is as asked, and
 * something beside it is not; `failed`: nothing was done.
 */
export type LoginLock = {
  readonly status: 'done' | 'unchanged' | 'absent' | 'partial' | 'failed';
  /** Whether the role may log in; null where it was not read. */
  readonly login: { readonly before: boolean; readonly after: boolean } | null;
  /** Its sessions when it began, and when it was done; null where none were looked for. */
  readonly sessions: { readonly before: number; readonly after: number } | null;
  /** Whose mark the role carries, and the date of the lock in it; null: no mark. */
  readonly mark: { readonly stack: string; readonly locked: string | null } | null;
  readonly findings: readonly Finding[];
};

/** One line that was taken out of a policy of ours. */
export type WithdrawnLine = { readonly policy: string; readonly principal: string; readonly arn: string };

/** What became of the policies. `skipped`: none of them can be ours. */
export type PolicyLock = {
  readonly status: 'done' | 'unchanged' | 'skipped' | 'partial' | 'failed';
  readonly removed: readonly WithdrawnLine[];
  readonly findings: readonly Finding[];
};

/** What `lock` or `unlock` did, on every target that was chosen. */
export type LockResult = {
  readonly formatVersion: typeof LOCK_FORMAT;
  readonly command: 'lock' | 'unlock';
  readonly user: string;
  readonly reason: string | null;
  readonly targets: readonly (LoginLock & { readonly name: string })[];
  /** null: `unlock` leaves policies to the next apply. */
  readonly iam: PolicyLock | null;
};
