import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type GitHubEmulator, OWNER, type Permissions, startEmulator, tokenOf, WRITERS } from './emulator.ts';
import { type Answer, type Asked, missingRoutes, newState, type RoutesState, type World } from './missing-routes.ts';
import { type Exchange, judge } from './openapi.ts';

/*
 * GitHub as the action sees it: the emulator behind a proxy that records and judges every exchange, answers what the emulator lacks,
 * and fails on purpose.
 */

export type Recorded = Exchange & { readonly by: 'emulator' | 'stand-in' | 'fault'; readonly authorization: string };

/** What goes wrong: an answer instead of GitHub's, or none at all. */
export type Fault = {
  readonly method?: string;
  /** Matched against path and query. */
  readonly path: RegExp;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly message?: string;
  /** The connection is reset: before GitHub heard of it, or after it did what was asked. */
  readonly reset?: 'before' | 'after';
  /** So many times; default: always. */
  readonly times?: number;
};

export type GitHub = {
  /** GITHUB_API_URL; with `/api/v3` behind it, that of an Enterprise Server. */
  readonly url: string;
  readonly repository: World['repository'] & { readonly fullName: string; readonly isPrivate: boolean };
  readonly exchanges: readonly Recorded[];
  /** What we sent that GitHub's description does not allow, and what the stand-in answered wrongly. */
  readonly violations: () => readonly string[];
  readonly fail: (fault: Fault) => void;
  /** Forgets the faults. */
  readonly heal: () => void;
  readonly state: RoutesState;
  /** `github.token` of a job with these permissions; it comments as `github-actions[bot]`. */
  readonly token: (permissions?: Permissions) => Promise<string>;
  /** What a person does in the browser; not recorded. Throws where GitHub refuses. */
  readonly as: (login: string, method: string, path: string, body?: unknown) => Promise<never>;
  readonly close: () => Promise<void>;
};

/** Faults of GitHub with the words that its clients look for. */
export const FAULTS = {
  rateLimit: { status: 403, headers: { 'x-ratelimit-remaining': '0' }, message: 'API rate limit exceeded for installation.' },
  secondaryRateLimit: { status: 403, headers: { 'retry-after': '1' }, message: 'You have exceeded a secondary rate limit.' },
  tooMany: { status: 429, headers: { 'retry-after': '1' }, message: 'Too many requests' },
  forbidden: { status: 403, message: 'Resource not accessible by integration' },
  unauthorized: { status: 401, message: 'Bad credentials' },
  unprocessable: { status: 422, message: 'Validation Failed' },
  trouble: { status: 502, message: 'Server Error' },
} as const satisfies Readonly<Record<string, Omit<Fault, 'path'>>>;

/** Starts a GitHub with one repository, `acme/access`. */
export const startGitHub = async (options: { readonly name?: string; readonly isPrivate?: boolean } = {}): Promise<GitHub> => {
  const { name = 'access', isPrivate = true } = options;
  const server = http.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const emulator = await startEmulator(url, { name, isPrivate });
  const as = askAs(emulator);
  const base = `/repos/${OWNER.login}/${name}`;
  const { id } = (await as(OWNER.login, 'GET', base)) as { readonly id: number };
  for (const login of WRITERS) await as(OWNER.login, 'PUT', `${base}/collaborators/${login}`, { permission: 'push' });
  const repository = { owner: OWNER.login, name, id, fullName: `${OWNER.login}/${name}`, isPrivate };
  const state = newState();
  const exchanges: Recorded[] = [];
  const faults: (Fault & { left: number })[] = [];
  const world: World = { url, repository, ask: (method, path) => as(OWNER.login, method, path) };
  server.on('request', serve({ emulator, answer: missingRoutes(state, world), exchanges, faults }));
  return {
    url,
    repository,
    exchanges,
    violations: () => violationsOf(exchanges),
    fail: (fault) => void faults.push({ ...fault, left: fault.times ?? Number.POSITIVE_INFINITY }),
    heal: () => void faults.splice(0),
    state,
    token: (permissions = DEFAULT_PERMISSIONS) => emulator.token(permissions),
    as,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await emulator.close();
    },
  };
};

