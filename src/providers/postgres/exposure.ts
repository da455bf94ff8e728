import { postgresSslMode } from '../../core/postgres-variables.ts';
import type { Target } from '../../model/declared.ts';
import type { Finding, Severity } from '../../model/finding.ts';
import type { Environment } from '../login.ts';
import type { Snapshot } from './snapshot.ts';

/** A password that crosses the network without a verified server: warned of, except on loopback (it stays on the machine). */
export const connectionFindings = ({ name, endpoint, login, source }: Target, env: Environment = process.env): Finding[] => {
  if (endpoint.kind === 'env') return variablesFindings(env, { target: name, source });
  if (endpoint.kind !== 'explicit' || endpoint.tls === 'verify-full' || login.auth !== 'password' || isLoopback(endpoint.host)) return [];
  const what = endpoint.tls === 'disable' ? 'is sent without encryption' : 'is sent to a server whose certificate is not verified';
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

/** libpq's own variables mean what they mean to psql; postgres-user-manager's are told of what its default gives away. */
const variablesFindings = (env: Environment, place: Pick<Finding, 'target' | 'source'>): Finding[] => {
  const asked = postgresSslMode(env);
  if (asked === undefined || asked.mode === 'verify-full' || isLoopback(asked.host)) return [];
  return [
    {
      severity: 'warning',
      code: 'connect/unverified',
      message: `target '${place.target}': POSTGRES_SSLMODE is '${asked.mode}', which does not verify that it is '${asked.host}' that gets the password`,
      hint: 'set POSTGRES_SSLMODE=verify-full, and PGSSLROOTCERT to the authority that signed the certificate',
      ...place,
    },
  ];
};

/** A server that takes no changes can be planned for, and nothing can be applied to it. */
export const readerFindings = ({ server }: Snapshot, target: Target, severity: Severity): Finding[] =>
  server.inRecovery || server.readOnly
    ? [
        {
          severity,
          code: 'apply/read-only',
          message: `target '${target.name}': the server is ${server.inRecovery ? 'a reader (in recovery)' : 'read-only'} and takes no changes`,
          hint: 'name the writer endpoint of the cluster',
          target: target.name,
          source: target.source,
        },
      ]
    : [];

/** Names and addresses of this machine, and sockets. */
const isLoopback = (host: string): boolean =>
  host.startsWith('/') || host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
