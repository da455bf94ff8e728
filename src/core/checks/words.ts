import { quoted } from './check.ts';

/** Of whom a row speaks: `account` is SQL where an engine has accounts. */
type Whom = { readonly user: string; readonly account?: string | undefined };

/** What the same things are called by an engine. */
export type Words = {
  readonly product: string;
  /** What a user is called, and its name as SQL has it. */
  readonly role: string;
  readonly name: (user: string) => string;
  readonly open: string;
  readonly closed: string;
  readonly reopen: (whom: Whom) => string;
  /** What makes a server ask for tokens. */
  readonly iam: {
    /** Whoever logs in by token is … it. */
    readonly is: string;
    readonly missing: string;
    readonly add: (whom: Whom) => string;
    readonly remove: (whom: Whom) => string;
    readonly switchOn: string;
  };
  /** Of a password: that its time is over, and how it goes on. */
  readonly over: { readonly is: string; readonly renew: (whom: Whom) => string };
  readonly other: string;
  readonly maker: { readonly superuser: string; readonly word: string; readonly give: (whom: Whom) => string };
  readonly overAll: string;
  /** What it lacks over roles that it may not alter, and how a master gives it. */
  readonly lacks: string;
  readonly giveOver: (whom: Whom, roles: readonly string[]) => string;
};

const POSTGRES: Words = {
  product: 'PostgreSQL',
  role: 'role',
  name: quoted,
  open: 'LOGIN',
  closed: 'NOLOGIN',
  reopen: ({ user }) => `ALTER ROLE ${quoted(user)} LOGIN`,
  iam: {
    is: 'under rds_iam',
    missing: 'there is no role rds_iam',
    add: ({ user }) => `GRANT rds_iam TO ${quoted(user)}`,
    remove: ({ user }) => `REVOKE rds_iam FROM ${quoted(user)}, or from the group that it has it by`,
    switchOn: 'switch IAM authentication on: RDS makes the role',
  },
  over: {
    is: 'the time until which its password is good has passed (VALID UNTIL)',
    renew: ({ user }) =>
      `give the user a later 'until' in the manifest, or none, and apply; by hand: ALTER ROLE ${quoted(user)} VALID UNTIL 'infinity'`,
  },
  other: 'look for a pooler that maps users',
  maker: { superuser: 'a superuser', word: 'CREATEROLE', give: ({ user }) => `as an administrator: ALTER ROLE ${quoted(user)} CREATEROLE` },
  overAll: ' and ADMIN on every declared role that is there',
  lacks: 'ADMIN',
  giveOver: ({ user }, roles) =>
    `as a master: ${roles.map((role) => `GRANT ${quoted(role)} TO ${quoted(user)} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;`).join(' ')}`,
};

/** The account as SQL; where its host is not known, that of any. */
export const accountOf = ({ user, account }: Whom): string => account ?? `'${user}'@'%'`;

const MYSQL: Words = {
  product: 'MySQL',
  role: 'user',
  name: (user) => `'${user}'`,
  open: 'not locked',
  closed: 'ACCOUNT LOCK',
  reopen: (whom) => `ALTER USER ${accountOf(whom)} ACCOUNT UNLOCK`,
  iam: {
    is: 'identified with AWSAuthenticationPlugin',
    missing: 'the plugin AWSAuthenticationPlugin is not loaded',
    add: (whom) => `ALTER USER ${accountOf(whom)} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'`,
    // Without a plugin's name the account keeps this one, and the password would stand in mysql.user as it is.
    remove: (whom) => `ALTER USER ${accountOf(whom)} IDENTIFIED WITH caching_sha2_password BY a password`,
    switchOn: 'switch IAM authentication on: RDS loads the plugin',
  },
  over: {
    is: 'its password has expired',
    // EXPIRE NEVER stops the clock, and leaves the mark of a password that somebody let expire.
    renew: (whom) =>
      `put another into its variable or secret, and: rolecall apply --rotate ${whom.user}; by hand: ALTER USER ${accountOf(whom)} IDENTIFIED BY a password`,
  },
  other: 'look for an anonymous account of a closer host, or a proxy that maps users',
  maker: {
    superuser: 'an account with SUPER',
    word: 'CREATE USER',
    give: (whom) => `as an administrator: GRANT CREATE USER ON *.* TO ${accountOf(whom)}`,
  },
  overAll: '',
  lacks: 'SYSTEM_USER, which is wanted of whoever alters accounts that have it,',
  giveOver: (_whom, roles) => `as an administrator: take it from ${roles.join(', ')}, or leave them out of the manifest`,
};

const MARIADB: Words = {
  ...MYSQL,
  product: 'MariaDB',
  iam: {
    ...MYSQL.iam,
    add: (whom) => `ALTER USER ${accountOf(whom)} IDENTIFIED VIA AWSAuthenticationPlugin USING 'RDS'`,
    remove: (whom) => `ALTER USER ${accountOf(whom)} IDENTIFIED BY a password`,
  },
};

const WORDS: Readonly<Record<string, Words>> = { postgres: POSTGRES, mysql: MYSQL, mariadb: MARIADB };

/** The words of an engine; those of PostgreSQL for one that is not known. */
export const wordsOf = (engine: string): Words => WORDS[engine] ?? POSTGRES;
