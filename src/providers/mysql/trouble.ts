import { connectArn } from '../../core/aws.ts';
import type { Target } from '../../model/declared.ts';
import { Failure, failure } from '../../model/finding.ts';
import type { Flavour } from '../../model/privilege-mysql.ts';
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
import { FLAVOURS, OLDEST } from './flavour.ts';

/** What was being talked to when it went wrong. */
export type Peer = { readonly target: Target; readonly address: Address };

/** A refused or broken connection, said as a Failure `connect/…`; `verdict` is TLS's on the certificate. A Failure stays what it is. */
export const connectFailure = (error: unknown, peer: Peer, verdict = ''): Failure =>
  error instanceof Failure ? error : asFailure('connect', explainConnect(error, peer, verdict) ?? brokenWhile('logging in', error), peer);

/** Trouble of a statement that reads, said as a Failure `inspect/…`. What is no trouble of the server's is thrown on as it is. */
export const readError = (error: unknown, peer: Peer): unknown => {
  if (error instanceof Failure) return error;
  const explained = explainRead(error, peer.address);
  return explained ? asFailure('inspect', explained, peer) : error;
};

/** The message of a Failure, without the target, address and user that stand around it. */
export const withoutPlace = (message: string): string => message.replace(/^target '[^']*': /, '').replace(/ \([^()]*, user '.*$/s, '');

/** The server's error number; 0 where the error is none of the server's. */
export const errno = (error: unknown): number => {
  const number = typeof error === 'object' && error !== null && 'errno' in error ? error.errno : 0;
  return typeof number === 'number' && number >= 1000 ? number : 0;
};

/** The connection is gone, or cannot be trusted to answer. */
export const isLost = (error: unknown): boolean => {
  const code = codeOf(error);
  return BROKEN.has(code) || LOST.has(code) || LOST_NUMBERS.has(errno(error)) || /closed state/.test(messageOf(error));
};
const LOST = new Set(['PROTOCOL_CONNECTION_LOST', 'PROTOCOL_SEQUENCE_TIMEOUT', 'PROTOCOL_PACKETS_OUT_OF_ORDER', 'PROTOCOL_ERROR']);
/** Server shutdown, killed connections, and the client's own numbers for a server that has gone. */
const LOST_NUMBERS = new Set([1053, 1079, 1152, 1184, 1927, 2006, 2013, 4031]);

const asFailure = (area: 'connect' | 'inspect', explained: Explained, { target, address }: Peer): Failure =>
  troubleFailure(area, explained, target, address, `${hostPort(address)}, user '${address.user}'`);

/** A server that is not what the manifest says, or too old; undefined: it is fine. */
export const refusedFlavour = (target: Target, flavour: Flavour, version: number, text: string): Failure | undefined => {
  const found = `target '${target.name}': the server is ${FLAVOURS[flavour]} ${text}`;
  const at = { target: target.name, source: target.source };
  if (target.engine !== flavour) {
    return failure('connect/engine', `${found}, but the manifest says 'engine: ${target.engine}'`, {
      ...at,
      hint: `write engine: ${flavour}, or correct the endpoint`,
    });
  }
  if (version >= OLDEST[flavour].number) return undefined;
  const why = flavour === 'mysql' ? 'it has no roles' : 'IAM authentication and what RDS offers begin later';
  return failure('connect/version', `${found}, and ${FLAVOURS[flavour]} before ${OLDEST[flavour].text} is not supported: ${why}`, {
    ...at,
    hint: `upgrade the server to ${OLDEST[flavour].text} or later`,
  });
};

/** The server wants the password encrypted with a key that nothing vouches for. */
export const sendsInClear = (peer: Peer): Failure => asFailure('connect', unvouched(peer.address), peer);

const unvouched = ({ user }: Address): Explained => ({
  slug: 'needs-tls',
  what: `the password of '${user}' would be sent without TLS, encrypted with a key that anybody between could have sent`,
  hint: "write tls: verify-full, or leave 'tls' out",
});

