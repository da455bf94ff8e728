import { createSign, generateKeyPairSync } from 'node:crypto';
import net from 'node:net';
import { createEmulator, type Emulator } from 'emulate';

/* npm `emulate`: users, repositories, git, pull requests, comments, issues, labels and Apps' tokens with their permissions. */

export type Permissions = Readonly<Record<string, 'read' | 'write'>>;

export type GitHubEmulator = {
  readonly url: string;
  /** A token of the App that comments as `github-actions[bot]`, with just these permissions. */
  readonly token: (permissions: Permissions) => Promise<string>;
  readonly close: () => Promise<void>;
};

const APP = { id: 15368, installation: 1001 };
/** A person who owns the repositories: what tests do by hand is done with it. */
export const OWNER = { login: 'acme', token: 'ghp_owner' } as const;
/** Who may write as well. */
export const WRITERS = ['jane', 'lead'] as const;
/** Who else there is; `mallory` may only read what is public. */
const PEOPLE = [...WRITERS, 'mallory'] as const;
export const tokenOf = (login: string): string => (login === OWNER.login ? OWNER.token : `ghp_${login}`);

/** Starts it on 127.0.0.1; `publicUrl` is what its answers call themselves. */
export const startEmulator = async (
  publicUrl: string,
  repository: { readonly name: string; readonly isPrivate: boolean },
): Promise<GitHubEmulator> => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const all: Permissions = { contents: 'write', issues: 'write', pull_requests: 'write', actions: 'read', metadata: 'read' };
  const installations = [{ installation_id: APP.installation, account: OWNER.login, permissions: all }];
  const seed = {
    tokens: Object.fromEntries([OWNER.login, ...PEOPLE].map((login) => [tokenOf(login), { login, scopes: ['repo', 'user'] }])),
    github: {
      users: [OWNER.login, ...PEOPLE].map((login) => ({ login })),
      repos: [{ owner: OWNER.login, name: repository.name, private: repository.isPrivate, auto_init: true }],
      apps: [
        {
          app_id: APP.id,
          slug: 'github-actions',
          name: 'GitHub Actions',
          private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
          permissions: all,
          installations,
        },
      ],
    },
  };
  const { emulator, port } = await onLoopback((free) => createEmulator({ service: 'github', port: free, baseUrl: publicUrl, seed }));
  const url = `http://127.0.0.1:${port}`;
  return { url, token: (permissions) => installationToken(url, privateKey, permissions), close: () => emulator.close() };
};

/** It would listen on every interface, and cannot tell which free port it got. */
const onLoopback = async (start: (port: number) => Promise<Emulator>): Promise<{ readonly emulator: Emulator; readonly port: number }> => {
  const { listen } = net.Server.prototype;
  let server: net.Server | undefined;
  net.Server.prototype.listen = function (this: net.Server, _port: unknown, ...rest: unknown[]) {
    server = this;
    const listening = rest.find((argument) => typeof argument === 'function') as (() => void) | undefined;
    return listen.call(this, { port: 0, host: '127.0.0.1' }, listening);
  } as typeof listen;
  try {
    const emulator = await start(0);
    if (!server) throw new Error('the emulator opened no server');
    if (!server.listening) await new Promise((resolve) => server!.once('listening', resolve));
    return { emulator, port: (server.address() as net.AddressInfo).port };
  } finally {
    net.Server.prototype.listen = listen;
  }
};

const installationToken = async (
  url: string,
  key: Parameters<ReturnType<typeof createSign>['sign']>[0],
  permissions: Permissions,
): Promise<string> => {
  const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const unsigned = `${encoded({ alg: 'RS256', typ: 'JWT' })}.${encoded({ iat: now - 60, exp: now + 300, iss: String(APP.id) })}`;
  const jwt = `${unsigned}.${createSign('RSA-SHA256').update(unsigned).sign(key, 'base64url')}`;
  const answer = await fetch(`${url}/app/installations/${APP.installation}/access_tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' },
    body: JSON.stringify({ permissions }),
  });
  const { token } = (await answer.json()) as { readonly token?: string };
  if (token === undefined) throw new Error(`no token: ${answer.status}`);
  return token;
};
