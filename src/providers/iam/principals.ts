import { groupBy } from '../../core/group.ts';
import type { Declared } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
import { principalKey } from '../../model/iam.ts';
import { byCodeUnit } from '../../model/key.ts';
import { policyName } from './pack.ts';
import type { Snapshot } from './snapshot.ts';

/** Declared principals that AWS keeps to itself, seen by where they stand in the account: each with the way out. */
export const reservedFindings = (snapshot: Snapshot, { iam, stack }: Declared): readonly Finding[] =>
  [...groupBy(iam!.connects, ({ principal }) => principalKey(principal))]
    .sort(([a], [b]) => byCodeUnit(a, b))
    .flatMap(([key, [connect]]): Finding[] => {
      const { kind, name } = connect!.principal;
      const owner = ownerOf(kind, name, snapshot.identities.get(key)?.path ?? '/');
      if (owner === null) return [];
      const hint =
        owner === 'sso'
          ? `reference the customer managed policy '${policyName(key, stack)}' with path '${iam!.path}' in its permission set; the policy must exist under that name and path in each account`
          : 'give the service a role of your own (iam.roles), and name that';
      const whose = owner === 'sso' ? 'IAM Identity Center' : 'a service of AWS, to which it is linked';
      return [
        {
          severity: 'error',
          code: 'iam/reserved-principal',
          message: `nothing can be attached to '${key}': it belongs to ${whose}`,
          hint,
          source: connect!.source,
        },
      ];
    });

const ownerOf = (kind: string, name: string, path: string): 'sso' | 'service' | null => {
  if (kind !== 'role') return null;
  if (path.startsWith('/aws-reserved/') || /^AWSReservedSSO_/i.test(name)) return 'sso';
  return path.startsWith('/aws-service-role/') || /^AWSServiceRoleFor/i.test(name) ? 'service' : null;
};