const explainConnect = (error: unknown, peer: Peer, verdict: string): Explained | undefined =>
  explainNetwork(codeOf(error), peer.address) ??
  explainTls(verdict, peer.address) ??
  explainDriver(error, peer) ??
  explainHandshake(error, peer) ??
  (peer.target.login.auth === 'iam' ? explainToken(error, peer) : undefined) ??
  explainRefusal(error, peer);

/** OpenSSL, of 214 bytes and more where the key has 2048 bits: with OAEP they leave room for 214, and a zero ends the password. */
const TOO_LONG_FOR_KEY = /data too large for key size/i;

/** What the driver finds out by itself. */
const explainDriver = (error: unknown, { address, target }: Peer): Explained | undefined => {
  const { user, tls } = address;
  const said = messageOf(error);
  if (TOO_LONG_FOR_KEY.test(said))
    return {
      slug: 'needs-tls',
      what: `the password of '${user}' is longer than what the server's key can encrypt, and TLS is off`,
      hint: "write tls: verify-full, or leave 'tls' out: over TLS it may have 256 bytes",
    };
  switch (codeOf(error)) {
    case 'HANDSHAKE_NO_SSL_SUPPORT':
      return withoutTls(tls);
    case 'PROTOCOL_SEQUENCE_TIMEOUT':
      return explainNetwork('ETIMEDOUT', address);
    case 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED':
      return {
        slug: 'clear-password',
        what: `the server asks for the password of '${user}' in the clear, which is for tokens alone`,
        hint:
          target.login.auth === 'iam'
            ? "write tls: verify-full, or leave 'tls' out"
            : `is '${user}' an IAM user? then write login: { auth: iam }; nothing was sent`,
      };
    case 'AUTH_SWITCH_PLUGIN_ERROR':
      return {
        slug: 'plugin',
        what: `'${user}' logs in by a plugin that is not known here: ${said.replace(/\. See .*$/s, '')}`,
        hint: 'let it log in with a password (caching_sha2_password, mysql_native_password) or by IAM',
      };
  }
  return undefined;
};

/** TLS that broke off before there was a certificate to judge. */
const explainHandshake = (error: unknown, { address }: Peer): Explained | undefined => {
  if (codeOf(error) !== 'HANDSHAKE_SSL_ERROR') return undefined;
  if (/socket disconnected|ECONNRESET|EPIPE/.test(messageOf(error))) return brokenWhile('agreeing on TLS', error);
  return explainTls('EPROTO', address);
};

/** The server's own words follow where one number has several causes. */
const explainRefusal = (error: unknown, { target, address: { user, tls } }: Peer): Explained | undefined => {
  const said = messageOf(error);
  switch (errno(error)) {
    case 1045:
      return {
        slug: 'password',
        what: `the password of '${user}' is wrong, or there is no such user for this machine: ${said}`,
        hint:
          tls === 'disable'
            ? `${checkPassword(target)}; an account that requires TLS says the same, and 'tls: disable' has none`
            : `${checkPassword(target)}, and the host of the account: an anonymous one that is more specific goes first`,
      };
    case 1698:
      return {
        slug: 'no-login',
        what: `'${user}' may not log in with a password: ${said}`,
        hint: `let a user log in that may: its plugin is one of the server's own machine`,
      };
    case 1130:
      return {
        slug: 'not-admitted',
        what: `the server admits nobody from here: ${said}`,
        hint: "make an account whose host matches this machine ('%' is any)",
      };
    case 1129:
      return {
        slug: 'blocked',
        what: `the server has blocked this machine: ${said}`,
        hint: 'after finding what fails: TRUNCATE TABLE performance_schema.host_cache (MariaDB: FLUSH HOSTS)',
      };
    case 1040:
      return {
        slug: 'too-many',
        what: 'too many connections, those of all users together',
        hint: 'end idle sessions, or raise max_connections',
      };
    case 1203:
    case 1226:
      // One number for sessions at a time and for what a user may do in an hour.
      if (/max_(questions|updates|connections|queries_per_hour|updates_per_hour|connections_per_hour)\b/.test(said)) {
        return {
          slug: 'limit',
          what: `'${user}' has used up what it may do in an hour: ${said}`,
          hint: 'try again when the hour is over, or lift the limit of the account: ALTER USER … WITH MAX_…_PER_HOUR 0',
        };
      }
      return {
        slug: 'too-many',
        what: `too many connections: ${said}`,
        hint: 'end idle sessions, or raise max_connections or the limit of the account',
      };
    case 1049:
      return { slug: 'no-database', what: said, hint: 'correct the endpoint' };
    case 1251:
    case 1524:
    case 1275:
      return {
        slug: 'plugin',
        what: `'${user}' logs in by a plugin that the server or this client does not have: ${said}`,
        hint: 'AWSAuthenticationPlugin is there when IAM authentication is on; mysql_native_password is off from 8.4 on and gone from 9.0 on',
      };
    case 3118:
    case 4151:
    case 3955:
      return { slug: 'no-login', what: `'${user}' may not log in: ${said}`, hint: 'as a user that may: ALTER USER … ACCOUNT UNLOCK' };
    case 1820:
    case 1862:
      return {
        slug: 'expired',
        what: `the password of '${user}' has expired: ${said}`,
        hint: 'log in with the mysql client and set another: ALTER USER CURRENT_USER() IDENTIFIED BY …',
      };
    case 3159:
      return {
        slug: 'needs-tls',
        what: `the server takes no connection without TLS: ${said}`,
        hint: "write tls: verify-full, or leave 'tls' out",
      };
    case 1053:
    case 1080:
      return { slug: 'not-ready', what: `the server is starting or stopping: ${said}`, hint: 'try again in a moment' };
  }
  return errno(error) > 0
    ? { slug: 'server', what: `the server answered ${errno(error)}: ${said}`, hint: "look into the server's log" }
    : undefined;
};

