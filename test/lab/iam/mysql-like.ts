import { REGION } from '../aws/moto.ts';
import { findBuild, type Version } from '../mysql/builds.ts';
import { type Mysql, startMysql } from '../mysql/server.ts';
import type { Emulator } from './authorise.ts';
import { startTokenVerifier, type TokenVerifier } from './plugin.ts';
import { register } from './registered.ts';

export type MysqlLikeOptions = {
  /** The AWS emulator; a proxy before it does as well. */
  readonly moto: Emulator;
  readonly version: Version;
  /** Default: an Aurora cluster with one instance; MariaDB is an instance. */
  readonly kind?: 'cluster' | 'instance';
  /** Default 'billing-prod'. */
  readonly identifier?: string;
  /** Default true; the emulator's own flag decides at each login. */
  readonly iamAuthentication?: boolean;
};

/** A server that an RDS API describes, and that lets in by token whom the policies in it let in: its plugin is our stand-in. */
export type MysqlLike = {
  readonly server: Mysql;
  readonly kind: 'cluster' | 'instance';
  readonly identifier: string;
  /** What the RDS API says, certificate and tokens are for, and nobody can dial. */
  readonly endpoint: { readonly host: string; readonly port: number };
  /** What to dial instead. */
  readonly via: { readonly host: '127.0.0.1'; readonly port: number };
  readonly caFile: string;
  /** What `rds-db:connect` has to be allowed on. */
  readonly arn: (user: string) => string;
  /** What became of each token so far. */
  readonly log: TokenVerifier['log'];
  readonly stop: () => Promise<void>;
};

/** Starts a server of MySQL or MariaDB, known to the emulator as a cluster or instance. */
export async function startMysqlLike(options: MysqlLikeOptions): Promise<MysqlLike> {
  const { moto, version, identifier = 'billing-prod', iamAuthentication = true } = options;
  const { flavour, release } = findBuild(version);
  const kind = flavour === 'mariadb' ? 'instance' : (options.kind ?? 'cluster');
  const engine = kind === 'cluster' ? 'aurora-mysql' : flavour;
  const entry = await register(moto, { kind, engine, identifier, iamAuthentication, region: REGION, version: release, port: 3306 });
  const verifier = await startTokenVerifier(entry.verify);
  const server = await startMysql(version, { ...verifier.options, tls: { names: [entry.host] } });
  await server.query(server.superuser, verifier.install);
  return {
    server,
    kind,
    identifier,
    endpoint: { host: entry.host, port: entry.port },
    via: { host: server.host, port: server.port },
    caFile: server.caFile!,
    arn: entry.arn,
    log: verifier.log,
    stop: async () => {
      await server.stop();
      await verifier.close();
      await entry.forget();
    },
  };
}
