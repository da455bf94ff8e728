import fs from 'node:fs';
import path from 'node:path';
import type pg from 'pg';
import { REGION } from '../aws/moto.ts';
import { type Postgres, type ServerOptions, startPostgres } from '../postgres.ts';
import type { Emulator } from './authorise.ts';
import { BEHIND_FRONT, type FrontOptions, type IamFront, startIamFront } from './proxy.ts';
import { register } from './registered.ts';

export type RdsLikeOptions = Pick<FrontOptions, 'counted' | 'forceTls' | 'onDecision'> & {
  /** The AWS emulator; a proxy before it does as well. */
  readonly moto: Emulator;
  /** Default 17. */
  readonly major?: number;
  /** Default: an Aurora cluster with one instance. */
  readonly kind?: 'cluster' | 'instance';
  /** Default 'orders-prod'. */
  readonly identifier?: string;
  readonly region?: string;
  /** Default true; the emulator's own flag decides at each login. */
  readonly iamAuthentication?: boolean;
  readonly settings?: ServerOptions['settings'];
};

/** A server that an RDS API describes, and that lets in whom the policies in it let in. */
export type RdsLike = {
  /** The server itself, behind the front: for what only its superuser can do. */
  readonly server: Postgres;
  readonly front: IamFront;
  readonly kind: 'cluster' | 'instance';
  readonly identifier: string;
  readonly region: string;
  readonly account: string;
  /** `cluster-…` or `db-…`. */
  readonly resource: string;
  /** What the RDS API says, certificate and tokens are for, and nobody can dial. */
  readonly endpoint: { readonly host: string; readonly port: number };
  /** What to dial instead. */
  readonly via: { readonly host: '127.0.0.1'; readonly port: number };
  /** The authority that signed the certificate. */
  readonly caFile: string;
  /** What `rds-db:connect` has to be allowed on. */
  readonly arn: (user: string) => string;
  /** For `pg`: dials the front and verifies its certificate for the endpoint. */
  readonly clientConfig: (user: string, password: pg.ClientConfig['password'], database?: string) => pg.ClientConfig;
  readonly stop: () => Promise<void>;
};

/** Starts a PostgreSQL server with a front, known to the emulator as a cluster or instance. */
export async function startRdsLike(options: RdsLikeOptions): Promise<RdsLike> {
  const { moto, region = REGION, settings = {} } = options;
  const server = await startPostgres(options.major ?? 17, { rdsLike: true, hba: BEHIND_FRONT, settings });
  const { kind = 'cluster', identifier = 'orders-prod', iamAuthentication = true } = options;
  const engine = kind === 'cluster' ? 'aurora-postgresql' : 'postgres';
  const entry = await register(moto, { kind, engine, identifier, iamAuthentication, region, version: server.version, port: 5432 });
  const { host, port, resource, account, arn, verify } = entry;
  const front = await startIamFront(server, { ...options, verify, names: [host] });
  const caFile = path.join(path.dirname(server.dataDir), 'front-ca.pem');
  fs.writeFileSync(caFile, front.authority, { mode: 0o644 });
  const via = { host: front.host, port: front.port };

  return {
    server,
    front,
    kind,
    identifier,
    region,
    account,
    resource,
    endpoint: { host, port },
    via,
    caFile,
    arn,
    clientConfig: (user, password, database = 'postgres') => {
      const login = { user, database, ...(password === undefined ? {} : { password }) };
      return { ...via, ...login, ssl: { ca: front.authority, servername: host }, connectionTimeoutMillis: 10_000 };
    },
    stop: async () => {
      await front.close();
      await server.stop();
      await entry.forget();
    },
  };
}
