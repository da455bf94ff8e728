import { diagnose } from '../core/diagnose.ts';
import { tokenFacts } from '../core/token-facts.ts';
import { readPrincipal } from '../manifest/principal.ts';
import type { LoginFact, Read, TargetFacts, TokenFacts, UserFacts, WayFacts } from '../model/checkup.ts';
import type { Declared, DeclaredRole, Target } from '../model/declared.ts';
import { Failure, failure } from '../model/finding.ts';
import { principalKey } from '../model/iam.ts';
import type { Expectation, LoginFacts } from '../model/proof.ts';
import type { Checker, Timeouts } from '../providers/provider.ts';
import { type Principals, placeArn, principalsOf } from './principals.ts';
import { providerOf } from './read.ts';
import type { Session } from './session.ts';

/** Who wants in: as which user, through which IAM role, and into which database. */
export type LoginWanted = { readonly user: string; readonly as?: string; readonly database?: string };

type Wanted = {
  readonly declared: Declared;
  readonly session: Session;
  readonly checker: Checker;
  readonly facts: TargetFacts;
  readonly login: LoginWanted;
  readonly region: string | undefined;
  readonly timeouts: Timeouts | undefined;
};

/** The parts of the evidence about one login. */
export type LoginParts = {
  readonly user: () => Promise<Read<UserFacts>>;
  readonly ways: () => Promise<Read<readonly WayFacts[]>>;
  readonly token: () => Promise<Read<TokenFacts>>;
  readonly login: () => Promise<Read<LoginFact>>;
};

/** ■ How they are read. Policies and keys are asked for once. */
export const loginParts = (wanted: Wanted): LoginParts => {
  const { declared, checker, login, timeouts } = wanted;
  const { target } = declared;
  const database = login.database ?? (target.databases?.length === 1 ? target.databases[0]! : target.maintenanceDatabase);
  let asked: Promise<Who> | undefined;
  const who = (): Promise<Who> => {
    asked ??= whoWants(wanted);
    return asked;
  };
  return {
    user: () => read(() => checker.user(target, login.user, database, timeouts)),
    ways: () => read(async () => waysOf(await who(), target, login.user)),
    token: () =>
      read(async () => {
        const facts = tokenFacts(await (await tokenTarget(await who(), wanted)).login.token!(login.user));
        if (facts === null) throw failure('token/none', 'no token could be made');
        return facts;
      }),
    login: () => read(async () => await loggedIn(wanted, database, who)),
  };
};

/** What the manifest says of a user; on MySQL and MariaDB its accounts log in alike, whatever their hosts. */
export const declaredLogin = (roles: Declared['roles'], user: string): DeclaredRole | undefined =>
  roles.get(user) ?? [...roles.values()].find(({ account }) => account?.user === user);

