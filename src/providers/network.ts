import type { Target } from '../model/declared.ts';
import { type Failure, type Finding, failure } from '../model/finding.ts';

/** What was dialled, in which name, and how. */
export type Dialled = {
  readonly host: string;
  readonly port: number;
  /** What is dialled instead (a tunnel). */
  readonly via?: { readonly host: string; readonly port: number };
  readonly user: string;
  readonly password: string | undefined;
  readonly tls: string;
};

/** One trouble: the slug of its code, what happened, and what to do. */
export type Explained = { readonly slug: string; readonly what: string; readonly hint: string };

/** Trouble of a target as a Failure `area/slug`; `where` says what was talked to. No password is in it, whoever wrote the text. */
export const troubleFailure = (
  area: 'connect' | 'inspect',
  { slug, what, hint }: Explained,
  target: Target,
  address: Dialled,
  where: string,
): Failure => {
  const finding: Omit<Finding, 'severity' | 'code' | 'message'> = {
    hint: redacted(hint, address),
    target: target.name,
    source: target.source,
  };
  return failure(`${area}/${slug}`, `target '${target.name}': ${redacted(what, address)} (${where})`, finding);
};

/** `db.example.com:5432`, and the tunnel that it is reached by. */
export const hostPort = ({ host, port, via }: Pick<Dialled, 'host' | 'port' | 'via'>): string =>
  `${written({ host, port })}${via ? ` via ${written(via)}` : ''}`;

const written = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** No driver is known to put a password into a message: this makes sure. Short ones are words like any other, and would give themselves away. */
const redacted = (text: string, { password }: Dialled): string =>
  password && password.length >= REDACTED_FROM ? text.replaceAll(password, '***') : text;
const REDACTED_FROM = 8;

/** The code of a socket's error, or whatever code a driver gives. */
export const codeOf = (error: unknown): string => {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return typeof code === 'string' ? code : '';
};

export const messageOf = (error: unknown): string => {
  if (error instanceof AggregateError && !error.message) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
};

/** Trouble on the way to the server, by the code of the socket's error; `named`: what says where the server is. */
export const explainNetwork = (code: string, address: Dialled, named?: string): Explained | undefined => {
  const { host, port } = address.via ?? address;
  const check = address.via
    ? "start the tunnel, or correct 'endpoint.via'"
    : `check ${named ?? "'endpoint.host' and 'endpoint.port'"}, and the network between`;
  switch (code) {
    case 'ECONNREFUSED':
      return { slug: 'refused', what: `nothing listens on port ${port} of '${host}'`, hint: `start the server, or ${check}` };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
    case 'EAI_NONAME':
      return {
        slug: 'unknown-host',
        what: `the host name '${host}' is not known`,
        hint: `correct ${address.via ? "'endpoint.via'" : (named ?? "'endpoint.host'")}, or check the name servers and the VPN`,
      };
    case 'ETIMEDOUT':
      return {
        slug: 'timeout',
        what: `no answer from '${host}' in time`,
        hint: `${check}: a firewall or security group that drops packets looks like this`,
      };
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return { slug: 'unreachable', what: `'${host}' cannot be reached from here`, hint: check };
  }
  return undefined;
};

/** Trouble with TLS, by the code of Node's error. */
export const explainTls = (code: string, { host }: Dialled): Explained | undefined => {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return {
      slug: 'certificate-host',
      what: `the server's certificate is not for '${host}'`,
      hint: "write the endpoint's own name as 'endpoint.host'; a tunnel or another address to dial is 'endpoint.via'",
    };
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const when = code === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not valid yet';
    return {
      slug: 'certificate-time',
      what: `the server's certificate ${when}`,
      hint: "renew the certificate, or check this machine's clock",
    };
  }
  if (UNVERIFIED.has(code)) {
    return {
      slug: 'certificate',
      what: `the server's certificate is signed by nobody who is trusted here (${code})`,
      hint: "name the file with the authority's certificate in 'ca'; 'ca: rds' stands for the authorities of RDS, and nothing for those of RDS Proxy",
    };
  }
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') {
    return {
      slug: 'tls',
      what: `TLS could not be agreed upon (${code})`,
      hint: 'check which versions and ciphers the server offers, and that this port is the server itself',
    };
  }
  return undefined;
};

/** What a server without TLS is told to do. */
export const withoutTls = (tls: string): Explained => ({
  slug: 'no-tls',
  what: `the server does not speak TLS, but '${tls}' is asked for`,
  hint: "turn TLS on at the server; 'tls: disable' sends everything in the clear",
});

/** Codes of a socket that broke. */
export const BROKEN: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENETDOWN', 'ECONNABORTED']);

export const brokenWhile = (doing: string, error: unknown): Explained => ({
  slug: 'lost',
  what: `the connection was lost while ${doing}: ${messageOf(error)}`,
  hint: `try again: ${doing} changes nothing`,
});

const UNVERIFIED = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'INVALID_CA',
  'INVALID_PURPOSE',
]);
