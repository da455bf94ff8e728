import { CHECKS, type Check, checkOf, LOGIN_CHECKS, type Part } from '../core/checkup.ts';
import { rdsHost } from '../core/rds-host.ts';
import { tokenFacts } from '../core/token-facts.ts';
import {
  CHECKUP_FORMAT,
  type Checked,
  type Checkup,
  type Evidence,
  type PolicyFacts,
  type Read,
  type TargetFacts,
} from '../model/checkup.ts';
import type { Declared, Target } from '../model/declared.ts';
import { type Failure, failure, isError } from '../model/finding.ts';
import type { Checker, Timeouts } from '../providers/provider.ts';
import { type LoginWanted, loginParts, read } from './doctor-login.ts';
import { foundTargets } from './found.ts';
import { PARALLEL, providerOf, sideBySide } from './read.ts';
import type { Session } from './session.ts';

export type DoctorOptions = {
  /** Names of the checks to make; none: all that apply. */
  readonly checks: readonly string[];
  /** One login to look into; left out: the targets as they are. */
  readonly login?: LoginWanted;
  readonly now: number;
  readonly timeouts?: Timeouts;
};

/** ■ Looks at every precondition on every target of a session; of one login in its order, up to the first cause. Changes nothing. */
export const checkup = async (session: Session, options: DoctorOptions): Promise<Checkup> => {
  const { declareds, lost } = await foundTargets(session);
  const policies = policiesOf(session, declareds);
  const settled = await sideBySide(
    declareds,
    async (declared) => await checkTarget(declared, session, policies, options),
    options.login ? 1 : PARALLEL,
  );
  const checks = settled.flatMap((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
  const all = [...lost.flatMap(({ name, findings }) => findings.filter(isError).map((finding) => ofFinding(name, finding))), ...checks];
  if (all.length === 0)
    throw failure('doctor/nothing', 'none of these checks applies to these targets', { hint: 'rolecall doctor --list' });
  const { login } = options;
  const count = (status: Checked['status']): number => all.filter((one) => one.status === status).length;
  return {
    formatVersion: CHECKUP_FORMAT,
    user: login?.user ?? null,
    as: login?.as ?? null,
    checks: all,
    cause: login ? (all.find(({ status }) => status === 'failed')?.check ?? null) : null,
    summary: { passed: count('passed'), failed: count('failed'), unread: count('unread') },
  };
};

/** A target that RDS does not have as it is declared is told of under the check that it fails; AWS that cannot be asked leaves it unread. */
const ofFinding = (target: string, { code, message, hint }: Failure['findings'][number]): Checked => ({
  target,
  check: FINDINGS.find(([start]) => code.startsWith(start))?.[1] ?? 'found',
  status: code.startsWith('rds/') || code === 'aws/clock' ? 'failed' : 'unread',
  message: message.replace(/^target '[^']*': /, ''),
  ...(hint === undefined ? {} : { hint }),
});
const FINDINGS: readonly (readonly [string, string])[] = [
  ['rds/iam-', 'iam-authentication'],
  ['rds/not-running', 'running'],
  ['aws/clock', 'clock'],
  ['aws/expired-credentials', 'credentials'],
  ['aws/no-credentials', 'credentials'],
  ['aws/invalid-credentials', 'credentials'],
];

/** In this order, one after the other, where one login is looked into (the order of error and cause: nothing later matters before it). */
const ORDER = [
  'reachable',
  'endpoint-name',
  'tls',
  'certificate-dates',
  'credentials',
  'clock',
  'running',
  'iam-authentication',
  'user',
  'user-login',
  'user-method',
  'user-connections',
  'user-connect',
  'user-policy',
  'token',
  'user-in',
];

const checkTarget = async (
  declared: Declared,
  session: Session,
  policies: Policies,
  { checks: wanted, login, now, timeouts }: DoctorOptions,
): Promise<readonly Checked[]> => {
  const provider = await providerOf(declared.target.engine, declared.target.name);
  if (!provider.checkup)
    throw failure('doctor/engine', `target '${declared.target.name}': this version does not check ${declared.target.engine}`, {
      target: declared.target.name,
    });
  const facts = targetFacts(declared, session, login, now);
  const gather = partsOf({ declared, session, policies, checker: provider.checkup, facts, login, timeouts });
  const every = login ? ORDER.flatMap((name) => [...CHECKS, ...LOGIN_CHECKS].find((check) => check.name === name) ?? []) : CHECKS;
  const checks = every.filter((check) => check.applies({ target: facts }) && (wanted.length === 0 || wanted.includes(check.name)));
  if (!login) {
    const needs = [
      ...new Set(checks.flatMap((check) => [...check.needs, ...(check.name === 'reachable' && facts.inAws ? (['server'] as const) : [])])),
    ];
    const evidence = Object.assign({ target: facts }, ...(await Promise.all(needs.map(gather)))) as Evidence;
    return checks.map((check) => checkOf(check, evidence));
  }
  return await upToCause(checks, facts, gather);
};

type Gather = (part: Part) => Promise<Partial<Evidence>>;

const upToCause = async (checks: readonly Check[], facts: TargetFacts, gather: Gather): Promise<readonly Checked[]> => {
  const done: Checked[] = [];
  const evidence: Partial<Evidence> = {};
  for (const check of checks) {
    for (const need of check.needs) if (evidence[need] === undefined) Object.assign(evidence, await gather(need));
    const one = checkOf(check, { ...evidence, target: facts });
    done.push(one);
    if (one.status === 'failed') break;
  }
  return done;
};

const targetFacts = ({ target, roles }: Declared, { account }: Session, login: LoginWanted | undefined, now: number): TargetFacts => {
  const { endpoint, rds, login: own, name, engine } = target;
  const known = endpoint.kind === 'explicit' ? endpoint : null;
  const inAws = rds !== undefined || (known !== null && (known.aws?.resourceId !== undefined || rdsHost(known.host) !== undefined));
  const declared = login && roles.get(login.user);
  const isOwn = login === undefined || [own.user, own.planUser].includes(login.user);
  const byToken = login?.as !== undefined || declared?.auth === 'iam' || (declared?.auth !== 'password' && inAws);
  const by = isOwn ? own.auth : byToken ? 'iam' : 'password';
  return {
    name,
    engine,
    now,
    login: login?.user ?? own.user ?? null,
    by,
    tokens: login ? by === 'iam' : own.auth === 'iam' || [...roles.values()].some(({ auth }) => auth === 'iam'),
    inAws,
    withPolicies: account !== null,
    endpoint: known && {
      host: known.host,
      port: known.port,
      tls: known.tls,
      via: known.via ? `${known.via.host}:${known.via.port}` : null,
    },
  };
};

type Context = {
  readonly declared: Declared;
  readonly session: Session;
  readonly policies: Policies;
  readonly checker: Checker;
  readonly facts: TargetFacts;
  readonly login: LoginWanted | undefined;
  readonly timeouts: Timeouts | undefined;
};

/** Reads one part of the evidence; what cannot be read says why. */
const partsOf = (context: Context): Gather => {
  const { declared, checker, timeouts, login } = context;
  const { target } = declared;
  const region = regionOf(target);
  const aws = <T>(work: (where: string) => Promise<T>): Promise<Read<T>> =>
    read(async () => {
      if (region === undefined)
        throw failure('aws/no-region', 'where the server is in AWS is not known', {
          hint: 'write rds: { cluster: …, region: … }, or endpoint.region',
        });
      return await work(region);
    });
  const ofLogin = login ? loginParts({ ...context, login, region }) : undefined;
  const parts: { readonly [P in Part]: () => Promise<Evidence[P] | undefined> } = {
    reach: () => read(() => checker.reach(target, timeouts)),
    tls: () => read(() => checker.tls(target, timeouts)),
    server: () => aws(async (where) => await (await import('../providers/rds/facts.ts')).serverFacts(target, where)),
    caller: () => aws(async (where) => await (await import('../providers/rds/facts.ts')).callerFacts(target, where)),
    session: () => read(() => checker.session(target, administeredBy(declared), timeouts)),
    token: () => ofLogin?.token() ?? read(() => ownToken(target)),
    policies: () => read(() => context.policies(declared.target)),
    user: async () => ofLogin?.user(),
    ways: async () => ofLogin?.ways(),
    login: async () => ofLogin?.login(),
  };
  return async (part) => {
    const found = await parts[part]();
    return found === undefined ? {} : { [part]: found };
  };
};

const regionOf = ({ place, rds, endpoint }: Target): string | undefined =>
  place?.region ??
  rds?.region ??
  (endpoint.kind === 'explicit' ? (endpoint.aws?.region ?? rdsHost(endpoint.host)?.region ?? undefined) : undefined);

const ownToken = async ({ login, name }: Target) => {
  const facts = login.token && login.user !== undefined ? tokenFacts(await login.token(login.user)) : null;
  if (facts === null) throw failure('token/none', `target '${name}': no token could be made`);
  return facts;
};

/** Declared roles; and rds_iam, which users with `auth: iam` are put into. */
const administeredBy = ({ roles }: Declared): readonly string[] => [
  ...roles.keys(),
  ...([...roles.values()].some(({ auth }) => auth === 'iam') ? ['rds_iam'] : []),
];

type Policies = (target: Target) => Promise<PolicyFacts>;

/** The account is read once, whatever the number of targets; what is about other targets alone is told there. */
const policiesOf = ({ account }: Session, declareds: readonly Declared[]): Policies => {
  const places = new Map(declareds.flatMap(({ target }) => (target.place ? [[target.name, target.place] as const] : [])));
  let facts: Promise<PolicyFacts> | undefined;
  const readAll = async (): Promise<PolicyFacts> => {
    if (account === null) throw failure('iam/nothing', 'the manifest has no account', { hint: 'write iam: { account: "…" }' });
    const { policyFacts } = await import('../providers/iam/census.ts');
    return await policyFacts({ ...account, iam: { ...account.iam, connects: [], places, logins: null, flips: new Set() } });
  };
  return async ({ name, place }) => {
    facts ??= readAll();
    const { lines, whole } = await facts;
    const own = (place?.resources ?? []).map(({ id }) => id);
    const others = [...places].filter(([other]) => other !== name).flatMap(([, { resources }]) => resources.map(({ id }) => id));
    const isHere = (resource: string): boolean => own.some((id) => resource.includes(id)) || !others.some((id) => resource.includes(id));
    return { whole, lines: lines.filter(({ resource }) => isHere(resource)) };
  };
};
