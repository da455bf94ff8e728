import { connectArn } from '../../core/aws.ts';
import { groupBy } from '../../core/group.ts';
import type { Declared } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
import { type DeclaredIam, principalKey } from '../../model/iam.ts';
import { byCodeUnit, distinct } from '../../model/key.ts';
import { named } from '../named.ts';
import { connectEvaluator, type Evaluator } from './evaluate.ts';
import { isOurs } from './marks.ts';
import type { IamIdentity, RawDocument, Snapshot } from './snapshot.ts';

/** Who can log in that nobody declared, and users that nobody can log in as. */
export const reachFindings = (snapshot: Snapshot, declared: Declared): readonly Finding[] => {
  const iam = declared.iam!;
  const logins = knownLogins(iam, snapshot);
  const { administrators, others, uncertain, reached } = undeclared(iam, snapshot, logins, withoutOurs(snapshot, declared));
  return [
    ...administratorFindings(administrators, declared),
    ...otherFindings(others, declared),
    ...uncertainFindings(uncertain, declared),
    ...(snapshot.whole ? unreached(iam, logins, reached, declared) : []),
  ];
};

/** Evaluates what others allow: whom our policies let in is declared, or changed by this plan. */
export const withoutOurs = (snapshot: Snapshot, declared: Declared): ((identity: IamIdentity, add?: RawDocument) => Evaluator) => {
  const ours = new Set([...snapshot.policies.values()].filter((policy) => isOurs(policy, declared)).map(({ arn }) => arn));
  const evaluator = connectEvaluator(snapshot);
  return (identity, add) => evaluator(identity, { skip: (arn) => ours.has(arn), ...(add === undefined ? {} : { add }) });
};

/** A user of a target, and every ARN that lets one log in as it. */
type Login = { readonly target: string; readonly user: string; readonly arns: readonly string[] };

/** Users that log in by IAM: as the servers have them, those that the manifest lets somebody in as, and masters. */
const knownLogins = ({ places, logins, connects }: DeclaredIam, { partition, account }: Snapshot): readonly Login[] =>
  [...places]
    .sort(([a], [b]) => byCodeUnit(a, b))
    .flatMap(([target, place]) => {
      const declared = connects.filter((connect) => connect.target === target).map(({ user }) => user);
      const master = place.masterIam && place.masterUser !== null ? [place.masterUser] : [];
      return distinct([...(logins?.get(target) ?? []), ...declared, ...master]).map((user) => ({
        target,
        user,
        arns: [...place.resources, ...place.proxies].map(({ id, region }) =>
          connectArn({ partition, region, account, resource: id, user }),
        ),
      }));
    });

type Other = { readonly key: string; readonly logins: readonly Login[] };
/** `uncertain`: who might be let in besides, by a condition or by what was not read. */
type Undeclared = {
  readonly administrators: readonly string[];
  readonly others: readonly Other[];
  readonly uncertain: readonly string[];
  readonly reached: ReadonlySet<Login>;
};

/** As so many users an identity is looked at; more would say nothing new. */
const ENOUGH = 3;

/** Groups do not log in: their members do. */
const undeclared = (
  iam: DeclaredIam,
  snapshot: Snapshot,
  logins: readonly Login[],
  evaluator: (identity: IamIdentity) => Evaluator,
): Undeclared => {
  const { partition, account, identities } = snapshot;
  const nowhere = connectArn({ partition, region: 'xx-nowhere-1', account, resource: 'db-NONE', user: 'nobody' });
  const byArn = new Map(logins.flatMap((login) => login.arns.map((arn) => [arn, login] as const)));
  const order = new Map(logins.map((login, index) => [login, index] as const));
  const administrators: string[] = [];
  const others: Other[] = [];
  const uncertain: string[] = [];
  const reached = new Set<Login>();
  const declared = declaredArns(iam);
  for (const [key, identity] of [...identities].sort(([a], [b]) => byCodeUnit(a, b))) {
    if (identity.kind === 'group') continue;
    const evaluate = evaluator(identity);
    if (evaluate.only === null && evaluate(nowhere).verdict === 'allowed') {
      administrators.push(key);
      continue;
    }
    const holders = [key, ...identity.groups.map((group) => `group/${group}`)];
    const isDeclared = (arn: string): boolean => holders.some((holder) => declared.get(holder)?.has(arn));
    const found = new Set<Login>();
    let unsure = false;
    for (const arn of evaluate.only ?? byArn.keys()) {
      const login = byArn.get(arn);
      if (!login || (found.size > ENOUGH && reached.has(login))) continue;
      const { verdict } = evaluate(arn);
      if (verdict === 'allowed') reached.add(login);
      if (verdict === 'allowed' && !isDeclared(arn)) found.add(login);
      unsure ||= verdict === 'unknown' && !isDeclared(arn);
    }
    if (found.size > 0) others.push({ key, logins: [...found].sort((a, b) => order.get(a)! - order.get(b)!) });
    else if (unsure) uncertain.push(key);
  }
  return { administrators, others, uncertain, reached };
};

