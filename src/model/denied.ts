/** Version of the shape of `DeniedReport`. */
export const DENIED_FORMAT = '1.0';

/** Where failed logins stand: `iam-db-auth-error` tells why RDS refused a token; the server's own log, called by its engine, tells of all. */
export type LogName = 'iam-db-auth-error' | 'postgresql' | 'error';

/** A piece of a log as it was delivered: one line or several. `at`: RFC 3339, by whoever delivered it. `stream`: the instance; lines of one follow one another. */
export type LogEvent = { readonly text: string; readonly at: string | null; readonly stream: string };

/** One login that was denied. Everything but `cause`, `message` and `hint` is what clients and servers wrote, without secrets. */
export type DeniedLogin = {
  /** RFC 3339; null: the log does not say, or in a time zone that only its machine knows. */
  readonly at: string | null;
  /** The time as it stands in the line. */
  readonly stamp: string;
  readonly user: string | null;
  /** Address or host name of the client. */
  readonly from: string | null;
  readonly database: string | null;
  /** ARN of the IAM identity that signed the token. */
  readonly principal: string | null;
  readonly cause: string;
  readonly message: string;
  readonly hint: string;
  /** The server's words. */
  readonly said: string;
  /** The logs that told of it. */
  readonly logs: readonly LogName[];
  readonly instance: string | null;
};

/** How many times something was seen. */
export type Count = { readonly name: string; readonly count: number };

/** A log that could not be read, or does not hold what was looked for. */
export type UnreadLog = { readonly log: LogName | null; readonly message: string; readonly hint?: string };

/** What the logs of one target tell; of `--from` those of a file. */
export type DeniedOfTarget = {
  readonly target: string;
  /** The last of them, newest last. */
  readonly denied: readonly DeniedLogin[];
  readonly total: number;
  readonly causes: readonly (Count & { readonly message: string; readonly hint: string })[];
  readonly users: readonly Count[];
  readonly read: readonly { readonly log: LogName; readonly by: 'cloudwatch' | 'rds' | 'file' }[];
  readonly unread: readonly UnreadLog[];
};

/** What `doctor --denied` found. `since`: RFC 3339; null: from the beginning. */
export type DeniedReport = {
  readonly formatVersion: typeof DENIED_FORMAT;
  readonly since: string | null;
  readonly user: string | null;
  readonly targets: readonly DeniedOfTarget[];
};
