import { connectArn } from '../../core/aws.ts';
import type { Declared } from '../../model/declared.ts';
import type { Finding, Severity } from '../../model/finding.ts';
import { type DeclaredConnect, type DeclaredIam, principalKey } from '../../model/iam.ts';
import { byCodeUnit, distinct } from '../../model/key.ts';
import { connectDocument } from './document.ts';
import { type Assumption, connectEvaluator, describeWhy, type Evaluation } from './evaluate.ts';
import { connectsByPrincipal } from './logins.ts';
import { isOurs } from './marks.ts';
import { named } from './named.ts';
import type { IamIdentity, Snapshot } from './snapshot.ts';

/** Who can log in that nobody declared, who cannot although declared, and users that nobody can log in as. */
export const reachFindings = (snapshot: Snapshot, declared: Declared): readonly Finding[] => {
  const iam = declared.iam!;
  const ours = new Set([...snapshot.policies.values()].filter((policy) => isOurs(policy, declared)).map(({ arn }) => arn));
  const skip = (arn: string): boolean => ours.has(arn);
  const evaluator = connectEvaluator(snapshot);
  const evaluate = (identity: IamIdentity, assumption: Assumption): ReturnType<typeof evaluator> =>
    evaluator(identity, { skip, ...assumption });
  const logins = knownLogins(iam, snapshot);
  const { administrators, others, reached } = undeclared(iam, snapshot, logins, evaluate);
  return [
    ...(iam.mode === 'manage' ? obstacles(iam, snapshot, evaluate) : []),
    ...administratorFindings(administrators, declared),
    ...otherFindings(others, declared),
    ...(snapshot.whole ? unreached(iam, logins, reached, declared) : []),
  ];
};

type Evaluate = (identity: IamIdentity, assumption: Assumption) => ((arn: string) => Evaluation) & { readonly concerned: boolean };

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
type Undeclared = { readonly administrators: readonly string[]; readonly others: readonly Other[]; readonly reached: ReadonlySet<Login> };

/** As so many users an identity is looked at; more would say nothing new. */
const ENOUGH = 3;

/** Groups do not log in: their members do. */
const undeclared = (iam: DeclaredIam, snapshot: Snapshot, logins: readonly Login[], evaluate: Evaluate): Undeclared => {
  const nowhere = connectArn({
    partition: snapshot.partition,
    region: 'xx-nowhere-1',
    account: snapshot.account,
    resource: 'db-NONE',
    user: 'nobody',
  });
  const administrators: string[] = [];
  const others: Other[] = [];
  const reached = new Set<Login>();
  const declared = declaredArns(iam);
  for (const [key, identity] of [...snapshot.identities].sort(([a], [b]) => byCodeUnit(a, b))) {
    const judge = identity.kind === 'group' ? null : evaluate(identity, {});
    if (!judge?.concerned) continue;
    if (judge(nowhere).verdict === 'allowed') {
      administrators.push(key);
      continue;
    }
    const allowed = new Set(
      [key, ...identity.groups.map((group) => `group/${group}`)].flatMap((holder) => [...(declared.get(holder) ?? [])]),
    );
    const found: Login[] = [];
    for (const login of logins) {
      if (found.length > ENOUGH && reached.has(login)) continue;
      const open = login.arns.filter((arn) => judge(arn).verdict === 'allowed');
      if (open.length > 0) reached.add(login);
      if (open.some((arn) => !allowed.has(arn))) found.push(login);
    }
    if (found.length > 0) others.push({ key, logins: found });
  }
  return { administrators, others, reached };
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

/** One finding for all who can log in as the same users. */
const otherFindings = (others: readonly Other[], { target }: Declared): readonly Finding[] => {
  const alike = new Map<string, { readonly keys: string[]; readonly logins: readonly Login[] }>();
  for (const { key, logins } of others) {
    const text = logins
      .slice(0, ENOUGH + 1)
      .map((login) => `${login.target}\0${login.user}`)
      .join('\0\0');
    const there = alike.get(text);
    if (there) there.keys.push(key);
    else alike.set(text, { keys: [key], logins });
  }
  return [...alike.values()].map(({ keys, logins }) => ({
    severity: 'warning',
    code: 'iam/undeclared-login',
    message: `${named(keys)} can log in as ${loginsText(logins)} without being declared for it`,
    hint: "declare it under 'principals' of the user, or take it out of the policies that others made",
    source: target.source,
  }));
};

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

/** What a policy of ours cannot help against: a Deny, or a boundary that leaves `rds-db:connect` out. */
const obstacles = (iam: DeclaredIam, snapshot: Snapshot, evaluate: Evaluate): readonly Finding[] => {
  const blocked = new Set<DeclaredConnect>();
  const findings = [...connectsByPrincipal(iam)]
    .sort(([a], [b]) => byCodeUnit(a, b))
    .flatMap(([key, connects]): Finding[] => {
      const identity = snapshot.identities.get(key);
      if (!identity) return [];
      const judge = evaluate(identity, { add: connectDocument(connects.flatMap(({ arns }) => arns.map((arn) => ({ arn })))) });
      const judged = connects.flatMap((connect) => connect.arns.map((arn) => ({ connect, ...judge(arn) })));
      const refused = judged.filter(({ verdict }) => verdict !== 'allowed');
      for (const { connect, verdict } of refused) if (verdict !== 'unknown') blocked.add(connect);
      return (['not-allowed', 'denied', 'unknown'] as const).flatMap((verdict) =>
        obstacle(
          key,
          verdict,
          refused.filter((one) => one.verdict === verdict),
        ),
      );
    });
  return [...findings, ...shutOut(iam, blocked)];
};

const OBSTACLES: Readonly<
  Record<
    'not-allowed' | 'denied' | 'unknown',
    { readonly severity: Severity; readonly code: string; readonly says: string; readonly hint: string }
  >
> = {
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

const obstacle = (
  key: string,
  verdict: keyof typeof OBSTACLES,
  refused: readonly (Evaluation & { readonly connect: DeclaredConnect })[],
): readonly Finding[] => {
  if (refused.length === 0) return [];
  const { severity, code, says, hint } = OBSTACLES[verdict];
  const users = distinct(refused.map(({ connect }) => `${connect.target}/${connect.user}`));
  const why = distinct(refused.flatMap((one) => one.why.map(describeWhy)));
  return [
    {
      severity,
      code,
      message: `'${key}' ${says} log in as ${named(users)}: ${why.slice(0, 3).join('; ')}${why.length > 3 ? '; …' : ''}`,
      hint,
      source: refused[0]!.connect.source,
    },
  ];
};

/** Declared users of whose principals none is let in. */
const shutOut = ({ connects }: DeclaredIam, blocked: ReadonlySet<DeclaredConnect>): readonly Finding[] => {
  const users = new Map<string, DeclaredConnect[]>();
  for (const connect of connects)
    users.set(`${connect.target}\0${connect.user}`, [...(users.get(`${connect.target}\0${connect.user}`) ?? []), connect]);
  return [...users.values()]
    .filter((all) => all.every((connect) => blocked.has(connect)))
    .map((all) => ({
      severity: 'warning',
      code: 'iam/unreachable-user',
      message: `nobody who is declared for it can log in as '${all[0]!.user}' on '${all[0]!.target}': ${named(all.map(({ principal }) => principalKey(principal)))} ${all.length === 1 ? 'is' : 'are'} kept out`,
      hint: 'see the findings about them',
      source: all[0]!.source,
    }));
};
