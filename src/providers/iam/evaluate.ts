import { byCodeUnit } from '../../model/key.ts';
import { conditionHolds, contextOf } from './condition.ts';
import { CONNECT, type Patterns, readDocument, type Statement } from './document.ts';
import { covers } from './glob.ts';
import { type Asked, type ResourceTest, resourceTest, splitArn } from './resource.ts';
import type { IamIdentity, RawDocument, Snapshot } from './snapshot.ts';
import { and, type Context, type Truth } from './variables.ts';

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
export const evaluateConnect = (identity: IamIdentity, snapshot: Snapshot, arn: string, assumption?: Assumption): Evaluation => {
  const evaluator = evaluators.get(snapshot) ?? connectEvaluator(snapshot);
  evaluators.set(snapshot, evaluator);
  return evaluator(identity, assumption)(arn);
};

/** A snapshot does not change: what was read of it need not be read again. */
const evaluators = new WeakMap<Snapshot, ReturnType<typeof connectEvaluator>>();

/** The same for many identities and ARNs: each policy is read once, and what is not about `rds-db:connect` is put aside. */
export const connectEvaluator = (snapshot: Snapshot): ((identity: IamIdentity, assumption?: Assumption) => Evaluator) => {
  const policies = new Map<string, Rules>();
  const asked = new Map<string, Asked | null>();
  const ask = (arn: string): Asked | null => {
    if (!asked.has(arn)) asked.set(arn, splitArn(arn));
    return asked.get(arn)!;
  };
  const managed = (arn: string): Rules => {
    let rules = policies.get(arn);
    if (!rules) {
      const policy = snapshot.policies.get(arn);
      rules = rulesOf(policy?.name ?? arn.slice(arn.lastIndexOf('/') + 1), policy?.document ?? null);
      policies.set(arn, rules);
    }
    return rules;
  };
  const evaluatorOf = (identity: IamIdentity, assumption: Assumption): Evaluator => {
    const own = [...sourcesOf(identity, snapshot, managed, assumption)];
    const boundary = identity.boundary === null ? null : { ...managed(identity.boundary), via: 'boundary' };
    const context = contextOf(identity, snapshot);
    const allowed = own.map(({ only }) => only);
    return Object.assign((arn: string) => decide(own, boundary, ask(arn), context), {
      only: allowed.some((only) => only === null) ? null : new Set(allowed.flatMap((only) => only ?? [])),
    });
  };
  const plainly = new WeakMap<IamIdentity, Evaluator>();
  return (identity, assumption) => {
    const evaluator = (!assumption && plainly.get(identity)) || evaluatorOf(identity, assumption ?? {});
    if (!assumption) plainly.set(identity, evaluator);
    return evaluator;
  };
};

/** What one identity may do. `only`: the ARNs that its policies could allow, without what denies or limits; null: no list of them. */
export type Evaluator = ((arn: string) => Evaluation) & { readonly only: ReadonlySet<string> | null };

/** `policy 'x', statement 'Sid', of group/devs`. */
export const describeWhy = ({ says, policy, via, statement }: Why): string => {
  const name = via === 'boundary' ? `the boundary '${policy}'` : `policy '${policy}'`;
  const part = statement === null ? '' : `, statement ${statement.startsWith('#') ? statement.slice(1) : `'${statement}'`},`;
  return `${name}${part}${via !== null && via !== 'boundary' ? ` of ${via}` : ''} ${says}${says === 'does not allow' ? ' it' : ''}`;
};

/** The name of a statement: its Sid, else its number. */
const statementName = ({ sid, index }: Pick<Statement, 'sid' | 'index'>): string => sid ?? `#${index}`;

/** Whether a statement is about `rds-db:connect`. Actions have no case. */
export const concernsConnect = ({ negated, patterns }: Patterns): boolean =>
  negated !== patterns.some((pattern) => covers(pattern.toLowerCase(), CONNECT));

type Rule = Pick<Statement, 'effect' | 'conditions'> & { readonly name: string; readonly resource: ResourceTest | null };

/**
 * The statements of a policy that are about `rds-db:connect`. `unread`: parts of it, or all, could not be read.
 * `only`: the ARNs that it could allow; null: no list of them.
 */
type Rules = {
  readonly policy: string;
  readonly rules: readonly Rule[];
  readonly variables: boolean;
  readonly unread: boolean;
  readonly only: readonly string[] | null;
};
type Source = Rules & { readonly via: string | null };

const rulesOf = (policy: string, document: RawDocument | null): Rules => {
  if (document === null) return unreadRules(policy);
  const { statements, variables, problems } = readDocument(document);
  const rules = statements
    .filter(({ action }) => concernsConnect(action))
    .map((statement): Rule => {
      const { effect, conditions, resource } = statement;
      return { effect, conditions, name: statementName(statement), resource: resource && resourceTest(resource, variables) };
    });
  const unread = problems.length > 0;
  const allowed = rules.filter(({ effect }) => effect === 'Allow').map(({ resource }) => resource?.only ?? null);
  return { policy, rules, variables, unread, only: unread || allowed.includes(null) ? null : allowed.flatMap((only) => only ?? []) };
};

const unreadRules = (policy: string): Rules => ({ policy, rules: [], variables: false, unread: true, only: null });

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
      yield { ...unreadRules(`those of ${via}`), via };
      continue;
    }
    for (const { name, document } of holder.inline) yield { ...rulesOf(name, document), via };
    for (const arn of holder.attached) if (!skip(arn)) yield { ...managed(arn), via };
  }
}

type Matched = { readonly truth: Truth; readonly why: Why };

const decide = (own: readonly Source[], boundary: Source | null, asked: Asked | null, context: Context): Evaluation => {
  if (!asked) return { verdict: 'not-allowed', why: [] };
  const matched = (sources: readonly Source[], effect: Statement['effect']): readonly Matched[] =>
    sources.flatMap((source) => matches(source, effect, asked, context));
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
  asked: Asked,
  context: Context,
): readonly Matched[] => {
  const found: Matched[] = [];
  for (const rule of rules) {
    const truth = rule.effect === effect ? ruleMatches(rule, variables, asked, context) : 'no';
    if (truth !== 'no') found.push({ truth, why: { says: SAYS[effect][truth], policy, via, statement: rule.name } });
  }
  return unread ? [...found, { truth: 'maybe', why: { says: 'was not read', policy, via, statement: null } }] : found;
};

const SAYS = { Allow: { yes: 'allows', maybe: 'may allow' }, Deny: { yes: 'denies', maybe: 'may deny' } } as const;

const ruleMatches = ({ resource, conditions }: Rule, variables: boolean, asked: Asked, context: Context): Truth => {
  const where = resource ? resource.matches(asked, context) : 'yes';
  return where === 'no' ? 'no' : and([where, ...conditions.map((test) => conditionHolds(test, variables, context))]);
};