/** What a server of RDS says to a token says little: what it may be stands in the order in which it is quickly checked. */
const explainToken = (error: unknown, { target, address: { user } }: Peer): Explained | undefined => {
  if (errno(error) !== 1045) return undefined;
  return {
    slug: 'token',
    what: `'${user}' was not let in with its token: ${messageOf(error)}`,
    hint: `check that a policy of this AWS identity allows rds-db:connect on exactly ${resourceOf(target, user)} and that nothing denies it; that IAM authentication is on; that '${user}' exists in this case, for this machine's host, IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'; that the clock is right. The server's log iam-db-auth-error tells which it is`,
  };
};

const resourceOf = ({ place }: Target, user: string): string => {
  const [resource] = place?.resources ?? [];
  return place && resource
    ? connectArn({ partition: place.partition, region: resource.region, account: place.account, resource: resource.id, user })
    : `arn:…:dbuser:RESOURCE_ID/${user}`;
};

const explainRead = (error: unknown, { user }: Address): Explained | undefined => {
  const said = messageOf(error);
  if (codeOf(error) === 'PROTOCOL_SEQUENCE_TIMEOUT' || errno(error) === 3024 || errno(error) === 1969) {
    return {
      slug: 'timeout',
      what: `reading took too long: ${said}`,
      hint: 'try again when the server is less busy: reading changes nothing',
    };
  }
  if (isLost(error)) return brokenWhile('reading', error);
  switch (errno(error)) {
    case 0:
      return undefined;
    case 1205:
    case 3572:
      return { slug: 'locked', what: `a table is locked by somebody else: ${said}`, hint: 'try again when that session is done' };
    case 1044:
    case 1142:
    case 1143:
    case 1227:
      return {
        slug: 'unreadable',
        what: `'${user}' may not read who has which privileges: ${said}`,
        hint: readingGrants(user),
      };
    case 1153:
      return {
        slug: 'packet',
        what: `the server takes no packet as long as reading needs: ${said}`,
        hint: 'raise max_allowed_packet on the server, or in its parameter group: 16777216 and more is usual',
      };
    default:
      return { slug: 'server', what: `the server answered ${errno(error)}: ${said}`, hint: "look into the server's log" };
  }
};

/** What a login needs to read everything; nothing of it shows or changes data but that of the schema `mysql`. */
export const readingGrants = (user: string): string => {
  const to = `'${user.replaceAll("'", "''")}'@'%'`;
  return `as a user that may: GRANT SELECT ON mysql.* TO ${to}; GRANT REFERENCES, SHOW VIEW, PROCESS ON *.* TO ${to}`;
};
