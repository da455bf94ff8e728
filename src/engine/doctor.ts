import type { Check, Part } from '../core/checks/check.ts';
import { checkOf, checksFor } from '../core/checkup.ts';
import { tokenFacts } from '../core/token-facts.ts';
import {
  CHECKUP_FORMAT,
  type Checked,
  type Evidence,
  type PolicyFacts,
  type Read,
  type SavedEvidence,
  type TargetFacts,
} from '../model/checkup.ts';
import type { Declared, Target } from '../model/declared.ts';
import { Failure, failure, isError } from '../model/finding.ts';
import { distinct } from '../model/key.ts';
import type { Checker, Provider, Timeouts } from '../providers/provider.ts';
import { declaredLogin, type LoginWanted, loginParts, read } from './doctor-login.ts';
import { foundTargets } from './found.ts';
import { isInAws, regionOf } from './in-aws.ts';
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

/**
 * ■ Reads what every check of the targets of a session needs; of one login no more than it takes to find the first cause. Changes
 * nothing.
 */
export const gatherEvidence = async (session: Session, options: DoctorOptions): Promise<SavedEvidence> => {
  const { declareds, lost } = await foundTargets(session);
  const policies = policiesOf(session, declareds);
  const settled = await sideBySide(
    declareds,
    async (declared) => await evidenceOf(declared, session, policies, options),
    options.login ? 1 : PARALLEL,
  );
  return {
    formatVersion: CHECKUP_FORMAT,
    user: options.login?.user ?? null,
    as: options.login?.as ?? null,
    evidence: settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
    lost: [
      ...lost.flatMap(({ name, findings }) => findings.filter(isError).map((finding) => ofFinding(name, finding))),
      ...settled.flatMap((one, index) => (one.status === 'rejected' ? [unchecked(declareds[index]!.target.name, one.reason)] : [])),
    ],
  };
};

/** A target that cannot be checked keeps no other from it. */
const unchecked = (target: string, reason: unknown): Checked => {
  if (!(reason instanceof Failure)) throw reason;
  return ofFinding(target, reason.findings[0]!);
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

const evidenceOf = async (
  declared: Declared,
  session: Session,
  policies: Policies,
  { checks: wanted, login, now, timeouts }: DoctorOptions,
): Promise<Evidence> => {
  const provider = await providerOf(declared.target.engine, declared.target.name);
  if (!provider.checkup)
    throw failure('doctor/engine', `target '${declared.target.name}': this version does not check ${declared.target.engine}`, {
      hint: 'choose other targets with --target',
      target: declared.target.name,
      source: declared.target.source,
    });
  const facts = targetFacts(declared, session, login, now);
  const { checkup: checker, logging } = provider;
  const gather = partsOf({ declared, session, policies, checker, logging, facts, login, timeouts });
  const checks = checksFor(facts, wanted);
  return facts.asked ? await upToCause(checks, facts, gather) : await readAll(checks, facts, gather);
};

type Gather = (part: Part) => Promise<Partial<Evidence>>;

/** Everything at once: what checks need, and what makes their fixes better. */
const readAll = async (checks: readonly Check[], target: TargetFacts, gather: Gather): Promise<Evidence> => {
  const parts = [...new Set(checks.flatMap(({ needs, also = [] }) => [...needs, ...(target.inAws ? also : [])]))];
  return Object.assign({ target }, ...(await Promise.all(parts.map(gather)))) as Evidence;
};

/** No more than it takes to find the first cause. */
const upToCause = async (checks: readonly Check[], target: TargetFacts, gather: Gather): Promise<Evidence> => {
  const evidence: { target: TargetFacts } & Partial<Evidence> = { target };
  const add = async (parts: readonly Part[]): Promise<void> => {
    for (const part of parts) if (evidence[part] === undefined) Object.assign(evidence, await gather(part));
  };
  for (const check of checks) {
    await add(check.needs);
    if (checkOf(check, evidence).status !== 'failed') continue;
    if (target.inAws) await add(check.also ?? []);
    break;
  }
  return evidence;
};

const targetFacts = ({ target, roles }: Declared, { account }: Session, login: LoginWanted | undefined, now: number): TargetFacts => {
  const { endpoint, login: own, name, engine } = target;
  const known = endpoint.kind === 'explicit' ? endpoint : null;
  const inAws = isInAws(target);
  const declared = login && declaredLogin(roles, login.user);
  const isOwn = login === undefined || [own.user, own.planUser].includes(login.user);
  const byToken = login?.as !== undefined || declared?.auth === 'iam' || (declared?.auth !== 'password' && inAws);
  const by = isOwn ? own.auth : byToken ? 'iam' : 'password';
  return {
    name,
    engine,
    now,
    login: login?.user ?? own.user ?? null,
    asked: login !== undefined,
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
  readonly logging: Provider<unknown>['logging'];
  readonly facts: TargetFacts;
  readonly login: LoginWanted | undefined;
  readonly timeouts: Timeouts | undefined;
};

/** Reads one part of the evidence; what cannot be read says why. */
const partsOf = (context: Context): Gather => {
  const { declared, checker, logging, timeouts, login } = context;
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
    session: () => read(() => checker.session(target, administeredBy(declared), timeouts, groupsOf(declared))),
    logging: async () => logging && (await read(() => logging(target, timeouts))),
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

const ownToken = async ({ login, name }: Target) => {
  const facts = login.token && login.user !== undefined ? tokenFacts(await login.token(login.user)) : null;
  if (facts === null) throw failure('token/none', `target '${name}': no token could be made`);
  return facts;
};

const groupsOf = ({ memberships }: Pick<Declared, 'memberships'>): readonly string[] => distinct(memberships.map(({ role }) => role));

/** Declared roles, and what they are put into: groups of others, and rds_iam, where users of PostgreSQL with `auth: iam` go. */
const administeredBy = ({ roles, memberships, target }: Declared): readonly string[] =>
  distinct([
    ...roles.keys(),
    ...groupsOf({ memberships }),
    ...(target.engine === 'postgres' && [...roles.values()].some(({ auth }) => auth === 'iam') ? ['rds_iam'] : []),
  ]);

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