/** The value, or why there is none. */
export const read = async <T>(work: () => Promise<T>): Promise<Read<T>> => {
  try {
    return { value: await work() };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { message, hint } = error.findings[0]!;
    return { unread: message.replace(/^target '[^']*': /, ''), ...(hint === undefined ? {} : { hint }) };
  }
};

type As = Expectation['as'];
type Who = { readonly principals: Principals; readonly names: readonly As[] };

/** The role that was named; else the principals that the manifest declares; else whoever runs this. */
const whoWants = async ({ declared, session, login, region }: Wanted): Promise<Who> => {
  if (region === undefined)
    throw failure('login/place', 'where the server is in AWS is not known', { hint: 'write rds: { cluster: …, region: … }' });
  const connects = session.account?.iam.connects ?? [];
  const named = connects
    .filter(({ target, user }) => target === declared.target.name && user === login.user)
    .map(({ principal }) => principal);
  const names: readonly As[] = login.as !== undefined ? [namedAs(login.as)] : named.length > 0 ? named : [null];
  const places = new Map(declared.target.place ? [[declared.target.name, declared.target.place] as const] : []);
  const iam = session.account && { ...session.account.iam, connects: [], places, logins: null, flips: new Set<string>() };
  const account = { target: declared.target, iam };
  return { names, principals: await principalsOf({ account, expectations: names.map((as) => ({ as, by: 'iam' })), region }) };
};

const namedAs = (text: string): NonNullable<As> => {
  const named = readPrincipal(text);
  if ('problem' in named) throw failure('login/as', `'${text}' ${named.problem}`, { hint: named.hint });
  return { ...named.principal, ...(text.startsWith('arn:') ? { arn: text } : {}) };
};

const waysOf = ({ principals, names }: Who, { place, name }: Target, user: string): readonly WayFacts[] => {
  const arn = place && placeArn(place, user);
  if (place === undefined || arn === undefined) throw failure('login/place', `the resource id of target '${name}' is not known`);
  return names.map((as) => {
    const one = as ?? principals.caller;
    const judgement = principals.judge(one, place, user);
    if (one === null || judgement === null) {
      const [told] = principals.findings;
      throw failure(
        'iam/unread',
        `the policies of ${one ? `'${principalKey(one)}'` : 'whoever runs this'} could not be read${told ? `: ${told.message}` : ''}`,
        told?.hint === undefined ? {} : { hint: told.hint },
      );
    }
    return { principal: principalKey(one), arn, judgement };
  });
};

/** The target as this user comes to it by token: signed by the one identity that is named, or by whoever runs this, if it is one of them. */
const tokenTarget = async ({ principals, names }: Who, { declared, region }: Wanted): Promise<Target> => {
  const { target } = declared;
  const own = principals.caller && principalKey(principals.caller);
  const as = names.length === 1 ? names[0]! : names.find((one) => one !== null && principalKey(one) === own);
  if (as === undefined)
    throw failure('login/as', `it is not said as whom: ${names.flatMap((one) => (one ? [principalKey(one)] : [])).join(', ')}`, {
      hint: 'add --as role/NAME',
    });
  if (target.endpoint.kind !== 'explicit') throw failure('login/place', `the endpoint of target '${target.name}' is not known`);
  const signer = await principals.signer(as, target.place, region!);
  if ('message' in signer) throw failure('login/as', signer.message, signer.hint === undefined ? {} : { hint: signer.hint });
  const { host, port } = target.endpoint;
  const { tokenFor } = await import('../providers/rds/token.ts');
  return {
    ...target,
    login: { auth: 'iam', token: (user) => tokenFor({ host, port, region: region!, user, credentials: signer.credentials }) },
  };
};

const loggedIn = async (wanted: Wanted, database: string, who: () => Promise<Who>): Promise<LoginFact> => {
  const { declared, login, facts, timeouts } = wanted;
  const { target } = declared;
  const { prove } = await providerOf(target.engine, target.name);
  if (!prove) throw failure('login/engine', `logins to ${target.engine} cannot be tried by this version`);
  const tried = facts.by === 'iam' ? await tokenTarget(await who(), wanted) : withPassword(declared, login.user);
  const attempt = {
    target: { ...tried, login: { ...tried.login, user: login.user } },
    database,
    probes: [],
    ...(timeouts ? { timeouts } : {}),
  };
  const came = await prove.attempt(attempt);
  if (came.letIn) return { letIn: true, cause: '', told: database === '' ? 'logged in' : `logged in to "${database}"` };
  if (came.refusal === 'untried') throw failure('login/untried', came.message, came.hint === undefined ? {} : { hint: came.hint });
  const known = facts.by === 'iam' ? await who() : null;
  const one = known && ((known.names.length === 1 ? known.names[0] : null) ?? known.principals.caller);
  const { cause, message, hint } = diagnose({
    user: login.user,
    by: facts.by,
    refusal: came.refusal,
    said: came.message,
    ...(came.hint === undefined ? {} : { hint: came.hint }),
    facts: await examined(prove.examine, target, login.user, database),
    judgement: known && one ? known.principals.judge(one, target.place, login.user) : null,
    arn: (target.place && placeArn(target.place, login.user)) ?? null,
    iamAuthentication: target.place?.iamAuthentication ?? null,
    clockWrong: false,
  });
  return { letIn: false, cause, told: message, ...(hint === undefined ? {} : { hint }) };
};

/** What stands in the target is the password of Rolecall's own login, and of nobody else. */
const withPassword = ({ target, roles }: Declared, user: string): Target => {
  if ([target.login.user, target.login.planUser].includes(user)) return target;
  const password = declaredLogin(roles, user)?.password;
  if (password === undefined)
    throw failure('login/password', `no password of '${user}' is named`, {
      hint: declaredLogin(roles, user) ? 'write users.*.password, or try it with rolecall connect' : 'try it with rolecall connect',
    });
  return { ...target, login: { auth: 'password', password } };
};

const examined = async (
  examine: (target: Target, user: string, database: string | null) => Promise<LoginFacts>,
  target: Target,
  user: string,
  database: string,
): Promise<LoginFacts | null> => {
  try {
    return await examine(target, user, database);
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
};
