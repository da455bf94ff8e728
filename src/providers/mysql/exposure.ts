import type { Target } from '../../model/declared.ts';
import type { Finding, Severity } from '../../model/finding.ts';
import type { Snapshot } from './snapshot.ts';

/** A server that takes no changes can be planned for, and nothing can be applied to it. */
export const readerFindings = ({ server }: Snapshot, target: Target, severity: Severity): Finding[] =>
  server.readOnly || server.innodbReadOnly
    ? [
        {
          severity,
          code: 'apply/read-only',
          message: `target '${target.name}': the server is ${server.innodbReadOnly ? 'a reader (innodb_read_only)' : 'read-only (read_only)'} and takes no changes`,
          hint: 'name the writer endpoint of the cluster',
          target: target.name,
          source: target.source,
        },
      ]
    : [];
