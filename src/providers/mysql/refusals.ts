/** What the server's refusal of a statement means, by its number: what to do about it, and whether planning again may cure it. */
export type Refusal = {
  readonly hint?: string;
  /** `passing`: by itself; `stale`: somebody else changed it since the reading, so that another reading decides. */
  readonly retry?: 'passing' | 'stale';
};

const RIGHT =
  'give the login the privilege that the server names, with the grant option where it grants, or take the change out of the manifest';
const WRITER = 'apply over the writer: a replica or a reader endpoint takes no changes';

const stale = (hint?: string): Refusal => ({ retry: 'stale', ...(hint === undefined ? {} : { hint }) });

const REFUSALS: Readonly<Record<number, Refusal>> = {
  // Rights. In the middle of a session 1045 is about a privilege, not about a password (GRANT on *.* beyond one's own).
  1044: { hint: RIGHT },
  1045: { hint: RIGHT },
  1095: { hint: 'let the login end sessions of others: CONNECTION_ADMIN, or CONNECTION ADMIN on MariaDB; on RDS mysql.rds_kill does it' },
  1142: { hint: RIGHT },
  1143: { hint: RIGHT },
  1227: { hint: RIGHT },
  1698: { hint: RIGHT },
  3628: { hint: 'the role is one of mandatory_roles: take it out of that variable first' },
  3879: { hint: RIGHT },
  // Servers that take no changes.
  1290: { hint: WRITER },
  1792: { hint: WRITER },
  1836: { hint: WRITER },
  // Races.
  1205: { retry: 'passing' },
  1213: { retry: 'passing' },
  3572: { retry: 'passing' },
  1317: { retry: 'passing', hint: 'somebody cancelled the statement, or it took longer than it may' },
  // Somebody else changed something since the reading.
  1008: stale(),
  1049: stale(),
  1054: stale(),
  1133: stale('the account is gone: plan again'),
  1141: stale(),
  1146: stale(),
  1147: stale(),
  1269: stale(),
  1305: stale(),
  1396: stale('the account came or went since the plan was made'),
  1403: stale(),
  1410: stale('the account is gone: plan again'),
  1959: stale(),
  1961: stale('the roles would be in one another: look at who is in which'),
  1962: stale(),
  3523: stale(),
  3530: stale(),
  4027: stale('the roles would be in one another: look at who is in which'),
  // What the server does not have, or does not allow.
  1524: { hint: 'AWSAuthenticationPlugin is there when IAM authentication is on: turn it on for the instance or cluster, and apply again' },
  1819: {
    hint: 'the password is too weak for the password validation of the server: give the user a stronger one (an account without a password, auth: none, needs validation to be off)',
  },
  3532: { hint: 'a role that is granted cannot be renamed: declare it under its old name' },
  3878: { hint: 'the account has no password that could be kept beside the new one: plan again' },
  4006: { hint: 'views, routines, triggers or events run as the account: give them another definer first' },
};

/** What is known of a number. */
export const refusalOf = (number: number): Refusal => REFUSALS[number] ?? {};
