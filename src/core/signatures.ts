import { withoutSecrets } from './denied/secrets.ts';

/** What a line of a client or of a server's log means. `line` counts from 1. Nothing of the line itself is repeated but names. */
export type Meaning = { readonly line: number; readonly cause: string; readonly message: string; readonly hint: string };

type Signature = {
  readonly cause: string;
  readonly pattern: RegExp;
  readonly message: (found: RegExpExecArray) => string;
  readonly hint: string;
};

const says = (message: string) => (): string => message;
const named =
  (before: string, after = '') =>
  (found: RegExpExecArray): string =>
    `${before}'${found[1] ?? '?'}'${after}`;

/**
 * Lines of the log iam-db-auth-error decide, and come first; then what servers and drivers say, from what tells much to what tells
 * little. Sources: the RDS User Guide ("Troubleshooting IAM database authentication"), PostgreSQL and MySQL themselves.
 */
const SIGNATURES: readonly Signature[] = [
  {
    cause: 'token',
    pattern: /Error Code:\s*InvalidToken|token is malformed or otherwise invalid/i,
    message: says('the token is malformed: cut off, signed for another endpoint, port, region or user, or by a wrong clock'),
    hint: 'make a new one with rolecall token, pass it as a password field (at least 2 KB) and never in a URL; check the clock',
  },
  {
    cause: 'token-age',
    pattern: /Error Code:\s*ExpiredToken|token age is longer than 15 minutes/i,
    message: says('the token is older than 15 minutes'),
    hint: 'make a fresh one for each connection: a pool that keeps it as its password connects for a quarter of an hour',
  },
  {
    cause: 'policy',
    pattern: /Error Code:\s*NotAuthorized|is not authorized to perform rds-db:connect/i,
    message: ({ input }) => {
      const arn = /arn:aws[\w-]*:(?:iam|sts)::\d*:[^\s'"]+/.exec(input)?.[0];
      return `no policy lets ${arn === undefined ? 'the identity' : `'${arn}'`} log in`;
    },
    hint: 'rolecall doctor USER@TARGET --as role/NAME says which ARN is missing; declare it under principals, and apply',
  },
  {
    cause: 'throttling',
    pattern: /Error Code:\s*ThrottlingException|IAM DB authentication throttling/i,
    message: says('too many logins by token at once'),
    hint: 'keep below 200 new connections a second: use a pool, or RDS Proxy',
  },
  {
    cause: 'aws',
    pattern: /Error Code:\s*InternalError|internal IAM DB authentication error/i,
    message: says('AWS itself failed, or the instance has too little memory for it'),
    hint: 'try again; if it stays, choose a larger class, then ask AWS support',
  },
  {
    cause: 'clock',
    pattern: /Signature (?:expired: |not yet current)|RequestTimeTooSkewed|RequestExpired/,
    message: says("this machine's clock is wrong: AWS takes no signature of another time"),
    hint: 'set the clock (NTP); tokens are refused as well',
  },
  {
    cause: 'credentials',
    pattern:
      /security token included in the request is (?:expired|invalid)|Unable to locate credentials|Could not load credentials|SSO session .*(?:expired|invalid)|Token is expired\. To refresh this SSO session/i,
    message: says('AWS does not know who is asking: there are no credentials, or they are no longer good'),
    hint: 'get new ones: aws sso login, or whatever issued them; aws sts get-caller-identity says whose they are',
  },
  {
    cause: 'not-assumed',
    pattern: /is not authorized to perform: sts:AssumeRole\w* on resource: (\S+)/,
    message: named('', ' does not trust who is asking, or that one may not assume it'),
    hint: "aws sts get-caller-identity says who asks: let the role's trust policy name it",
  },
  {
    cause: 'pam',
    pattern: /PAM authentication failed for user "([^"]*)"/,
    message: named('the server wanted a token of ', ' and took none: what it got is a password, or a token that is refused'),
    hint: 'rolecall doctor USER@TARGET finds which; the log iam-db-auth-error has the reason',
  },
  {
    cause: 'kerberos',
    pattern: /(?:GSSAPI|SSPI) authentication failed for user "([^"]*)"|Unknown authenticationOk message type [789]\b/,
    message: (found) => `the server wanted a Kerberos ticket${found[1] === undefined ? '' : ` of '${found[1]}'`}`,
    hint: 'a member of rds_ad logs in with a ticket alone: REVOKE rds_ad FROM the user, or from the group that it has it by',
  },
  {
    cause: 'tls',
    pattern: /(?:no pg_hba\.conf entry for|pg_hba\.conf rejects) .*(?:no encryption|SSL off)/,
    message: says('the connection was not encrypted, and the server admits no other'),
    hint: "sslmode=verify-full; where a 'PAM authentication failed' stands before it, that is the cause, and this the second attempt",
  },
  {
    cause: 'not-admitted',
    pattern: /no pg_hba\.conf entry for|pg_hba\.conf rejects/,
    message: says('the server admits no such connection'),
    hint: 'check user, database and the address that it comes from',
  },
  {
    cause: 'no-iam-user',
    pattern: /password authentication failed for user "([^"]*)"/,
    message: named('the server looked at a password: ', ' is not under rds_iam, or does not exist in this case'),
    hint: 'with a token: GRANT rds_iam TO the user; with a password: it is wrong',
  },
  {
    cause: 'authentication',
    pattern: /([\w()-]+) authentication failed for user "[^"]*"/,
    message: (found) => `what the server asks for by '${found[1]}' was not given`,
    hint: 'pg_hba.conf says which way of authentication it wants from where',
  },
  {
    cause: 'no-login',
    pattern: /role "([^"]*)" is not permitted to log in/,
    message: named('the login of ', ' is closed'),
    hint: 'rolecall plan says what closed it: a lock, enabled, until or removed',
  },
  {
    cause: 'no-user',
    pattern: /role "([^"]*)" does not exist/,
    message: named('there is no role '),
    hint: 'names are told apart by case; declare it, and apply',
  },
  {
    cause: 'limit',
    pattern: /too many connections for (?:role|database) "([^"]*)"|remaining connection slots are reserved|sorry, too many clients already/,
    message: (found) => (found[1] === undefined ? 'the server is full' : `all connections of '${found[1]}' are open`),
    hint: 'end idle sessions, or raise the limit',
  },
  {
    cause: 'limit',
    pattern:
      /User '?([^' ]*)'? (?:already has more than 'max_user_connections'|has exceeded the 'max_\w+' resource)|ERROR 1040\b|Too many connections/,
    message: (found) =>
      found[1] === undefined ? 'the server is full' : `'${found[1]}' has used up its connections, or what it may do in an hour`,
    hint: 'end idle sessions, or raise the limit',
  },
  {
    cause: 'no-database',
    pattern: /database "([^"]*)" does not exist|Unknown database '([^']*)'/,
    message: (found) => `there is no database '${found[1] ?? found[2]}'`,
    hint: 'correct its name',
  },
  {
    cause: 'no-connect',
    pattern: /permission denied for database (?:"([^"]*)"|([^\s",]+))/,
    message: (found) => `logged in, and it may not connect to '${found[1] ?? found[2]}'`,
    hint: 'GRANT CONNECT ON DATABASE … TO the user; the login itself is fine',
  },
  {
    cause: 'no-connect',
    pattern: /Access denied for user '[^']*'@'[^']*' to database /,
    message: says('logged in, and it has no right on the database that was asked for'),
    hint: 'grant it something there; the login itself is fine',
  },
  {
    cause: 'permission',
    pattern: /(\w[\w ]*) command denied to user '([^']*)'|you need \(at least one of\) the (.+?) privilege/,
    message: ([, command, user, needed]) =>
      command === undefined ? `logged in, and it lacks ${needed}` : `logged in, and '${user}' has no ${command.toUpperCase()} there`,
    hint: 'rolecall who and rolecall why say who may, and by which grant; the login itself is fine',
  },
  {
    cause: 'permission',
    pattern:
      /permission denied for ((?:materialized )?view|(?:foreign )?table|sequence|schema|function|procedure|routine|type|language|large object) "?([^\s",]+)/,
    message: ([, kind, name]) => `logged in, and it lacks a privilege on ${kind} '${name}'`,
    hint: 'rolecall who and rolecall why say who may, and by which grant; the login itself is fine',
  },
  {
    cause: 'certificate',
    pattern:
      /certificate verif(?:y failed|ication failure)|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(?:GET_ISSUER_CERT|VERIFY_LEAF)\w*|self.signed certificate|certificate signature failure|CERT_SIGNATURE_FAILURE|unable to (?:get (?:local )?issuer certificate|verify the first certificate)|root certificate file "[^"]*" does not exist/i,
    message: says('the certificate is signed by nobody who is trusted here'),
    hint: "sslrootcert=global-bundle.pem for servers of RDS; 'ca: rds' in the manifest; none for RDS Proxy",
  },
  {
    cause: 'certificate',
    pattern:
      /server certificate for "[^"]*" .*does not match host name "([^"]*)"|ERR_TLS_CERT_ALTNAME_INVALID|Hostname\/IP does not match certificate/i,
    message: (found) => `the certificate is not for ${found[1] === undefined ? 'this name' : `'${found[1]}'`}`,
    hint: "connect to the endpoint's own name; through a tunnel: endpoint.via, or hostaddr of libpq",
  },
  {
    cause: 'network',
    pattern:
      /(?:connection|operation) timed out|timeout expired|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|No route to host|Network is unreachable|Can't connect to (?:MySQL )?server on '.*' \((?:101|110|113|115|60|10060)\b/i,
    message: says('no answer: something drops what is sent'),
    hint: 'security group, network ACL, route, or a server that is not public: rolecall doctor --check reachable',
  },
  {
    cause: 'network',
    pattern: /ECONNREFUSED|connection refused|Can't connect to (?:MySQL )?server on '.*' \((?:111|61|10061)\b/i,
    message: says('nothing listens there'),
    hint: 'correct host and port, or start the server or the tunnel',
  },
  {
    cause: 'network',
    pattern: /ENOTFOUND|EAI_AGAIN|could not translate host name|Name or service not known|Unknown (?:MySQL )?server host/i,
    message: says('the host name is not known'),
    hint: 'check name servers, VPN and private DNS',
  },
  {
    cause: 'cleartext',
    pattern: /MYSQL_CLEAR_PASSWORD_NOT_ENABLED|mysql_clear_password['"]? cannot be loaded|ER_CLEAR_PASSWORD_WITHOUT_SSL/i,
    message: says('the client does not send tokens: the clear-text plugin is not enabled'),
    hint: '--enable-cleartext-plugin, over verified TLS only',
  },
  {
    cause: 'iam-off',
    pattern: /ERROR 1524|Plugin '?AWSAuthenticationPlugin'? is not loaded/i,
    message: says('IAM authentication of the server is off'),
    hint: 'aws rds modify-db-cluster --enable-iam-database-authentication --apply-immediately',
  },
  {
    cause: 'no-login',
    pattern: /ERROR (?:3118|3955|4151)\b|Account is (?:locked|blocked)/i,
    message: says('the account is locked, or shut for a while after failed logins'),
    hint: 'ALTER USER … ACCOUNT UNLOCK, where it was not locked for a reason',
  },
  {
    cause: 'password',
    pattern: /ERROR (?:1820|1862)\b|password has expired|You must (?:reset your|SET) PASSWORD/i,
    message: says('its password has expired'),
    hint: 'set a new one',
  },
  {
    cause: 'tls',
    pattern: /ERROR 3159\b|require_secure_transport/i,
    message: says('the server takes encrypted connections only'),
    hint: '--ssl-mode=VERIFY_IDENTITY',
  },
  {
    cause: 'tls',
    pattern: /server does(?: not|n't) support (?:SSL|secure connection)|SSL is required,? but the server/i,
    message: says('the server speaks no TLS'),
    hint: 'turn it on at the server: tokens are never sent without it',
  },
  {
    cause: 'not-admitted',
    pattern: /Host '([^']*)' is (not allowed to connect|blocked because of many connection errors)/,
    message: ([, host, said]) =>
      said!.startsWith('not') ? `no account takes logins from '${host}'` : `the server has shut '${host}' out: too many broken connections`,
    hint: "hosts of the manifest says from where a user may come ('%' is anywhere); who was shut out is let in by TRUNCATE TABLE performance_schema.host_cache, or FLUSH HOSTS of MariaDB",
  },
  {
    cause: 'no-password',
    pattern: /Access denied for user '([^']*)'@'[^']*' \(using password: NO\)/,
    message: named('', ' sent neither password nor token'),
    hint: "check the client's settings; a token needs --enable-cleartext-plugin, or whatever the driver calls it",
  },
  {
    cause: 'denied',
    pattern: /Access denied for user '([^']*)'@'[^']*'/,
    message: named(
      'MySQL says no more than that of ',
      ': a refused token, a wrong password, no TLS where it is required, or no such account',
    ),
    hint: 'the log iam-db-auth-error has the reason for tokens; which account row matched: SELECT CURRENT_USER(). Of a statement, not a login, it says that a privilege is missing',
  },
];

/** What one line means; undefined: it is not known. */
export const meaningOf = (line: string): Omit<Meaning, 'line'> | undefined => {
  for (const { cause, pattern, message, hint } of SIGNATURES) {
    const found = pattern.exec(line);
    if (found) return { cause, message: message(found), hint };
  }
  return undefined;
};

/** What the lines of a text mean, those that are known. */
export const meaningsOf = (text: string): readonly Meaning[] =>
  text.split('\n').flatMap((line, index) => {
    // programs that log in JSON write quotes so
    const meaning = meaningOf(line.replaceAll('\\"', '"'));
    return meaning === undefined ? [] : [{ line: index + 1, ...meaning, message: withoutSecrets(meaning.message) }];
  });
