import type http from 'node:http';
import { escapeXml } from './xml.ts';

/**
 * What happens to a call:
 * answered by AWS instead of the emulator, which never sees it: `throttle`, `unavailable` (503), `expired-token`,
 * `access-denied`, `concurrent-modification`;
 * on the network: `reset-before`: the connection breaks and the call is never seen; `reset-after`: the work is done and the
 * answer is lost; `truncated`: the work is done and the answer stops in the middle; `delayMs`: the call arrives late.
 */
export type AwsFault = keyof typeof REFUSALS | 'reset-before' | 'reset-after' | 'truncated' | { readonly delayMs: number };

type Refused = { readonly service: string; readonly operation: string; readonly input: Readonly<Record<string, unknown>> };
type Answered = { readonly status: number; readonly headers: http.OutgoingHttpHeaders; readonly body: string };
type Refusal = { readonly status: number; readonly code: string; readonly message: (call: Refused) => string };

/** Code, status and words as AWS answers them in the Query protocol; in JSON the codes end with `Exception`. */
const REFUSALS = {
  throttle: { status: 400, code: 'Throttling', message: () => 'Rate exceeded' },
  unavailable: {
    status: 503,
    code: 'ServiceUnavailable',
    message: () => 'The request has failed due to a temporary failure of the server.',
  },
  'expired-token': { status: 403, code: 'ExpiredToken', message: () => 'The security token included in the request is expired' },
  'access-denied': { status: 403, code: 'AccessDenied', message: denial },
  'concurrent-modification': {
    status: 409,
    code: 'ConcurrentModification',
    message: () => 'The request was rejected because multiple requests to change this object were submitted simultaneously.',
  },
  'no-such-entity': { status: 404, code: 'NoSuchEntity', message: () => 'The requested entity cannot be found.' },
  'invalid-principal': { status: 400, code: 'MalformedPolicyDocument', message: () => 'Invalid principal in policy.' },
} as const satisfies Readonly<Record<string, Refusal>>;

/** The answer by which AWS refuses a call, in the words of its protocol, or null where this fault is none of AWS's. */
export function refusal(fault: AwsFault | undefined, call: Refused, inJson: boolean): Answered | null {
  if (typeof fault !== 'string' || !(fault in REFUSALS)) return null;
  const { status, code, message }: Refusal = REFUSALS[fault as keyof typeof REFUSALS];
  const said = message(call);
  if (!inJson) return { status, headers: { 'content-type': 'text/xml' }, body: errorXml(status, code, said) };
  const body = JSON.stringify({ __type: `${code}Exception`, message: said });
  return { status: status === 403 ? 400 : status, headers: { 'content-type': 'application/x-amz-json-1.1' }, body };
}

/** An error in the Query protocol. */
function errorXml(status: number, code: string, message: string): string {
  const type = status < 500 ? 'Sender' : 'Receiver';
  const error = `<Error><Type>${type}</Type><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error>`;
  return `<ErrorResponse>${error}<RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>`;
}

/** Hands the client half of an answer, then breaks the connection. */
export function truncate(response: http.ServerResponse, status: number, headers: http.OutgoingHttpHeaders, body: Buffer): void {
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.write(body.subarray(0, body.length >> 1), () => response.socket?.destroySoon());
}

/** IAM User Guide, "Troubleshoot access denied error messages": the implicit denial by identity-based policies. */
function denial({ service, operation, input }: Refused): string {
  const named = Object.entries(input).find(([name, value]) => /(Arn|SecretId)$/.test(name) && typeof value === 'string')?.[1];
  const action = `${service}:${operation}`;
  const on = named === undefined ? '' : ` on resource: ${named}`;
  return `User: arn:aws:sts::123456789012:assumed-role/ci/lab is not authorized to perform: ${action}${on} because no identity-based policy allows the ${action} action`;
}
