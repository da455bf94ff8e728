import { postgresSslMode } from '../../core/postgres-variables.ts';
import type { Target } from '../../model/declared.ts';
import type { Finding, Severity } from '../../model/finding.ts';
import { type Environment, isLoopback, unverifiedLogin } from '../login.ts';
import type { Snapshot } from './snapshot.ts';

/** A login whose password somebody on the way may read. */
export const connectionFindings = (target: Target, env: Environment = process.env): Finding[] =>
  target.endpoint.kind === 'env'
    ? variablesFindings(env, { target: target.name, source: target.source })
    : unverifiedLogin(target, 'is sent without encryption');

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
