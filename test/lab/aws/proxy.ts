import http from 'node:http';
import type net from 'node:net';
import { type AwsFault, refusal, truncate } from './faults.ts';
import { check, checkError, modelOf } from './models.ts';
import { page } from './pages.ts';
import { type Reading, readAnswer, readForm } from './query.ts';
import { child, type Element, parseXml, writeXml } from './xml.ts';

export type { AwsFault } from './faults.ts';

/** One attempt of a client at a call; the SDK's retries are calls too. */
export type AwsCall = {
  /** As it is named in signatures, e.g. 'iam'. */
  readonly service: string;
  /** The region that it was signed for. */
  readonly region: string;
  /** Who signed it. */
  readonly accessKeyId: string;
  /** e.g. 'CreatePolicy' */
  readonly operation: string;
  /** The parameters as the SDK's command took them. */
  readonly input: Readonly<Record<string, unknown>>;
  /** The how-many-eth call of this operation, from 0. */
  readonly nth: number;
};

export type AwsProxy = {
  readonly url: string;
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Every call so far, in order of arrival, with the fault that it met. */
  readonly calls: () => readonly (AwsCall & { readonly fault?: AwsFault })[];
  /** What AWS's own models find wrong with the requests and the answers so far, a line each. */
  readonly violations: () => readonly string[];
  /** Forgets calls and violations, and counts from 0 again. */
  readonly forget: () => void;
  readonly close: () => Promise<void>;
};

export type ProxyOptions = {
  /** Cut the answers of every operation that AWS pages into pages of this many items. */
  readonly pageSize?: number;
};

/** A proxy in front of the emulator; `rule` looks at each call and may choose a fault for it. */
export function startAwsProxy(
  moto: { readonly port: number },
  rule: (call: AwsCall) => AwsFault | undefined = () => undefined,
  { pageSize }: ProxyOptions = {},
): Promise<AwsProxy> {
  const calls: (AwsCall & { readonly fault?: AwsFault })[] = [];
  const violations: string[] = [];

  const observed = (request: Request): { readonly call: AwsCall; readonly fault: AwsFault | undefined } => {
    const { value: input, problems } = request.reading;
    const nth = calls.filter(({ operation }) => operation === request.operation).length;
    const { service, region, accessKeyId, operation } = request;
    const call = { service, region, accessKeyId, operation, input, nth };
    if (request.form || modelOf(service)?.metadata.protocol === 'json')
      violations.push(...problems, ...check(service, operation, 'input', input));
    const fault = rule(call);
    calls.push(fault === undefined ? call : { ...call, fault });
    return { call, fault };
  };

  const serve = async (request: Request, response: http.ServerResponse): Promise<void> => {
    const socket = response.socket as net.Socket;
    // the emulator's own pages, e.g. its reset
    if (request.operation === '') return reply(response, await forward(moto.port, request, request.body));
    const { call, fault } = observed(request);
    const refused = refusal(fault, call, request.headers['x-amz-target'] !== undefined);
    if (refused) return reply(response, { ...refused, body: Buffer.from(refused.body) });
    if (fault === 'reset-before') return void socket.resetAndDestroy();
    if (typeof fault === 'object') await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    const answer = await answered(moto.port, request, pageSize);
    violations.push(...violationsOf(request, answer));
    if (fault === 'reset-after') return void socket.resetAndDestroy();
    if (fault === 'truncated') return truncate(response, answer.status, answer.headers, answer.body);
    reply(response, answer);
  };

  const listener = http.createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('end', () => {
      serve(readRequest(incoming, Buffer.concat(chunks)), response).catch((error) => {
        violations.push(`the proxy failed: ${error}`);
        response.socket?.destroy();
      });
    });
  });
  return new Promise((resolve, reject) => {
    listener.on('error', reject);
    listener.listen(0, '127.0.0.1', () => {
      const { port } = listener.address() as net.AddressInfo;
      const forget = () => {
        calls.length = 0;
        violations.length = 0;
      };
      const close = () =>
        new Promise<void>((closed) => {
          listener.close(() => closed());
          listener.closeAllConnections();
        });
      const url = `http://127.0.0.1:${port}`;
      resolve({ url, host: '127.0.0.1', port, calls: () => [...calls], violations: () => [...violations], forget, close });
    });
  });
}

