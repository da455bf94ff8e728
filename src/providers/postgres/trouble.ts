import { connectArn } from '../../core/aws.ts';
import type { Target } from '../../model/declared.ts';
import { Failure } from '../../model/finding.ts';
import { checkPassword } from '../login.ts';
import {
  BROKEN,
  brokenWhile,
  codeOf,
  type Explained,
  explainNetwork,
  explainTls,
  hostPort,
  messageOf,
  troubleFailure,
  withoutTls,
} from '../network.ts';
import type { Address } from './address.ts';

/** What was being talked to when it went wrong. */
export type Peer = {
  readonly target: Target;
  readonly address: Pick<Address, 'host' | 'port' | 'via' | 'user' | 'database' | 'password' | 'tls'>;
};

/** A refused or broken connection, said as a Failure `connect/…`. A Failure stays what it is. */
export const connectFailure = (error: unknown, peer: Peer): Failure =>
  error instanceof Failure ? error : asFailure('connect', explainConnect(error, peer) ?? brokenWhile('logging in', error), peer);

/** Trouble of a statement that reads, said as a Failure `inspect/…`. What is no trouble of the server's is thrown on as it is. */
export const readError = (error: unknown, peer: Peer): unknown => {
  if (error instanceof Failure) return error;
  const explained = explainRead(error, peer.address);
  return explained ? asFailure('inspect', explained, peer) : error;
};

const asFailure = (area: 'connect' | 'inspect', explained: Explained, { target, address }: Peer): Failure =>
  troubleFailure(area, explained, target, address, `${hostPort(address)}, database '${address.database}', user '${address.user}'`);

/** What went wrong, for where target, address and user are told already. */
export const withoutPlace = (message: string): string => message.replace(/^target '[^']*': /, '').replace(/ \([^()]*, database '.*$/s, '');

const explainConnect = (error: unknown, peer: Peer): Explained | undefined =>
  explainNetwork(codeOf(error), peer.address, peer.target.endpoint.kind === 'env' ? WHERE_ENVIRONMENT_SAYS : undefined) ??
  explainSocket(codeOf(error), peer.address) ??
  explainSaid(messageOf(error), peer.address) ??
  explainTls(codeOf(error), peer.address) ??
  (peer.target.login.auth === 'iam' ? explainToken(error, peer) : undefined) ??
  explainRefusal(error, peer);

/** There is no socket to connect to: only of a target that the environment names. */
const explainSocket = (code: string, { host }: Peer['address']): Explained | undefined =>
  code === 'ENOENT'
    ? { slug: 'refused', what: `there is no socket in '${host}'`, hint: 'start the server, or correct PGHOST and PGPORT' }
    : undefined;

/** What the connection timeout of node-postgres and a server without TLS say have no code. */
const explainSaid = (said: string, { host, tls, user }: Peer['address']): Explained | undefined => {
  if (WANTS_TICKET.test(said))
    return {
      slug: 'kerberos',
      what: `the server wants a Kerberos ticket of '${user}', and takes neither a password nor a token`,
      hint: `a member of rds_ad logs in with a ticket: REVOKE rds_ad FROM "${user}", or log in as another`,
    };
  if (said === 'The server does not support SSL connections') return withoutTls(tls);
  if (ANOTHER_PROTOCOL.test(said))
    return {
      slug: 'not-postgres',
      what: `what listens there does not speak as PostgreSQL does: ${said}`,
      hint: 'correct host and port; of MySQL or MariaDB write engine: mysql, or mariadb',
    };
  if (said !== 'timeout expired') return undefined;
  return {
    slug: 'timeout',
    what: `no answer from '${host}' in time`,
    hint: 'check the network between: a firewall or security group that drops packets looks like this',
  };
};

/** What node-postgres says of bytes that PostgreSQL would not send. */
const ANOTHER_PROTOCOL = /^(received invalid response: |There was an error establishing an SSL connection)/;

/** PostgreSQL manual, "Message Formats": AuthenticationGSS, AuthenticationGSSContinue, AuthenticationSSPI. */
const WANTS_TICKET = /^Unknown authenticationOk message type [789]$/;

/** What names the server where the manifest leaves it to the environment. */
const WHERE_ENVIRONMENT_SAYS = 'PGHOST and PGPORT, or DATABASE_URL';

const passwordHint = ({ endpoint, login }: Target): string =>
  login.password === undefined && endpoint.kind === 'env'
    ? 'check PGUSER and PGPASSWORD, DATABASE_URL, or ~/.pgpass'
    : checkPassword({ login });

