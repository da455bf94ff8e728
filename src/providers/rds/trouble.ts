import { Failure, failure } from '../../model/finding.ts';

/** What was being asked when it went wrong. */
export type Call = {
  /** As policies name it: `rds:DescribeDBClusters`. */
  readonly action: string;
  readonly region: string;
  /** ARN that the action is on; left out: it cannot be restricted to less than everything. */
  readonly resource?: string;
};

/** Expected trouble of AWS said as a Failure `aws/…`; anything else stays as it is. No key or token is ever quoted. */
export const awsFailure = (error: unknown, call: Call): unknown => {
  if (error instanceof Failure) return error;
  const explained = explain(error, call);
  return explained ? failure(`aws/${explained.slug}`, explained.what, { hint: explained.hint }) : error;
};

type Explained = { readonly slug: string; readonly what: string; readonly hint: string };

const explain = (error: unknown, call: Call): Explained | undefined => {
  const name = textOf(error, 'name');
  if (PROVIDER.test(name)) return explainProvider(error);
  if (EXPIRED.has(name)) return EXPIRED_CREDENTIALS;
  if (INVALID.has(name)) return invalid(name, call);
  if (DENIED.has(name)) return denied(error, call);
  if (THROTTLED.test(name)) {
    return {
      slug: 'throttled',
      what: `AWS takes no more calls of ${call.action} in ${call.region} for now (${name})`,
      hint: 'try again in a minute',
    };
  }
  if (isNetwork(error)) return unreachable(error, call);
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  return {
    slug: 'failed',
    what: `${call.action} in ${call.region} failed: ${name}: ${wordsOf(error)}`,
    hint: 'try again; if it stays, look it up in the documentation of the API',
  };
};

const PROVIDER = /^(CredentialsProviderError|TokenProviderError|ProviderError)$/;
const EXPIRED: ReadonlySet<string> = new Set(['ExpiredToken', 'ExpiredTokenException', 'RequestExpired']);
const DENIED: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'UnauthorizedOperation',
  'NotAuthorized',
  'UnauthorizedException',
]);
const THROTTLED = /^(Throttling\w*|ThrottledException|TooManyRequestsException|RequestLimitExceeded|RequestThrottled\w*|SlowDown)$/;
const INVALID: ReadonlySet<string> = new Set([
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'SignatureDoesNotMatch',
  'InvalidSignatureException',
  'InvalidAccessKeyId',
  'AuthFailure',
  'IncompleteSignature',
  'MissingAuthenticationToken',
]);

const EXPIRED_CREDENTIALS: Explained = {
  slug: 'expired-credentials',
  what: 'the AWS credentials have expired',
  hint: 'get new ones: aws sso login, or whatever issued them',
};

const explainProvider = (error: unknown): Explained => {
  const said = wordsOf(error);
  if (/expired|refresh/i.test(said)) return EXPIRED_CREDENTIALS;
  return {
    slug: 'no-credentials',
    what: `there are no AWS credentials: ${said}`,
    hint: 'set AWS_PROFILE (after aws sso login) or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is given (ECS, EC2, OIDC)',
  };
};

/** AWS's own words would repeat the signed request here, session token included. */
const invalid = (name: string, { region }: Call): Explained => ({
  slug: 'invalid-credentials',
  what: `AWS does not accept the credentials in ${region} (${name})`,
  hint: `check the access key and its secret; a region that the account has not enabled, or one of another partition, refuses every key`,
});

const denied = (error: unknown, { action, region, resource }: Call): Explained => {
  if (action === 'sts:AssumeRoleWithWebIdentity')
    return {
      slug: 'access-denied',
      what: `the token of this job does not open role '${resource}': ${wordsOf(error)}`,
      hint: "let the role's trust policy name the OIDC provider, the audience sts.amazonaws.com and this job's subject; an environment, a pull request and a branch have different ones",
    };
  const statement = JSON.stringify({ Effect: 'Allow', Action: action, Resource: resource ?? '*' });
  const trust = action === 'sts:AssumeRole' ? ', and let the trust policy of the role name that identity (and the external id)' : '';
  return {
    slug: 'access-denied',
    what: `${action}${resource ? ` on '${resource}'` : ` in ${region}`} is not allowed: ${wordsOf(error)}`,
    hint: `add this statement to a policy of the identity that runs this: ${statement}${trust}`,
  };
};

const unreachable = (error: unknown, { action, region }: Call): Explained => {
  const code = textOf(error, 'code') || textOf(error, 'name');
  const unknown = code === 'ENOTFOUND' ? `is there a region '${region}'? ` : '';
  return {
    slug: 'unreachable',
    what: `no answer to ${action} from AWS in ${region} (${code})`,
    hint: `${unknown}check the network, the proxy and the VPC endpoint of '${action.split(':')[0]}', and AWS_ENDPOINT_URL if it is set`,
  };
};

const NETWORK =
  /^(ECONN\w+|ENOTFOUND|EAI_\w+|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|EPROTO|CERT_\w+|SELF_SIGNED\w*|UNABLE_TO_\w+|ERR_TLS_\w+|ERR_SSL_\w+)$/;

const isNetwork = (error: unknown): boolean =>
  NETWORK.test(textOf(error, 'code')) || /^(TimeoutError|RequestTimeout)$/.test(textOf(error, 'name'));

const textOf = (error: unknown, key: 'name' | 'code' | 'message'): string => {
  const value = typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[key] : undefined;
  return typeof value === 'string' ? value : '';
};

/** First line, not too long, without anything that could be a key, a signature or a token. */
const wordsOf = (error: unknown): string => {
  const [line = ''] = textOf(error, 'message').split('\n');
  return (
    line
      .replace(/\b(AKIA|ASIA)[A-Z0-9]{12,}\b/g, '***')
      .replace(/[A-Za-z0-9+/=_%-]{64,}/g, '***')
      .slice(0, 400) || 'it does not say why'
  );
};