type Request = Omit<AwsCall, 'input' | 'nth'> & {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  /** Null where the service speaks another protocol than Query: of JSON that is held against the model too, of others nothing. */
  readonly form: URLSearchParams | null;
  readonly reading: Reading;
};

type Answer = { readonly status: number; readonly headers: http.OutgoingHttpHeaders; readonly body: Buffer };

const XML = { 'content-type': 'text/xml' };

function readRequest({ method = '', url = '', headers }: http.IncomingMessage, body: Buffer): Request {
  const signed = /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\//.exec(headers.authorization ?? '');
  const form = new URLSearchParams(body.toString('utf8'));
  // AssumeRoleWithWebIdentity is not signed: its version, which no other service has, tells it
  const unsigned = form.get('Version') === '2011-06-15' ? 'sts' : '';
  const [, accessKeyId = '', region = '', service = unsigned] = signed ?? [];
  const common = { method, path: url, headers, body, accessKeyId, region, service };
  const target = headers['x-amz-target'];
  if (typeof target === 'string') {
    const value = JSON.parse(body.toString('utf8') || '{}') as Reading['value'];
    return { ...common, operation: target.split('.').at(-1) ?? '', form: null, reading: { value, problems: [] } };
  }
  const operation = form.get('Action') ?? '';
  if (modelOf(service)?.metadata.protocol === 'query') return { ...common, operation, form, reading: readForm(service, operation, form) };
  return { ...common, operation, form: null, reading: { value: Object.fromEntries(form), problems: [] } };
}

async function answered(port: number, request: Request, pageSize: number | undefined): Promise<Answer> {
  const { form } = request;
  if (form === null || pageSize === undefined) return await forward(port, request, request.body);
  const ask = async (asked: URLSearchParams): Promise<Element | null> => {
    const { status, body } = await forward(port, request, Buffer.from(asked.toString()));
    return status === 200 ? parseXml(body.toString('utf8')) : null;
  };
  const cut = await page(request.service, form, pageSize, ask);
  return cut ? { status: 200, headers: XML, body: Buffer.from(writeXml(cut)) } : await forward(port, request, request.body);
}

function forward(port: number, { method, path, headers }: Request, body: Buffer): Promise<Answer> {
  const { 'content-length': _, 'transfer-encoding': __, connection: ___, ...kept } = headers;
  return new Promise((resolve, reject) => {
    const sent = { ...kept, 'content-length': body.length };
    const upstream = http.request({ host: '127.0.0.1', port, method, path, headers: sent, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 502, headers: contentType(answer.headers), body: Buffer.concat(chunks) }),
      );
    });
    upstream.on('error', reject);
    upstream.end(body);
  });
}

function contentType({ 'content-type': type }: http.IncomingHttpHeaders): http.OutgoingHttpHeaders {
  return type === undefined ? {} : { 'content-type': type };
}

function reply(response: http.ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.end(body);
}

/** What is wrong with an answer of the emulator by AWS's model. */
function violationsOf({ form, service, operation }: Request, { status, body }: Answer): string[] {
  if (form === null) return modelOf(service)?.metadata.protocol === 'json' ? jsonViolations(service, operation, status, body) : [];
  try {
    const root = parseXml(body.toString('utf8'));
    if (status >= 300) return errorViolations(service, operation, status, root);
    const { value, problems } = readAnswer(service, operation, root);
    return [...problems, ...check(service, operation, 'output', value)];
  } catch (error) {
    return [`${operation} answer: ${(error as Error).message}`];
  }
}

function jsonViolations(service: string, operation: string, status: number, body: Buffer): string[] {
  try {
    const value = JSON.parse(body.toString('utf8') || '{}') as { readonly __type?: string };
    return status < 300 ? check(service, operation, 'output', value) : checkError(service, operation, value.__type ?? '', status);
  } catch (error) {
    return [`${operation} answer: ${(error as Error).message}`];
  }
}

function errorViolations(service: string, operation: string, status: number, root: Element): string[] {
  const error = child(root, 'Error');
  const code = child(error, 'Code')?.text;
  if (root.name !== 'ErrorResponse' || code === undefined) return [`${operation} error: <${root.name}> without <Error><Code>`];
  return checkError(service, operation, code, status);
}
