import { byCodeUnit } from '../../model/key.ts';
import { conditionHolds, contextOf } from './condition.ts';
import { CONNECT, type Patterns, readDocument, type Statement } from './document.ts';
import { covers } from './glob.ts';
import type { IamIdentity, RawDocument, Snapshot } from './snapshot.ts';
import { and, type Context, not, or, resolve, type Truth } from './variables.ts';

/** A statement that decides, or might. `via`: the group that the user has the policy from, or 'boundary'. `statement`: Sid, or `#2`; null: the whole policy. */
export type Why = {
  readonly says: 'allows' | 'denies' | 'may allow' | 'may deny' | 'does not allow' | 'was not read';
  readonly policy: string;
  readonly via: string | null;
  readonly statement: string | null;
};

/**
 * allowed; denied: by an explicit Deny; not-allowed: nothing allows it, or the boundary does not; unknown: it hangs on a condition
 * that cannot be seen from here, or on a policy that was not read.
 */
export type Evaluation = { readonly verdict: 'allowed' | 'denied' | 'not-allowed' | 'unknown'; readonly why: readonly Why[] };

/** What counts. `skip`: managed policies, by ARN, as if they were not attached; `add`: a document as if it were. */
export type Assumption = { readonly skip?: (policyArn: string) => boolean; readonly add?: RawDocument };

/**
 * Whether an identity may connect to an ARN, by what was read of the account: identity, group and inline policies, and the
 * permissions boundary. Service control policies and session policies are not read, and may still refuse.
 *
 * Of a group: what its policies give to a member, of whom nothing else is known.
 */
export const evaluateConnect = (identity: IamIdentity, snapshot: Snapshot, arn: string, assumption: Assumption = {}): Evaluation =>
  connectEvaluator(snapshot)(identity, assumption)(arn);

/** The same for many identities and ARNs: each policy is read once, and what is not about `rds-db:connect` is put aside. */
export const connectEvaluator = (
  snapshot: Snapshot,
): ((identity: IamIdentity, assumption?: Assumption) => ((arn: string) => Evaluation) & { readonly concerned: boolean }) => {
  const policies = new Map<string, Rules>();
  const managed = (arn: string): Rules => {
    let rules = policies.get(arn);
    if (!rules) {
      const policy = snapshot.policies.get(arn);
      rules = rulesOf(policy?.name ?? arn.slice(arn.lastIndexOf('/') + 1), policy?.document ?? null);
      policies.set(arn, rules);
    }
    return rules;
  };
  return (identity, assumption = {}) => {
    const own = [...sourcesOf(identity, snapshot, managed, assumption)];
    const boundary = identity.boundary === null ? null : { ...managed(identity.boundary), via: 'boundary' };
    const context = contextOf(identity, snapshot);
    const evaluate = (arn: string): Evaluation => decide(own, boundary, arn, context);
    return Object.assign(evaluate, {
      concerned: own.some(({ rules, unread }) => unread || rules.some(({ effect }) => effect === 'Allow')),
    });
  };
};

/** `policy 'x', statement 'Sid', of group/devs`. */
export const describeWhy = ({ says, policy, via, statement }: Why): string => {
  const name = via === 'boundary' ? `the boundary '${policy}'` : `policy '${policy}'`;
  const part = statement === null ? '' : `, statement ${statement.startsWith('#') ? statement.slice(1) : `'${statement}'`},`;
  return `${name}${part}${via !== null && via !== 'boundary' ? ` of ${via}` : ''} ${says}${says === 'does not allow' ? ' it' : ''}`;
};

/** The name of a statement: its Sid, else its number. */
export const statementName = ({ sid, index }: Pick<Statement, 'sid' | 'index'>): string => sid ?? `#${index}`;

/** Whether a statement is about `rds-db:connect`. Actions have no case. */
export const concernsConnect = ({ negated, patterns }: Patterns): boolean =>
  negated !== patterns.some((pattern) => covers(pattern.toLowerCase(), CONNECT));

/** The statements of a policy that are about `rds-db:connect`. `unread`: parts of it, or all, could not be read. */
type Rules = { readonly policy: string; readonly rules: readonly Statement[]; readonly variables: boolean; readonly unread: boolean };
type Source = Rules & { readonly via: string | null };

const rulesOf = (policy: string, document: RawDocument | null): Rules => {
  if (document === null) return { policy, rules: [], variables: false, unread: true };
  const { statements, variables, problems } = readDocument(document);
  return { policy, rules: statements.filter(({ action }) => concernsConnect(action)), variables, unread: problems.length > 0 };
};

