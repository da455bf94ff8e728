import { failure } from '../../model/finding.ts';
import { rdsHost } from '../../model/rds-host.ts';
import type { Credentials } from './connect.ts';

/** Where a token is good, as whom, and who asks. `host` and `port` are those of the endpoint itself, whatever is dialled. */
export type TokenRequest = {
  readonly host: string;
  readonly port: number;
  readonly region: string;
  readonly user: string;
  readonly credentials: Credentials;
};

/**
 * A token to log in with in place of a password, good for 15 minutes and no longer than the credentials. Made here, without a word to
 * AWS: that there is one says nothing about whether it is let in. Throws a Failure for what the signer would sign in silence.
 */
export const tokenFor = async ({ port, region, user, credentials, ...request }: TokenRequest): Promise<string> => {
  const host = request.host.toLowerCase().replace(/\.$/, '');
  checkRequest(host, port, region, user);
  const { Signer } = await import('@aws-sdk/rds-signer');
  const keys = await credentials();
  if (keys.expiration && keys.expiration.getTime() <= Date.now()) {
    throw failure('aws/expired-credentials', 'the AWS credentials have expired', {
      hint: 'get new ones: aws sso login, or whatever issued them',
    });
  }
  const provider = async (options?: { forceRefresh?: boolean }) => ({ ...(await credentials(options)) });
  return await new Signer({ hostname: host, port, region, username: user, credentials: provider }).getAuthToken();
};

const checkRequest = (host: string, port: number, region: string, user: string): void => {
  if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(host)) {
    throw failure('token/host', `'${host}' is not a host name`, {
      hint: 'write the name of the endpoint alone, without scheme, port or path',
    });
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw failure('token/port', `'${port}' is not a port (1 to 65535)`, { hint: "correct 'endpoint.port'" });
  }
  if (!/^[a-z]{2,5}(-[a-z]+)+-\d+$/.test(region)) {
    throw failure('token/region', `'${region}' is not an AWS region`, { hint: 'write it like eu-west-1' });
  }
  const found = rdsHost(host)?.region;
  if (found && found !== region) {
    throw failure('token/region', `'${host}' is in ${found}, and not in ${region}`, { hint: `with region ${found} the token is accepted` });
  }
  // In a policy these stand for other users, or for something that is put in their place.
  if (user === '' || /[*?$/]/.test(user)) {
    throw failure('token/user', user === '' ? 'nobody is named to log in as' : `'${user}' cannot log in by IAM: it has one of * ? $ /`, {
      hint: 'name a user whose name a policy can hold literally',
    });
  }
};
