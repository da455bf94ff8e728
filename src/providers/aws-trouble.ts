import type { Target } from '../model/declared.ts';
import { Failure, failure } from '../model/finding.ts';

/** A part of AWS, for those who read: its name, that of its actions in policies, and the ending of its AWS_ENDPOINT_URL_…. */
export type Service = { readonly title: string; readonly prefix: string; readonly variable: string };

export const STS: Service = { title: 'STS', prefix: 'sts', variable: 'STS' };

/** What was asked, for those who read that it failed. `resource`: the ARN that the call is about, where AWS does not name it. */
export type Asked = {
  readonly target: Target;
  readonly service: Service;
  readonly region: string;
  readonly resource?: string;
};

/**
 * `passing`: not done, and it may well be next time. `lost`: whether it was done nobody knows. `unsent`: it never got there.
 * `final`: asking again is of no use.
 */
export type Fate = 'passing' | 'lost' | 'unsent' | 'final';

/** What came back instead of an answer: the error stays what it is, and has the code that AWS gave it. */
class AwsFailure extends Failure {
  readonly code: string;
  constructor(failed: Failure, code: string) {
    super(failed.findings, failed.exitCode);
    this.name = 'AwsFailure';
    this.code = code;
  }
}

/** AWS's own code, without the ending that the SDK gives to some: `NoSuchEntity`. */
export const codeOf = (error: unknown): string => {
  if (error instanceof AwsFailure) return error.code;
  const name = error instanceof Error ? error.name : '';
  return isAnswer(error) ? name.replace(/Exception$/, '') : '';
};

/**
 * https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html, and what services answer while they are busy: IAM, SNS
 * (Throttled, KMSThrottling, ConcurrentAccess), CloudWatch Logs (OperationAborted). Without their ending, as in `codeOf`.
 */
const PASSING = new Set([
  'Throttling',
  'Throttled',
  'KMSThrottling',
  'ConcurrentAccess',
  'OperationAborted',
  'RequestThrottled',
  'RequestLimitExceeded',
  'TooManyRequests',
  'SlowDown',
  'ConcurrentModification',
  'EntityTemporarilyUnmodifiable',
]);

export const fateOf = (error: unknown): Fate => {
  if (isAnswer(error)) {
    if (PASSING.has(codeOf(error)) || statusOf(error) === 429) return 'passing';
    // Inside of AWS it may have been done before something broke.
    return statusOf(error) >= 500 || statusOf(error) < 300 ? 'lost' : 'final';
  }
  if (UNSENT.has(networkCode(error))) return 'unsent';
  return LOST.has(networkCode(error)) || LOST_WORDS.test(messageOf(error)) ? 'lost' : 'final';
};

const UNSENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
const LOST = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED', 'TimeoutError', 'ERR_STREAM_PREMATURE_CLOSE']);
const LOST_WORDS = /socket hang up|aborted|timed? ?out|Deserialization error|premature/i;

