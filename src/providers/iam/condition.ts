import type { Condition } from './document.ts';
import { covers } from './glob.ts';
import type { IamIdentity, Snapshot } from './snapshot.ts';
import { and, type Context, literal, not, or, resolve, type Truth } from './variables.ts';

/**
 * Keys that AWS lists as not supported for `rds-db:connect`: a statement that tests one never matches, so that an Allow lets
 * nobody in, and a Deny keeps nobody out. (Amazon RDS User Guide, "Creating and using an IAM policy for IAM database access".)
 */
const UNSUPPORTED = ['aws:referer', 'aws:sourceip', 'aws:sourcevpc', 'aws:sourcevpce', 'aws:useragent', 'aws:vpcsourceip'];

/** Whether a condition key is one that IAM authentication does not support. */
export const isUnsupported = (key: string): boolean => UNSUPPORTED.includes(key.toLowerCase());

/** What a request of this identity says of itself. All else (time, network, MFA, organisation) is not known here. */
export const contextOf = (identity: IamIdentity, { account }: Pick<Snapshot, 'account'>): Context => {
  const { kind } = identity;
  const tags = new Map(Object.entries(identity.tags).map(([key, value]) => [key.toLowerCase(), value]));
  const known: Readonly<Record<string, string | null | undefined>> = {
    'aws:principalaccount': account,
    'aws:principalisawsservice': 'false',
    'aws:principalarn': kind === 'group' ? undefined : identity.arn,
    'aws:principaltype': kind === 'role' ? 'AssumedRole' : 'User',
    'aws:username': kind === 'user' ? identity.name : kind === 'role' ? null : undefined,
    'aws:userid': kind === 'user' ? identity.id : undefined,
  };
  return (written) => {
    const key = written.toLowerCase();
    if (!key.startsWith(TAG)) return known[key];
    // whoever assumes a role may bring tags along; a group's tags are not its members'
    return kind === 'group' ? undefined : (tags.get(key.slice(TAG.length)) ?? (kind === 'user' ? null : undefined));
  };
};

/** Whether one test of a statement holds. */
export const conditionHolds = ({ operator, key, values }: Condition, variables: boolean, context: Context): Truth => {
  if (isUnsupported(key)) return 'no';
  const { each, base, ifExists } = readOperator(operator);
  const value = context(key);
  if (value === undefined) return 'maybe';
  if (base === 'null') return values.some((wanted) => wanted.toLowerCase() === String(value === null)) ? 'yes' : 'no';
  const test = OPERATORS[base];
  const negated = base.includes('not');
  if (value === null) return each === 'forallvalues' || (each === null && (ifExists || negated)) ? 'yes' : 'no';
  if (!test) return 'maybe';
  const truths = values.map((wanted): Truth | 'unset' => {
    const glob = resolve(wanted, variables, context);
    return glob === 'unset' ? 'unset' : glob === 'unknown' ? 'maybe' : test(glob, value) ? 'yes' : 'no';
  });
  // a variable without a value makes the one value match nothing, and a negated test fail
  if (negated) return and(truths.map((truth) => (truth === 'unset' ? 'no' : not(truth))));
  return or(truths.map((truth) => (truth === 'unset' ? 'no' : truth)));
};

const TAG = 'aws:principaltag/';

type Test = (wanted: Exclude<ReturnType<typeof resolve>, string>, value: string) => boolean;

const equals: Test = (wanted, value) => literal(wanted) === value;
const equalsIgnoreCase: Test = (wanted, value) => literal(wanted).toLowerCase() === value.toLowerCase();
const like: Test = (wanted, value) => covers(wanted, value);
const arnLike: Test = (wanted, value) => {
  const [parts, asked] = [split(wanted), value.split(':')];
  const rest = asked.slice(5).join(':');
  return parts.length === 6 && asked.length >= 6 && parts.every((part, index) => covers(part, index === 5 ? rest : asked[index]!));
};

/** Tests of text; those of numbers, dates and addresses are about keys that nobody knows here. */
const OPERATORS: Readonly<Record<string, Test>> = {
  stringequals: equals,
  stringnotequals: equals,
  stringequalsignorecase: equalsIgnoreCase,
  stringnotequalsignorecase: equalsIgnoreCase,
  stringlike: like,
  stringnotlike: like,
  arnequals: arnLike,
  arnnotequals: arnLike,
  arnlike: arnLike,
  arnnotlike: arnLike,
  bool: equalsIgnoreCase,
};

/** `ForAnyValue:StringLikeIfExists`, taken apart; operators have no case. */
const readOperator = (operator: string): { readonly each: string | null; readonly base: string; readonly ifExists: boolean } => {
  const found = /^(?:(foranyvalue|forallvalues):)?(.*?)(ifexists)?$/.exec(operator.toLowerCase())!;
  return { each: found[1] ?? null, base: found[2]!, ifExists: found[3] !== undefined };
};

/** A pattern at its first five colons: the last part of an ARN may have colons of its own. */
const split = (glob: Exclude<ReturnType<typeof resolve>, string>): readonly (typeof glob)[] => {
  const colons = glob.flatMap((token, index) => (token === ':' ? [index] : [])).slice(0, 5);
  return [-1, ...colons].map((start, part) => glob.slice(start + 1, colons[part]));
};