const declaredArns = ({ connects }: DeclaredIam): ReadonlyMap<string, ReadonlySet<string>> => {
  const found = new Map<string, Set<string>>();
  for (const { principal, arns } of connects) {
    const key = principalKey(principal);
    const there = found.get(key) ?? new Set();
    for (const arn of arns) there.add(arn);
    found.set(key, there);
  }
  return found;
};

const administratorFindings = (keys: readonly string[], { target }: Declared): readonly Finding[] =>
  keys.length === 0
    ? []
    : [
        {
          severity: 'note',
          code: 'iam/administrators',
          message: `${keys.length === 1 ? 'one identity' : `${keys.length} identities`} of the account can log in as any user of any database, and ${keys.length === 1 ? 'is' : 'are'} not declared for it: ${named(keys, 5)}`,
          hint: 'administrators can: their policies allow everything; an explicit Deny of rds-db:connect keeps them out',
          source: target.source,
        },
      ];

/** One finding for all who can log in as the same users, those that are many first; one more for the rest. */
const otherFindings = (others: readonly Other[], { target: { source } }: Declared): readonly Finding[] => {
  const severity = 'warning';
  const code = 'iam/undeclared-login';
  const hint = "declare it under 'principals' of the user, or take it out of the policies that others made";
  const alike = groupBy(others, ({ logins }) => loginsText(logins));
  const sorted = [...alike].sort(([a, some], [b, more]) => more.length - some.length || byCodeUnit(a, b));
  const told = sorted.slice(0, EACH).map(([text, group]): Finding => {
    const message = `${named(group.map(({ key }) => key))} can log in as ${text} without being declared for it`;
    return { severity, code, message, hint, source };
  });
  const rest = sorted.slice(EACH).flatMap(([, group]) => group);
  if (rest.length === 0) return told;
  const message = `${rest.length} more ${rest.length === 1 ? 'identity' : 'identities'} can log in as users that ${rest.length === 1 ? 'it is' : 'they are'} not declared for: ${named(rest.map(({ key }) => key))}`;
  return [...told, { severity, code, message, hint, source }];
};

const uncertainFindings = (keys: readonly string[], { target: { source } }: Declared): readonly Finding[] => {
  if (keys.length === 0) return [];
  const [who, they] = keys.length === 1 ? ['one identity', 'it is'] : [`${keys.length} identities`, 'they are'];
  return [
    {
      severity: 'note',
      code: 'iam/possible-login',
      message: `${who} of the account may be able to log in as users that ${they} not declared for, which a condition or a policy that was not read decides: ${named(keys, 5)}`,
      source,
    },
  ];
};

/** So many findings are told one by one. */
const EACH = 10;

const loginsText = (logins: readonly Login[]): string => {
  const shown = logins.slice(0, ENOUGH).map(({ target, user }) => `'${user}' on '${target}'`);
  return `${shown.join(', ')}${logins.length > ENOUGH ? ' and others' : ''}`;
};

/** Users that are marked for IAM, and whom no identity may log in as but those that may do everything. */
const unreached = (iam: DeclaredIam, logins: readonly Login[], reached: ReadonlySet<Login>, { target }: Declared): readonly Finding[] => {
  const declared = new Set(iam.connects.map((connect) => `${connect.target}\0${connect.user}`));
  const lost = new Map<string, string[]>();
  for (const login of logins) {
    const exists = iam.logins?.get(login.target)?.has(login.user) ?? false;
    if (!exists || reached.has(login) || declared.has(`${login.target}\0${login.user}`)) continue;
    lost.set(login.target, [...(lost.get(login.target) ?? []), login.user]);
  }
  return [...lost].map(([name, users]) => ({
    severity: 'warning',
    code: 'iam/unreachable-user',
    message: `nobody but administrators can log in as ${named(users, 5)} on '${name}': ${users.length === 1 ? 'it is' : 'they are'} marked for IAM, and no policy names ${users.length === 1 ? 'it' : 'them'}`,
    hint: "name who may under 'principals' of the user, or give it another 'auth'",
    source: target.source,
  }));
};
