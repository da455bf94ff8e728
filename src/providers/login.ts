import { readFile } from 'node:fs/promises';
import type { Reference, Target } from '../model/declared.ts';
import { Failure, type Finding, failure } from '../model/finding.ts';
import { rdsHost } from '../model/rds-host.ts';
import { rdsAuthorities } from './authorities.ts';
import { lookedUp, placeOf } from './lookup.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a finding about a target belongs. */
export const at = (target: Target): Pick<Finding, 'target' | 'source'> => ({ target: target.name, source: target.source });

/** Whom the manifest lets log in; undefined: it leaves that to the environment. */
export const userOf = (target: Target, as: 'plan' | 'apply'): string | undefined =>
  as === 'plan' ? (target.login.planUser ?? target.login.user) : target.login.user;

export const nobody = (target: Target, hint: string): Failure =>
  failure('connect/no-user', `target '${target.name}': nobody to log in as`, { ...at(target), hint });

/** A driver would send a token to whoever answers, and in the clear where there is no TLS. */
export const checkTokenLogin = (target: Target): void => {
  const { endpoint, login, name } = target;
  if (endpoint.kind !== 'explicit') {
    throw failure('connect/iam', `target '${name}': its login is by IAM, and a token is for an endpoint that the manifest names`, {
      ...at(target),
      hint: 'write rds: { cluster: …, region: … } or endpoint: { host: … }',
    });
  }
  if (endpoint.tls !== 'verify-full') {
    throw failure(
      'connect/iam-needs-tls',
      `target '${name}': its login is by IAM, and 'tls: ${endpoint.tls}' would show the token to others`,
      {
        ...at(target),
        hint: "write tls: verify-full, or leave 'tls' out",
      },
    );
  }
  if (!login.token) {
    throw failure('connect/iam', `target '${name}': its login is by IAM, and it was not looked up in AWS`, {
      ...at(target),
      hint: 'correct what else is said of this target first',
    });
  }
};

/** What a user logs in with: a fresh token, or the password that the manifest refers to; undefined: it refers to none. */
export const credentialOf = async (target: Target, user: string, env: Environment): Promise<string | undefined> => {
  const { auth, password } = target.login;
  return auth === 'iam' ? await tokenOf(target, user) : password && (await secretOf(password, target, env));
};

const tokenOf = async (target: Target, user: string): Promise<string | undefined> => {
  try {
    return await target.login.token?.(user);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(
      error.findings.map((finding) => ({ ...finding, ...at(target), message: `target '${target.name}': ${finding.message}` })),
      error.exitCode,
    );
  }
};

/** The password that a login's reference stands for. */
export const secretOf = async (reference: Reference, target: Target, env: Environment): Promise<string> => {
  if (reference.source === 'secret')
    return await lookedUp(reference, target.secrets, `target '${target.name}': the password of its login`, at(target));
  const value = env[reference.name];
  if (value) return value;
  const state = value === undefined ? 'is not set' : 'is empty';
  throw failure(
    'connect/no-variable',
    `target '${target.name}': the environment variable '${reference.name}' ${state}, but its login's password is '${reference.text}'`,
    {
      ...placeOf(reference, at(target)),
      hint: `set ${reference.name} to the password of the login`,
    },
  );
};

/** What whoever logged in with a wrong password does next. */
export const checkPassword = ({ login }: Pick<Target, 'login'>): string =>
  login.password === undefined ? 'check the password' : `check the value of '${login.password.text}'`;

/** An endpoint of RDS itself is signed by RDS, unless the manifest knows better; one of RDS Proxy by those whom Node trusts. */
export const authoritiesOf = async (target: Target): Promise<string | undefined> => {
  if (target.endpoint.kind !== 'explicit') return undefined;
  const { host, ca } = target.endpoint;
  if (ca === 'rds' || (ca === undefined && rdsHost(host)?.proxy === false)) return await rdsAuthorities();
  return ca === undefined ? undefined : await authorityIn(ca, target, "'ca'");
};

/** The PEM text of a file; `named`: where its name stands. */
export const authorityIn = async (file: string, target: Target, named: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw failure(
      'connect/no-ca',
      `target '${target.name}': the CA file '${file}' cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
      {
        ...at(target),
        hint: `name a PEM file with the authority's certificate in ${named}`,
      },
    );
  }
};

/** A password that crosses the network without a verified server: warned of, except on loopback (it stays on the machine). `unencrypted`: what becomes of it without TLS. */
export const unverifiedLogin = ({ name, endpoint, login, source }: Target, unencrypted: string): Finding[] => {
  if (endpoint.kind !== 'explicit' || endpoint.tls === 'verify-full' || login.auth !== 'password' || isLoopback(endpoint.host)) return [];
  const what = endpoint.tls === 'disable' ? unencrypted : 'is sent to a server whose certificate is not verified';
  return [
    {
      severity: 'warning',
      code: 'connect/unverified',
      message: `target '${name}': the password of its login ${what} ('tls: ${endpoint.tls}', host '${endpoint.host}')`,
      hint: "use 'tls: verify-full' and name the authority's certificate in 'ca'",
      target: name,
      source,
    },
  ];
};

/** Names and addresses of this machine, and sockets. */
export const isLoopback = (host: string): boolean =>
  host.startsWith('/') || host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