const DEFAULT_PERMISSIONS: Permissions = { contents: 'read', pull_requests: 'write', issues: 'write', actions: 'read', metadata: 'read' };

const askAs =
  (emulator: GitHubEmulator) =>
  async (login: string, method: string, path: string, body?: unknown): Promise<never> => {
    const answer = await fetch(`${emulator.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${tokenOf(login)}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as never;
  };

type Parts = {
  readonly emulator: GitHubEmulator;
  readonly answer: (asked: Asked) => Promise<Answer | null>;
  readonly exchanges: Recorded[];
  readonly faults: (Fault & { left: number })[];
};

const serve =
  (parts: Parts): http.RequestListener =>
  (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      handle(parts, request, response, Buffer.concat(chunks)).catch((error: unknown) => {
        response.writeHead(599, { 'content-type': 'text/plain' }).end(String(error));
      });
    });
  };

const handle = async (
  { emulator, answer, exchanges, faults }: Parts,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  body: Buffer,
) => {
  // An Enterprise Server has its API below /api.
  const path = (request.url ?? '/').replace(/^\/api\/v3(?=\/)/, '').replace(/^\/api\/graphql/, '/graphql');
  const method = request.method ?? 'GET';
  const fault = faults.find((one) => one.left > 0 && (one.method ?? method) === method && one.path.test(path));
  if (fault) fault.left--;
  if (fault?.reset === 'before') return void request.socket.destroy();
  const injected = fault?.status === undefined ? null : faultAnswer(fault);
  const own = injected ?? (await answer({ method, path, body }));
  const given = own ?? (await forward(emulator.url + path, request, body));
  if (!path.startsWith('/_') && !path.startsWith('/twirp/'))
    exchanges.push({
      method,
      path,
      status: given.status,
      request: jsonOf(body),
      response: given.body,
      by: injected ? 'fault' : own ? 'stand-in' : 'emulator',
      authorization: request.headers.authorization ?? '',
    });
  if (fault?.reset === 'after') return void request.socket.destroy();
  const payload = given.bytes ?? (given.body === undefined ? '' : JSON.stringify(given.body));
  response.writeHead(given.status, { 'content-type': 'application/json; charset=utf-8', ...given.headers }).end(payload);
};

const faultAnswer = ({ status = 500, headers = {}, message = 'Server Error' }: Fault): Answer => ({ status, headers, body: { message } });

const forward = async (url: string, request: http.IncomingMessage, body: Buffer): Promise<Answer> => {
  const { authorization, accept } = request.headers;
  const answer = await fetch(url, {
    method: request.method ?? 'GET',
    headers: { 'content-type': 'application/json', ...(authorization ? { authorization } : {}), ...(accept ? { accept } : {}) },
    ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
    redirect: 'manual',
  });
  const headers = Object.fromEntries(
    ['link', 'location', 'etag'].flatMap((name) => (answer.headers.has(name) ? [[name, answer.headers.get(name)!]] : [])),
  );
  const bytes = Buffer.from(await answer.arrayBuffer());
  const json = jsonOf(bytes);
  return json === undefined ? { status: answer.status, bytes, headers } : { status: answer.status, body: json, headers };
};

const jsonOf = (bytes: Buffer): unknown => {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
};

const violationsOf = (exchanges: readonly Recorded[]): readonly string[] => {
  const found = exchanges.flatMap((exchange) => {
    if (exchange.path === '/graphql' || exchange.by === 'fault') return [];
    const { request, response } = judge(exchange);
    return exchange.by === 'stand-in' ? [...request, ...response] : request;
  });
  return [...new Set(found)];
};
