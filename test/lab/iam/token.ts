import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** What a token has to be for. */
export type Wanted = {
  /** `host:port` as the RDS API says it, whatever address was dialled. */
  readonly endpoint: string;
  readonly region: string;
  readonly user: string;
  /** The secret of an access key; undefined: nobody has that key. */
  readonly secretOf: (accessKeyId: string, sessionToken: string | undefined) => Promise<string | undefined> | string | undefined;
  /** Milliseconds since 1970; default: the clock. */
  readonly now?: number;
};

/** A token that proves who its owner is, or why it does not. */
export type TokenVerdict =
  | { readonly ok: true; readonly accessKeyId: string; readonly sessionToken: string | undefined }
  | { readonly ok: false; readonly reason: string };

/** Signature Version 4's tolerance for a clock that is ahead. */
const SKEW_MS = 5 * 60_000;
/** The longest life of a token, in seconds. */
const LIFE = 900;
const MAX_LENGTH = 65_536;

/**
 * Checks a token as RDS does: a GET of `host:port/?Action=connect&DBUser=…`, presigned for the service `rds-db` (Signature
 * Version 4, signature in the query). The signature is computed anew from the secret, so nothing in it can be edited.
 */
export async function verifyToken(token: string, wanted: Wanted): Promise<TokenVerdict> {
  const request = parsed(token);
  if (typeof request === 'string') return refused(request);
  const { endpoint, query } = request;
  const scope = scopeOf(query);
  if (typeof scope === 'string') return refused(scope);
  const mismatch = wrongTarget(endpoint, query, scope, wanted) ?? wrongTime(query, scope, wanted.now ?? Date.now());
  if (mismatch !== undefined) return refused(mismatch);

  const sessionToken = query.get('X-Amz-Security-Token');
  const secret = await wanted.secretOf(scope.accessKeyId, sessionToken);
  if (secret === undefined) return refused(`nobody has the access key ${scope.accessKeyId} with this session token`);
  const signature = query.get('X-Amz-Signature') ?? '';
  if (!/^[0-9a-f]{64}$/.test(signature)) return refused('the token has no signature');
  const expected = signatureOf(endpoint, query, scope, secret);
  if (!timingSafeEqual(Buffer.from(signature, 'hex'), expected)) return refused('the signature does not match');
  return { ok: true, accessKeyId: scope.accessKeyId, sessionToken };
}

/** Who signed, and the credential scope: when, where, for what. */
type Scope = { readonly accessKeyId: string; readonly day: string; readonly region: string };
type Query = ReadonlyMap<string, string>;

const refused = (reason: string): TokenVerdict => ({ ok: false, reason });

function parsed(token: string): { readonly endpoint: string; readonly query: Query } | string {
  if (token.length > MAX_LENGTH) return `the token has ${token.length} characters`;
  const [, endpoint, text] = /^([^/?#\s]+)\/\?([^#\s]+)$/.exec(token) ?? [];
  if (endpoint === undefined || text === undefined) return 'this is no token';
  const query = new Map<string, string>();
  for (const part of text.split('&')) {
    const [name, value] = part.split('=').map(decoded);
    if (!name || value === undefined) return 'this is no token';
    if (query.has(name)) return `the token says ${name} twice`;
    query.set(name, value);
  }
  return { endpoint, query };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function scopeOf(query: Query): Scope | string {
  if (query.get('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') return 'the token is not signed by AWS4-HMAC-SHA256';
  if (query.get('X-Amz-SignedHeaders') !== 'host') return 'the token signs other headers than host';
  const [accessKeyId = '', day = '', region = '', service = '', end = '', ...more] = (query.get('X-Amz-Credential') ?? '').split('/');
  if (more.length > 0 || accessKeyId === '' || end !== 'aws4_request') return 'the token has no credential scope';
  if (service !== 'rds-db') return `the token is for the service '${service}', not 'rds-db'`;
  return { accessKeyId, day, region };
}

function wrongTarget(endpoint: string, query: Query, scope: Scope, wanted: Wanted): string | undefined {
  const [action, user] = [query.get('Action'), query.get('DBUser')];
  if (action !== 'connect') return `the token is for the action '${action ?? ''}', not 'connect'`;
  if (endpoint.toLowerCase() !== wanted.endpoint.toLowerCase()) return `the token is for ${endpoint}, not ${wanted.endpoint}`;
  if (user !== wanted.user) return `the token is for the user '${user ?? ''}', not '${wanted.user}'`;
  if (scope.region !== wanted.region) return `the token is for the region '${scope.region}', not '${wanted.region}'`;
  return undefined;
}

function wrongTime(query: Query, { day }: Scope, now: number): string | undefined {
  const date = query.get('X-Amz-Date') ?? '';
  const instant = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!/^\d{8}T\d{6}Z$/.test(date) || Number.isNaN(instant) || date.slice(0, 8) !== day) return 'the token has no date';
  const life = Number(query.get('X-Amz-Expires'));
  if (!Number.isInteger(life) || life < 1 || life > LIFE)
    return `the token wants to live ${query.get('X-Amz-Expires') ?? 'for ever'}, at most ${LIFE} s`;
  if (now > instant + life * 1000) return 'the token has expired';
  if (instant > now + SKEW_MS) return 'the token is from the future';
  return undefined;
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function signatureOf(endpoint: string, query: Query, { day, region }: Scope, secret: string): Buffer {
  const parameters = [...query]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort();
  const request = ['GET', '/', parameters.join('&'), `host:${endpoint}`, '', 'host', sha256('')].join('\n');
  const scope = [day, region, 'rds-db', 'aws4_request'];
  const text = ['AWS4-HMAC-SHA256', query.get('X-Amz-Date'), scope.join('/'), sha256(request)].join('\n');
  const key = scope.reduce<Buffer | string>((by, part) => hmac(by, part), `AWS4${secret}`);
  return hmac(key, text);
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
