import type { Target } from '../../model/declared.ts';
import { failure } from '../../model/finding.ts';
import { at, authoritiesOf, checkTokenLogin, credentialOf, type Environment, nobody, userOf } from '../login.ts';

/** Where a connection goes and as whom. `ca` is a PEM text; undefined: the authorities that Node trusts. */
export type Address = {
  readonly host: string;
  readonly port: number;
  /** What is dialled instead (a tunnel): the certificate stays that of `host`. */
  readonly via?: { readonly host: string; readonly port: number };
  readonly user: string;
  /** Or a token. undefined: none is known. */
  readonly password: string | undefined;
  readonly tls: 'verify-full' | 'require' | 'disable';
  readonly ca: string | undefined;
};

/**
 * Resolves a target to an address: looks up the password or makes a token, reads the authorities. Throws a Failure for what is
 * missing. A token is good for one connection: each has an address of its own.
 */
export const addressOf = async (target: Target, as: 'plan' | 'apply', env: Environment): Promise<Address> => {
  if (target.login.auth === 'iam') checkTokenLogin(target);
  const { endpoint } = target;
  if (endpoint.kind !== 'explicit') {
    throw failure('connect/not-found', `target '${target.name}': where it is was not looked up`, {
      ...at(target),
      hint:
        endpoint.kind === 'env'
          ? "'endpoint: env' is for PostgreSQL: write endpoint: { host: … } or rds: { … }"
          : 'correct what else is said of this target first',
    });
  }
  const user = userOf(target, as);
  if (user === undefined) throw nobody(target, "write 'login: { user: … }'");
  return {
    host: endpoint.host,
    port: endpoint.port,
    user,
    password: await credentialOf(target, user, env),
    tls: endpoint.tls,
    ca: endpoint.tls === 'verify-full' ? await authoritiesOf(target) : undefined,
    ...(endpoint.via ? { via: endpoint.via } : {}),
  };
};
