import type { Target } from '../../model/declared.ts';
import type { Finding, Severity } from '../../model/finding.ts';
import type { Snapshot } from './snapshot.ts';

/** A password that crosses the network without a verified server: warned of, except on loopback (it stays on the machine). */
export const connectionFindings = ({ name, endpoint, login, source }: Target): Finding[] => {
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
