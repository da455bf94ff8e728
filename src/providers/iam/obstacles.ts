import { groupBy } from '../../core/group.ts';
import type { Declared } from '../../model/declared.ts';
import type { Finding, Severity } from '../../model/finding.ts';
import { type DeclaredConnect, type DeclaredIam, principalKey } from '../../model/iam.ts';
import { byCodeUnit, distinct } from '../../model/key.ts';
import { named } from '../named.ts';
import { freshRole } from './access.ts';
import { connectDocument } from './document.ts';
import { describeWhy, type Evaluation } from './evaluate.ts';
import { connectsByPrincipal } from './logins.ts';
import { withoutOurs } from './reach.ts';
import type { IamIdentity, Snapshot } from './snapshot.ts';

/** What our policies cannot help against: a Deny, a boundary that leaves `rds-db:connect` out; and users that nobody is left for. */
export const obstacleFindings = (snapshot: Snapshot, declared: Declared): readonly Finding[] => {
  const refusals = refusalsOf(snapshot, declared);
  return [...refusalFindings(refusals), ...shutOut(declared.iam!, refusals)];
};

type Verdict = Exclude<Evaluation['verdict'], 'allowed'>;
/** A principal that is declared and not, or not surely, let in. `why`: one text for each reason. */
type Refusal = { readonly key: string; readonly verdict: Verdict; readonly why: string; readonly connect: DeclaredConnect };

/** Judged as if every policy of ours were attached already. */
const refusalsOf = (snapshot: Snapshot, declared: Declared): readonly Refusal[] => {
  const evaluator = withoutOurs(snapshot, declared);
  return [...connectsByPrincipal(declared.iam!)].flatMap(([key, connects]): Refusal[] => {
    const identity = identityAfter(key, snapshot, declared.iam!);
    if (!identity) return [];
    const evaluate = evaluator(identity, connectDocument(connects.flatMap(({ arns }) => arns.map((arn) => ({ arn })))));
    return connects.flatMap((connect) =>
      connect.arns.flatMap((arn): Refusal[] => {
        const { verdict, why } = evaluate(arn);
        return verdict === 'allowed' ? [] : [{ key, verdict, why: reasonsText(distinct(why.map(describeWhy))), connect }];
      }),
    );
  });
};

/** With the boundary that a role of ours gets. */
const identityAfter = (key: string, { identities }: Snapshot, { roles }: DeclaredIam): IamIdentity | undefined => {
  const there = identities.get(key);
  const role = roles.find(({ name }) => `role/${name}` === key);
  return role ? { ...(there ?? freshRole(role)), boundary: role.boundary } : there;
};

const reasonsText = (reasons: readonly string[]): string => `${reasons.slice(0, 3).join('; ')}${reasons.length > 3 ? '; …' : ''}`;

type Told = { readonly severity: Severity; readonly code: string; readonly says: string; readonly hint: string };

const TOLD: Readonly<Record<Verdict, Told>> = {
  'not-allowed': {
    severity: 'warning',
    code: 'iam/boundary',
    says: 'will not be able to',
    hint: "let the permissions boundary allow rds-db:connect on the user's ARN",
  },
  denied: { severity: 'warning', code: 'iam/denied', says: 'will not be able to', hint: 'take the Deny away: no Allow outweighs it' },
  unknown: {
    severity: 'note',
    code: 'iam/uncertain',
    says: 'may not be able to',
    hint: "see whether it can: 'rolecall prove' really logs in",
  },
};

/** One finding for everybody whom the same keeps out. */
const refusalFindings = (refusals: readonly Refusal[]): readonly Finding[] =>
  [...groupBy(refusals, ({ verdict, why }) => `${TOLD[verdict].code} ${why}`)]
    .sort(([a], [b]) => byCodeUnit(a, b))
    .map(([, alike]) => {
      const { verdict, why, connect } = alike[0]!;
      const { severity, code, says, hint } = TOLD[verdict];
      const users = named(alike.map(({ connect: { target, user } }) => `${target}/${user}`));
      return {
        severity,
        code,
        message: `${named(alike.map(({ key }) => key))} ${says} log in as ${users}: ${why}`,
        hint,
        source: connect.source,
      };
    });

/** Declared users of whose principals none is let in, by target. A login that changes to IAM would be lost by it. */
const shutOut = ({ connects, flips }: DeclaredIam, refusals: readonly Refusal[]): readonly Finding[] => {
  const refused = new Set(refusals.filter(({ verdict }) => verdict !== 'unknown').map(({ connect }) => connect));
  const users = [...groupBy(connects, ({ target, user }) => `${target}\0${user}`).values()];
  const lost = users.filter((all) => all.every((connect) => refused.has(connect))).flat();
  const severity = ({ target, user }: DeclaredConnect): Severity => (flips.has(`${target}/${user}`) ? 'error' : 'warning');
  return [...groupBy(lost, (connect) => `${connect.target}\0${severity(connect)}`).values()]
    .sort(([a], [b]) => byCodeUnit(a!.target, b!.target) || byCodeUnit(severity(a!), severity(b!)))
    .map((all) => ({
      severity: severity(all[0]!),
      code: 'iam/unreachable-user',
      message: `nobody who is declared for it can log in as ${named(all.map(({ user }) => user))} on '${all[0]!.target}': ${named(all.map(({ principal }) => principalKey(principal)))} ${new Set(all.map(({ principal }) => principalKey(principal))).size === 1 ? 'is' : 'are'} kept out`,
      hint: 'see the findings about them',
      source: all[0]!.source,
    }));
};
