import type { Declared } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
import { principalKey } from '../../model/iam.ts';
import { missingPrincipals, partRead } from './checks.ts';
import { describeWhy, evaluateConnect } from './evaluate.ts';
import type { Snapshot } from './snapshot.ts';

/** Where somebody else changes IAM: whether everybody can log in who shall, by whatever policy. */
export const verified = (snapshot: Snapshot, declared: Declared): readonly Finding[] => [
  ...missingPrincipals(snapshot, declared),
  ...notAllowed(snapshot, declared),
  ...emitted(declared),
  ...partRead(snapshot, declared),
];

const notAllowed = (snapshot: Snapshot, { iam }: Declared): readonly Finding[] => {
  return iam!.connects.flatMap(({ principal, target, user, arns, source }) => {
    const identity = snapshot.identities.get(principalKey(principal));
    if (!identity) return [];
    return arns.flatMap((arn): Finding[] => {
      const { verdict, why } = evaluateConnect(identity, snapshot, arn);
      if (verdict === 'allowed') return [];
      const reason = why.length === 0 ? 'no policy allows it' : why.map(describeWhy).join('; ');
      return [
        {
          // A user that is made before its policy can wait for it; a login that changes cannot.
          severity: iam!.flips.has(`${target}/${user}`) && verdict !== 'unknown' ? 'error' : 'warning',
          code: 'iam/not-allowed',
          message: `'${principalKey(principal)}' ${verdict === 'unknown' ? 'may not be able to' : 'cannot'} log in as '${user}' on '${target}' (${arn}): ${reason}`,
          hint: "let those who change IAM add a policy that does, or write 'iam.mode: manage'",
          source,
        },
      ];
    });
  });
};

const emitted = ({ iam, target }: Declared): readonly Finding[] =>
  iam!.mode === 'emit'
    ? [
        {
          severity: 'note',
          code: 'iam/emit',
          message: 'IAM is changed by others (iam.mode: emit): this plan only says what is missing',
          source: target.source,
        },
      ]
    : [];
