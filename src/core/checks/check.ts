import type { Checked, Evidence, Read } from '../../model/checkup.ts';

/** What one check says of evidence that was read: what was found, and what to do about it where it is not good. */
export type Verdict = { readonly status: Checked['status']; readonly message: string; readonly hint?: string };

/** The parts of the evidence. */
export type Part = Exclude<keyof Evidence, 'target'>;

/** One precondition: what it needs to be read, whether it applies to a target at all, and what it says. */
export type Check = {
  readonly name: string;
  /** For those who list them. */
  readonly about: string;
  readonly needs: readonly Part[];
  /** Read as well where it fails: what to do about it is said better then. */
  readonly also?: readonly Part[];
  /** That it cannot be read is what it looks for. */
  readonly orFailed?: true;
  readonly applies: (evidence: Pick<Evidence, 'target'>) => boolean;
  readonly judge: (evidence: Evidence) => Verdict;
};

export const passed = (message: string): Verdict => ({ status: 'passed', message });
export const failed = (message: string, hint: string): Verdict => ({ status: 'failed', message, hint });

/** The value of a part that is there: `judge` is asked only then. */
export const the = <T>(part: Read<T> | undefined): T => (part as { readonly value: T }).value;

type Given = Pick<Evidence, 'target'>;

/** To which targets a check applies. */
export const always = (): boolean => true;
export const inAws = ({ target }: Given): boolean => target.inAws;
export const tokens = ({ target }: Given): boolean => target.tokens;
export const tokensInAws = ({ target }: Given): boolean => target.inAws && target.tokens;
export const awsOrTokens = ({ target }: Given): boolean => target.inAws || target.tokens;
export const byToken = ({ target }: Given): boolean => target.by === 'iam';
export const byPassword = ({ target }: Given): boolean => target.by === 'password';
export const withTls = ({ target }: Given): boolean => target.endpoint !== null && target.endpoint.tls !== 'disable';
/** MySQL and MariaDB pick an account by where a login comes from, and a login needs no database. */
export const withAccounts = ({ target }: Given): boolean => target.engine !== 'postgres';
export const withDatabases = ({ target }: Given): boolean => target.engine === 'postgres';

/** Signatures are good for five minutes: a clock is wrong long before. */
export const SKEW_MS = 60_000;

/** The first few reasons, in brackets. */
export const why = (reasons: readonly string[]): string => (reasons.length === 0 ? '' : ` (${reasons.slice(0, 3).join('; ')})`);
/** A name as SQL takes it. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Milliseconds since 1970 of an RFC 3339 instant. */
export const instantOf = (text: string): number => Date.parse(text);

const DAY_MS = 86_400_000;
/** RDS renews the certificates of its servers by itself; their authorities it does not. */
const SOON_DAYS = 30;

/** Whether a day is still far enough away. */
export const judgeDate = (until: string, now: number, message: string, hint: string): Verdict => {
  const days = Math.floor((instantOf(until) - now) / DAY_MS);
  if (days < 0) return failed(`expired: ${message}`, hint);
  return days < SOON_DAYS ? failed(`it ends in ${days} days: ${message}`, hint) : passed(message);
};
