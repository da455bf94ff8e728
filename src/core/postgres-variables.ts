import type { Target } from '../model/declared.ts';
import { failure } from '../model/finding.ts';
import { rdsHost } from '../model/rds-host.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * postgres-user-manager's variables count when POSTGRES_HOST is the only one that names a server. They are one set: none is mixed
 * with libpq's, so that no password goes to a server that it is not for.
 */
const counts = (env: Environment): boolean => Boolean(env.POSTGRES_HOST) && !env.DATABASE_URL && !env.PGHOST;

/** The environment in libpq's words. What is left out of postgres-user-manager's is what that tool takes. */
export const libpqVariables = (env: Environment): Environment =>
  counts(env)
    ? {
        ...env,
        PGHOST: env.POSTGRES_HOST,
        PGPORT: env.POSTGRES_PORT || '5432',
        PGUSER: env.POSTGRES_USER || 'postgres',
        PGPASSWORD: env.POSTGRES_PASSWORD,
        PGDATABASE: env.POSTGRES_DB || 'postgres',
        PGSSLMODE: env.POSTGRES_SSLMODE || 'require',
      }
    : env;

/** The SSL mode that postgres-user-manager's variables ask for; undefined where they do not count. */
export const postgresSslMode = (env: Environment): { readonly host: string; readonly mode: string } | undefined =>
  counts(env) ? { host: env.POSTGRES_HOST!, mode: env.POSTGRES_SSLMODE || 'require' } : undefined;

/**
 * A target of `endpoint: env` whose login is by IAM, or with POSTGRES_IAM_AUTH=true, as the endpoint that a token is for: TLS is
 * verified, whatever POSTGRES_SSLMODE says. The region is in the endpoint's name, else in AWS_REGION. Any other target as it is.
 */
export const tokenTarget = (target: Target, env: Environment): Target => {
  const { endpoint, login } = target;
  if (endpoint.kind !== 'env') return target;
  const iam = login.auth === 'iam' || (login.password === undefined && counts(env) && wantsIam(target, env));
  const { PGHOST: host, PGPORT: port = '5432', PGUSER, PGSSLROOTCERT: ca } = libpqVariables(env);
  if (!iam || !host || env.DATABASE_URL) return target;
  const region = rdsHost(host)?.region ? undefined : env.AWS_REGION || env.AWS_DEFAULT_REGION;
  const user = login.user ?? PGUSER;
  return {
    ...target,
    endpoint: {
      kind: 'explicit',
      host,
      port: Number(port),
      tls: 'verify-full',
      ...(ca ? { ca } : {}),
      ...(region ? { aws: { region } } : {}),
    },
    login: { ...login, ...(user === undefined ? {} : { user }), auth: 'iam' },
  };
};

const wantsIam = (target: Target, { POSTGRES_IAM_AUTH: wanted = '' }: Environment): boolean => {
  if (wanted === 'true') return true;
  if (wanted === '' || wanted === 'false') return false;
  throw failure('connect/iam-auth', `target '${target.name}': POSTGRES_IAM_AUTH is '${wanted}', expected true or false`, {
    target: target.name,
    source: target.source,
  });
};