/** Errors that are an answer of AWS have its status. */
const isAnswer = (error: unknown): boolean => statusOf(error) > 0;
const statusOf = (error: unknown): number =>
  (error as { readonly $metadata?: { readonly httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode ?? 0;
const networkCode = (error: unknown): string => {
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown };
  return typeof code === 'string' ? code : typeof name === 'string' ? name : '';
};
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

type Explained = { readonly slug: string; readonly what: string; readonly hint: string };

/** The same trouble as a Failure `aws/…` that says what to do about it. Bugs of ours stay what they are. */
export const explained = (operation: string, error: unknown, asked: Asked): unknown => {
  if (error instanceof Failure) return error;
  const found = explainCredentials(error) ?? explainAnswer(operation, error, asked) ?? explainNetwork(error, asked);
  if (!found) return error;
  const { target } = asked;
  const told = failure(`aws/${found.slug}`, `target '${target.name}': ${found.what}`, {
    hint: found.hint,
    target: target.name,
    source: target.source,
  });
  return new AwsFailure(told, codeOf(error));
};

const explainCredentials = (error: unknown): Explained | undefined => {
  const said = messageOf(error);
  const code = codeOf(error) || networkCode(error);
  if (/^(ExpiredToken|RequestExpired|TokenRefreshRequired)$/.test(code) || /(token|session|credentials).{0,40}expired/i.test(said))
    return {
      slug: 'expired-credentials',
      what: 'the AWS credentials have expired',
      hint: "get new ones: 'aws sso login', a new AWS_SESSION_TOKEN, or another run of the job",
    };
  if (/skew|Signature (not yet current|expired)/i.test(`${code} ${said}`))
    return { slug: 'clock', what: "AWS refuses the signature: this machine's clock is wrong", hint: 'set the clock, and run it again' };
  if (/^(InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|AuthFailure|IncompleteSignature)$/.test(code))
    return {
      slug: 'invalid-credentials',
      what: `AWS does not know these credentials (${code})`,
      hint: 'check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the profile that AWS_PROFILE names',
    };
  if (/CredentialsProviderError|TokenProviderError/.test(code) || /could not load credentials|credential is missing/i.test(said))
    return {
      slug: 'no-credentials',
      what: `there are no AWS credentials (${said.replace(/\.$/, '')})`,
      hint: "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run 'aws sso login'",
    };
  return undefined;
};

/** AuthorizationError: SNS. */
const DENIED = /^(AccessDenied|UnauthorizedOperation|NotAuthorized|AuthorizationError)$/;

const explainAnswer = (operation: string, error: unknown, asked: Asked): Explained | undefined => {
  if (!isAnswer(error)) return undefined;
  const code = codeOf(error);
  const said = messageOf(error);
  if (DENIED.test(code)) return explainDenied(operation, said, asked);
  if (/LimitExceeded$/.test(code))
    return {
      slug: 'quota',
      what: `${operation}: a quota of the account is reached: ${said}`,
      hint: 'ask for a higher quota, or take away what is no longer needed',
    };
  if (PASSING.has(code) || fateOf(error) === 'passing')
    return { slug: 'throttled', what: `${operation}: AWS is asked too much (${code}: ${said})`, hint: 'run it again in a minute' };
  return { slug: 'answer', what: `${operation}: AWS answered ${code}: ${said}`, hint: 'mend what it names, and run it again' };
};

/** Which action is missing, and the statement that would allow it; an explicit Deny is undone by none. */
const explainDenied = (operation: string, said: string, asked: Asked): Explained => {
  const action = /not authorized to perform: ([\w-]+:\w+)/.exec(said)?.[1] ?? `${asked.service.prefix}:${operation}`;
  const who = /^User: (\S+)/.exec(said)?.[1];
  const statement = JSON.stringify({
    Effect: 'Allow',
    Action: action,
    Resource: /on resource: (arn:\S+)/.exec(said)?.[1] ?? asked.resource ?? '*',
  });
  const denied = /explicit deny/i.test(said);
  return {
    slug: 'access-denied',
    what: `${who ?? 'whoever asks'} may not do ${action}`,
    hint: denied
      ? `a Deny of a policy, a boundary or the organization forbids it: ${statement} is not enough`
      : `allow it to whoever runs this: ${statement}`,
  };
};

const explainNetwork = (error: unknown, { service, region }: Asked): Explained | undefined => {
  const fate = fateOf(error);
  if (fate === 'final') return undefined;
  const at = process.env[`AWS_ENDPOINT_URL_${service.variable}`] ?? process.env.AWS_ENDPOINT_URL;
  const where = at ? `'${at}' (AWS_ENDPOINT_URL)` : `the endpoint of ${service.title} in ${region}`;
  return {
    slug: fate === 'unsent' ? 'unreachable' : 'lost',
    what: `${where} ${fate === 'unsent' ? 'cannot be reached' : 'does not answer'} (${networkCode(error)}: ${messageOf(error)})`,
    hint: 'check the network, the proxy and AWS_ENDPOINT_URL',
  };
};