/** The server's own words follow where one SQLSTATE has several causes: they come in its language. */
const explainRefusal = (error: unknown, { target, address: { user, database } }: Peer): Explained | undefined => {
  const said = messageOf(error);
  switch (codeOf(error)) {
    case '28P01':
      return {
        slug: 'password',
        what: `the password of '${user}' is wrong, or there is no such user`,
        hint: passwordHint(target),
      };
    case '28000':
      return explainNotAdmitted(said, user);
    case '3D000':
      return { slug: 'no-database', what: `there is no database '${database}'`, hint: "correct 'databases' or 'maintenance_database'" };
    case '42501':
      return {
        slug: 'no-connect',
        what: `'${user}' may not connect to the database '${database}'`,
        hint: `GRANT CONNECT ON DATABASE "${database}" TO "${user}"`,
      };
    case '55000':
      return {
        slug: 'closed',
        what: `the database '${database}' takes no connections`,
        hint: "leave it out of 'databases', or allow connections to it",
      };
    case '53300':
      return {
        slug: 'too-many',
        what: `too many connections: ${said}`,
        hint: 'end idle sessions, or raise the connection limit of the server, the database or the role',
      };
    case '57P03':
    case '57P01':
    case '57P02':
      return { slug: 'not-ready', what: `the server is starting or stopping: ${said}`, hint: 'try again in a moment' };
  }
  return undefined;
};

const explainNotAdmitted = (said: string, user: string): Explained => {
  if (/pg_hba\.conf/.test(said)) {
    const tls = /no encryption|SSL off/.test(said) ? " with TLS ('tls: verify-full')" : '';
    return {
      slug: 'not-admitted',
      what: `the server admits no such connection: ${said}`,
      hint: `connect from an admitted address${tls}, or add a line to pg_hba.conf`,
    };
  }
  if (/PAM authentication/.test(said)) {
    return {
      slug: 'password',
      what: `'${user}' was not let in: ${said}`,
      hint: `a member of rds_iam logs in with a token, never with a password: REVOKE rds_iam FROM "${user}"`,
    };
  }
  return {
    slug: 'no-login',
    what: `'${user}' may not log in: ${said}`,
    hint: `let a role log in that may: ALTER ROLE "${user}" LOGIN, or correct 'login.user'`,
  };
};

/** What a server of RDS says to a token says little: what it may be stands in the order in which it is quickly checked. */
const explainToken = (error: unknown, { target, address: { user } }: Peer): Explained | undefined => {
  const said = messageOf(error);
  if (codeOf(error) === '28P01') {
    return {
      slug: 'not-iam',
      what: `the server asked '${user}' for its password and not for a token: it is no member of rds_iam, or does not exist`,
      hint: `as a user that may: GRANT rds_iam TO "${user}"; its case counts`,
    };
  }
  if (codeOf(error) !== '28000' || !/PAM authentication/.test(said)) return undefined;
  return {
    slug: 'token',
    what: `'${user}' was not let in with its token: ${said}`,
    hint: `check that a policy of this AWS identity allows rds-db:connect on exactly ${resourceOf(target, user)} and that nothing denies it; that IAM authentication is on; that "${user}" exists in this case, with LOGIN and rds_iam; that the clock is right. The server's log iam-db-auth-error tells which it is`,
  };
};

const resourceOf = ({ place }: Target, user: string): string => {
  const [resource] = place?.resources ?? [];
  return place && resource
    ? connectArn({ partition: place.partition, region: resource.region, account: place.account, resource: resource.id, user })
    : `arn:…:dbuser:RESOURCE_ID/${user}`;
};

const explainRead = (error: unknown, { user }: Peer['address']): Explained | undefined => {
  const code = codeOf(error);
  const said = messageOf(error);
  if (code === '57014' || said === 'Query read timeout') {
    return {
      slug: 'timeout',
      what: `reading took too long: ${said}`,
      hint: 'try again when the server is less busy: reading changes nothing',
    };
  }
  if (code === '55P03')
    return { slug: 'locked', what: `a catalog is locked by somebody else: ${said}`, hint: 'try again when that session is done' };
  if (code === '42501')
    return {
      slug: 'not-permitted',
      what: `'${user}' may not read a catalog: ${said}`,
      hint: `give '${user}' the right that the server names`,
    };
  if (isLost(error)) return brokenWhile('reading', error);
  if (/^[0-9A-Z]{5}$/.test(code))
    return { slug: 'server', what: `the server answered ${code}: ${said}`, hint: "look into the server's log" };
  return undefined;
};

/** Class 08 and 57P0x, a socket that broke, and what node-postgres says without a code. */
export const isLost = (error: unknown): boolean => {
  const code = codeOf(error);
  return (
    /^(08|57P0)/.test(code) ||
    BROKEN.has(code) ||
    /^(Connection terminated|Client has encountered a connection error)/.test(messageOf(error))
  );
};