/** Every policy that an identity has, by name: its own, then those of its groups. */
function* sourcesOf(
  identity: IamIdentity,
  snapshot: Snapshot,
  managed: (arn: string) => Rules,
  { skip = () => false, add }: Assumption,
): Generator<Source> {
  if (add !== undefined) yield { ...rulesOf('rolecall', add), via: null };
  const groups = [...identity.groups].sort(byCodeUnit).map((name) => [`group/${name}`, snapshot.identities.get(`group/${name}`)] as const);
  for (const [via, holder] of [[null, identity] as const, ...groups]) {
    if (!holder) {
      yield { policy: `those of ${via}`, rules: [], variables: false, unread: true, via };
      continue;
    }
    for (const { name, document } of holder.inline) yield { ...rulesOf(name, document), via };
    for (const arn of holder.attached) if (!skip(arn)) yield { ...managed(arn), via };
  }
}

type Matched = { readonly truth: Truth; readonly why: Why };

const decide = (own: readonly Source[], boundary: Source | null, arn: string, context: Context): Evaluation => {
  const matched = (sources: readonly Source[], effect: Statement['effect']): readonly Matched[] =>
    sources.flatMap((source) => matches(source, effect, arn, context));
  const denies = matched(boundary ? [...own, boundary] : own, 'Deny');
  const allows = matched(own, 'Allow');
  const limits = boundary ? matched([boundary], 'Allow') : null;

  if (denies.some(isSure)) return { verdict: 'denied', why: reasons(denies.filter(isSure)) };
  if (allows.length === 0) return { verdict: 'not-allowed', why: [] };
  if (boundary && limits?.length === 0) {
    return { verdict: 'not-allowed', why: [{ says: 'does not allow', policy: boundary.policy, via: boundary.via, statement: null }] };
  }
  const inside = limits === null || limits.some(isSure);
  if (denies.length === 0 && allows.some(isSure) && inside) return { verdict: 'allowed', why: reasons(allows.filter(isSure)) };
  return { verdict: 'unknown', why: reasons([...denies, ...(allows.some(isSure) ? [] : allows), ...(inside ? [] : (limits ?? []))]) };
};

const isSure = ({ truth }: Matched): boolean => truth === 'yes';

/** Each reason once: a policy that was not read stands among what allows and what denies. */
const reasons = (found: readonly Matched[]): readonly Why[] => [...new Map(found.map(({ why }) => [JSON.stringify(why), why])).values()];

/** The statements of an effect that match, or might. A policy that was not read might say anything. */
const matches = (
  { policy, rules, variables, unread, via }: Source,
  effect: Statement['effect'],
  arn: string,
  context: Context,
): readonly Matched[] => [
  ...rules.flatMap((statement): readonly Matched[] => {
    if (statement.effect !== effect) return [];
    const truth = statementMatches(statement, variables, arn, context);
    if (truth === 'no') return [];
    const verb = effect === 'Allow' ? 'allow' : 'deny';
    const says = truth === 'maybe' ? (`may ${verb}` as const) : effect === 'Allow' ? 'allows' : 'denies';
    return [{ truth, why: { says, policy, via, statement: statementName(statement) } }];
  }),
  ...(unread ? [{ truth: 'maybe' as const, why: { says: 'was not read' as const, policy, via, statement: null } }] : []),
];

const statementMatches = ({ resource, conditions }: Statement, variables: boolean, arn: string, context: Context): Truth => {
  const where = resource ? resourcesMatch(resource, variables, arn, context) : 'yes';
  return where === 'no' ? 'no' : and([where, ...conditions.map((test) => conditionHolds(test, variables, context))]);
};

const resourcesMatch = ({ negated, patterns }: Patterns, variables: boolean, arn: string, context: Context): Truth => {
  const matched = patterns.map((pattern) => resourceMatches(pattern, variables, arn, context));
  // a variable without a value matches nothing, and keeps NotResource from matching anything
  if (negated) return and(matched.map((truth) => (truth === 'unset' ? 'no' : not(truth))));
  return or(matched.map((truth) => (truth === 'unset' ? 'no' : truth)));
};

/** Of the parts of an ARN the first four have no case and no variables; the kind of resource is never a pattern. */
const resourceMatches = (pattern: string, variables: boolean, arn: string, context: Context): Truth | 'unset' => {
  if (pattern === '*') return 'yes';
  const parts = splitArn(pattern);
  const asked = splitArn(arn);
  if (!parts || !asked || !parts.head.every((part, index) => covers(part.toLowerCase(), asked.head[index]!.toLowerCase()))) return 'no';
  const kind = /^[^:/]*[:/]/.exec(parts.tail)?.[0] ?? '';
  if (!asked.tail.startsWith(kind)) return 'no';
  const rest = resolve(parts.tail.slice(kind.length), variables, context);
  return rest === 'unset' ? 'unset' : rest === 'unknown' ? 'maybe' : covers(rest, asked.tail.slice(kind.length)) ? 'yes' : 'no';
};

/** An ARN that is cut short stands for everything below. */
const splitArn = (text: string): { readonly head: readonly string[]; readonly tail: string } | null => {
  const [prefix, partition, service = '*', region = '*', account = '*', ...rest] = text.split(':');
  if (prefix !== 'arn' || partition === undefined) return null;
  return { head: [partition, service, region, account], tail: rest.length === 0 ? '*' : rest.join(':') };
};
