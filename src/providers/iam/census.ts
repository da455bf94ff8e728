import type { PolicyFacts } from '../../model/checkup.ts';
import type { Declared } from '../../model/declared.ts';
import { byCodeUnit } from '../../model/key.ts';
import { judgeConnect, type Known } from './arn.ts';
import { readDocument, type Statement } from './document.ts';
import { concernsConnect } from './evaluate.ts';
import { inspect } from './inspect.ts';
import type { RawDocument, Snapshot } from './snapshot.ts';

/** ■ Every attached line of the account about database logins. Throws a Failure `aws/…`. */
export const policyFacts = async (declared: Declared): Promise<PolicyFacts> =>
  connectLines(await inspect({ declared, as: 'plan' }), declared);

/** Every line that allows database logins and that somebody has, by what it turns out to be; sorted. */
export const connectLines = (snapshot: Snapshot, { iam }: Pick<Declared, 'iam'>): PolicyFacts => {
  const known: Known = { places: iam!.places, logins: iam!.logins, partition: snapshot.partition, account: snapshot.account };
  const documents = new Map<string, RawDocument>();
  for (const [key, { attached, inline }] of snapshot.identities) {
    for (const { name, document } of inline) documents.set(`inline policy '${name}' of ${key}`, document);
    for (const arn of attached) {
      const policy = snapshot.policies.get(arn);
      if (policy && policy.document !== null) documents.set(`policy '${policy.name}'`, policy.document);
    }
  }
  const lines = [...documents].flatMap(([policy, document]) =>
    readDocument(document)
      .statements.filter(isAboutLogins)
      .flatMap(({ resource }) => resource?.patterns ?? [])
      .map((resource) => {
        const judged = judgeConnect(resource, known);
        return { policy, resource, kind: judged.kind, right: 'right' in judged ? judged.right : null };
      }),
  );
  return { whole: snapshot.whole, lines: lines.sort((a, b) => byCodeUnit(a.policy, b.policy) || byCodeUnit(a.resource, b.resource)) };
};

/** Administrators, who may do everything, are no lines about database logins. */
const isAboutLogins = ({ effect, action, resource }: Statement): boolean =>
  effect === 'Allow' &&
  concernsConnect(action) &&
  resource !== null &&
  !resource.negated &&
  (action.patterns.some((pattern) => /^rds-db:/i.test(pattern)) ||
    resource.patterns.some((pattern) => /^arn:[^:]*:rds-db:/i.test(pattern)));
