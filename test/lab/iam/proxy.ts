import net from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import pg from 'pg';
import { type CertificateOptions, issueCertificate } from '../certificate.ts';
import type { Postgres } from '../postgres.ts';
import { type Counted, LOGS_IN_BY_IAM } from './membership.ts';
import { clearTextPassword, fatal, type Opening, opening } from './startup.ts';

/** Lets in whom the front has checked: for `hba` of a server with a front. Nobody else gets into the folder of its socket. */
export const BEHIND_FRONT = 'local all all trust';

/** What became of a token. `principal`: whose it is, where that is known. */
export type Verdict =
  | { readonly ok: true; readonly principal?: string }
  | { readonly ok: false; readonly reason: string; readonly principal?: string };

export type FrontOptions = {
  /** Is it a good token for this user, now? */
  readonly verify: (token: string, user: string) => Promise<Verdict> | Verdict;
  /** Host names of its certificate; by default localhost, and 127.0.0.1. */
  readonly names?: CertificateOptions['names'];
  /** Default 'usable'. */
  readonly counted?: Counted;
  /** false: as `rds.force_ssl = 0`, the default of RDS before 15: passwords need no TLS. Tokens always do. */
  readonly forceTls?: boolean;
  /** Hears of each decision when it is made. */
  readonly onDecision?: (decision: Decision) => void;
};

/** One attempt to log in, and what the front made of it. No secret is in it. */
export type Decision = {
  readonly user: string;
  readonly database: string;
  readonly tls: boolean;
  /** `password`: left to the server, which may still refuse. */
  readonly outcome: 'token' | 'password' | 'refused';
  readonly reason?: string;
  readonly principal?: string;
};

/** What clients connect to in place of the server. */
export type IamFront = {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** PEM of the authority that signed its certificate. */
  readonly authority: string;
  /** Every attempt so far that got as far as saying who it is. */
  readonly log: () => readonly Decision[];
  readonly close: () => Promise<void>;
};

/**
 * Stands before a server of the lab as RDS does before its PostgreSQL: speaks TLS, wants a token of whoever is in rds_iam, and
 * leaves passwords to the server. The server needs `BEHIND_FRONT` among its `hba` lines; it sees those who came by token on its
 * socket, so `inet_client_addr()` and `pg_stat_ssl` know nothing of them.
 */
export async function startIamFront(server: Postgres, options: FrontOptions): Promise<IamFront> {
  const issued = issueCertificate(options.names ? { names: options.names } : {});
  const context = tls.createSecureContext({ key: issued.key, cert: issued.certificate });
  const admin = new pg.Pool({ connectionString: server.superuserUrl(), max: 2, idleTimeoutMillis: 1000, allowExitOnIdle: true });
  admin.on('error', () => {});
  const open = new Set<net.Socket>();
  const log: Decision[] = [];

  const needsToken = async (user: string): Promise<boolean> =>
    (await admin.query<{ iam: boolean }>(LOGS_IN_BY_IAM, [user, options.counted ?? 'usable'])).rows[0]?.iam === true;
  const listener = net.createServer((client) => {
    open.add(client);
    client.on('close', () => open.delete(client));
    client.on('error', () => {});
    client.setNoDelay();
    serve(client).catch(() => client.destroy());
  });
  const serve = async (raw: net.Socket): Promise<void> => {
    const begun = await opening(raw, context, server.major >= 17);
    if (begun.kind === 'cancel') return relay(begun, net.connect(server.port, server.host));
    const decision = await decide(begun, server, needsToken, options);
    const { user, database, secure } = begun;
    const entry = { user, database, tls: secure, ...decision.log };
    log.push(entry);
    options.onDecision?.(entry);
    if (decision.refusal) begun.client.end(decision.refusal);
    else relay(begun, decision.log.outcome === 'token' ? net.connect(socketOf(server)) : net.connect(server.port, server.host));
  };

  await new Promise<void>((resolve, reject) => listener.on('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port: (listener.address() as net.AddressInfo).port,
    authority: issued.authority,
    log: () => [...log],
    close: async () => {
      const closed = new Promise((resolve) => listener.close(resolve));
      for (const client of open) client.destroy();
      await Promise.all([closed, admin.end()]);
    },
  };
}

type Decided = { readonly log: Pick<Decision, 'outcome' | 'reason' | 'principal'>; readonly refusal?: Buffer };

async function decide(
  { client, user, database, secure }: Extract<Opening, { kind: 'start' }>,
  { major }: Postgres,
  needsToken: (user: string) => Promise<boolean>,
  { verify, forceTls = true }: FrontOptions,
): Promise<Decided> {
  const refused = (reason: string, text: string, principal?: string): Decided => ({
    log: { outcome: 'refused', reason, ...(principal === undefined ? {} : { principal }) },
    refusal: fatal('28000', text),
  });
  // 14 found other words for it
  const unencrypted = `for host "127.0.0.1", user "${user}", database "${database}", ${major < 14 ? 'SSL off' : 'no encryption'}`;
  if (!secure && forceTls) return refused('no TLS', `no pg_hba.conf entry ${unencrypted}`);
  if (!(await needsToken(user))) return { log: { outcome: 'password' } };
  if (!secure) return refused('no TLS', `pg_hba.conf rejects connection ${unencrypted}`);
  const token = await clearTextPassword(client).catch(() => null);
  const verdict = token === null ? { ok: false as const, reason: 'no token was sent' } : await verdictOf(verify, token, user);
  if (!verdict.ok) return refused(verdict.reason, `PAM authentication failed for user "${user}"`, verdict.principal);
  return { log: { outcome: 'token', ...(verdict.principal === undefined ? {} : { principal: verdict.principal }) } };
}

/** Who cannot be asked about has not been let in. */
async function verdictOf(verify: FrontOptions['verify'], token: string, user: string): Promise<Verdict> {
  try {
    return await verify(token, user);
  } catch (error) {
    return { ok: false, reason: `internal error: ${error instanceof Error ? error.message : error}` };
  }
}

/** Hands the connection over: the server reads the start-up packet itself, and answers whatever comes. */
function relay({ client, packet }: Opening, server: net.Socket): void {
  server.setNoDelay();
  server.write(packet);
  server.on('error', () => client.destroy());
  server.on('close', () => client.end());
  client.on('error', () => server.destroy());
  client.on('close', () => server.destroy());
  (client as Duplex).pipe(server).pipe(client);
}

/** The server's socket is in the folder that holds its data. */
function socketOf(server: Postgres): string {
  return path.join(path.dirname(server.dataDir), `.s.PGSQL.${server.port}`);
}
