import { connectArn } from '../core/aws.ts';
import type { Declared, DeclaredRole } from '../model/declared.ts';
import { EXIT, type ExitCode, Failure, type Finding, failure, isError } from '../model/finding.ts';
import { LOCK_FORMAT, type LockResult, type LoginLock, type PolicyLock } from '../model/lock.ts';
import { rdsHost } from '../model/rds-host.ts';
import type { LockOrder, Provider } from '../providers/provider.ts';
import { foundTargets } from './found.ts';
import { providerOf, sideBySide } from './read.ts';
import type { Session } from './session.ts';

export type LockUserOptions = Pick<LockOrder, 'user' | 'date' | 'reason' | 'breakLock' | 'timeouts'> & {
  /** Told who holds the run lock of a target, before it is ended. */
  readonly onHolder: (target: string, holder: string) => void;
};

type Done = { readonly result: LockResult; readonly exitCode: ExitCode };

/**
 * Closes the login of a user on every target of a session, then its sessions, then the lines of our policies. What fails on one target
 * keeps nothing of the others. `own` is false where no manifest was there: nobody's mark is written then.
 */
export const lockUser = async (session: Session, own: boolean, options: LockUserOptions): Promise<Done> => {
  const { user, reason, onHolder, ...rest } = options;
  const { declareds, lost } = await found(session);
  const targets = await onEach(declareds, lost, async (declared, provider) => {
    refuseDeclared(declared, user);
    if (provider.closeLogin === undefined) throw unsupported(declared);
    const stack = own && rolesOf(declared, user).length > 0 ? declared.stack : null;
    const order = { ...rest, ...(reason === undefined ? {} : { reason }), declared, user, stack };
    return await provider.closeLogin({ ...order, onHolder: (holder) => onHolder(declared.target.name, holder) });
  });
  const kept = new Set(targets.filter(isRefused).map(({ name }) => name));
  const iam = await withdrawn(
    session,
    declareds.filter(({ target }) => !kept.has(target.name)),
    user,
    own,
  );
  return done({
    formatVersion: LOCK_FORMAT,
    command: 'lock',
    user,
    reason: reason ?? null,
    targets: withTargetHint(targets, 'lock', user),
    iam,
  });
};

/** Opens the login again, unless the manifest closes it: policies are for the next apply. */
export const unlockUser = async (session: Session, own: boolean, user: string): Promise<Done> => {
  const { declareds, lost } = await found(session);
  const targets = await onEach(declareds, lost, async (declared, provider) => {
    refuseDeclared(declared, user);
    if (provider.reopenLogin === undefined) throw unsupported(declared);
    return await provider.reopenLogin({ declared, user, closed: own ? (stack) => closedBy(declared, user, stack) : () => null });
  });
  return done({
    formatVersion: LOCK_FORMAT,
    command: 'unlock',
    user,
    reason: null,
    targets: withTargetHint(targets, 'unlock', user),
    iam: null,
  });
};

/** A user of MySQL is as many roles as it has hosts. */
const rolesOf = ({ target, roles }: Declared, user: string): readonly DeclaredRole[] => {
  if (target.engine === 'postgres') return [roles.get(user)].filter((role) => role !== undefined);
  return [...roles.values()].filter(({ name, account }) => (account ? account.user : name) === user);
};

/** What the manifest says of a login: why it is closed, or null. */
const closedBy = (declared: Declared, user: string, markedBy: string | null): string | null => {
  const { stack } = declared;
  const [role] = rolesOf(declared, user);
  if (role === undefined) return markedBy === stack ? 'the manifest no longer declares it' : null;
  if (!role.enabled) return "the manifest says 'enabled: false'";
  if (role.expired) return "its 'until' has passed";
  return role.auth === 'none' ? "the manifest says 'auth: none'" : null;
};

/** Where the targets are; those that could not be found are told of among the others. */
const found = async (session: Session) => {
  const { declareds, lost } = await foundTargets(session);
  return { declareds, lost: lost.map(({ name, findings }) => ({ name, ...failed(findings) })) };
};

type Named = LockResult['targets'][number];

/** `USER@TARGET` is how `token` and `connect` are told; here a name may hold an @, and means all targets. */
export const withTargetHint = (targets: readonly Named[], command: LockResult['command'], user: string): readonly Named[] => {
  const at = user.lastIndexOf('@');
  const target = targets.find(({ name }) => at > 0 && name === user.slice(at + 1));
  if (!target) return targets;
  const hint = `the name is taken whole: for '${user.slice(0, at)}' on target '${target.name}' alone write rolecall ${command} ${user.slice(0, at)} --target ${target.name}`;
  return targets.map((one) => ({
    ...one,
    findings: one.findings.map((finding) => (finding.code === 'lock/no-role' ? { ...finding, hint } : finding)),
  }));
};

type Work = (declared: Declared, provider: Provider<unknown>) => Promise<LoginLock>;

const onEach = async (declareds: readonly Declared[], lost: readonly Named[], work: Work): Promise<readonly Named[]> => {
  const settled = await sideBySide(declareds, async (declared): Promise<Named> => {
    const { name, engine } = declared.target;
    try {
      return { name, ...(await work(declared, await providerOf(engine, name))) };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return { name, ...failed(error.findings) };
    }
  });
  const each = settled.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
  return [...each, ...lost];
};

const failed = (findings: readonly Finding[]): LoginLock => ({ status: 'failed', login: null, sessions: null, mark: null, findings });

const unsupported = ({ target: { name, engine } }: Declared): Failure =>
  failure('lock/engine-unsupported', `target '${name}': this version does not lock users of ${engine}`, {
    hint: 'close the login by hand, or choose other targets with --target',
    target: name,
  });

/** What a manifest says is not to be closed; the server is asked for the rest. */
const refuseDeclared = (declared: Declared, user: string): void => {
  const {
    target: { name, login },
    guards,
  } = declared;
  const why = [login.user, login.planUser].includes(user)
    ? "it is Rolecall's own login here"
    : guards.protected.includes(user)
      ? "it is protected ('guard.protected')"
      : rolesOf(declared, user)[0]?.kind === 'group'
        ? 'it is a group, which does not log in'
        : null;
  if (why !== null) throw refusal(`target '${name}': '${user}' is not locked or unlocked: ${why}`, name);
};

const refusal = (message: string, target: string): Failure => failure('lock/refused', message, { target }, EXIT.refused);

const isRefused = ({ findings }: LoginLock): boolean => findings.some(({ code }) => code === 'lock/refused');

/** The lines of our policies that name the user where these targets are. A server without a manifest is called by its host. */
const withdrawn = async (session: Session, declareds: readonly Declared[], user: string, own: boolean): Promise<PolicyLock> => {
  const { account } = session;
  const places = declareds.flatMap(({ target }) => (target.place ? [[target.name, target.place] as const] : []));
  const arns = places.flatMap(([, { partition, account: owner, resources, proxies }]) =>
    [...resources, ...proxies].flatMap(({ region, id }) =>
      id === '' ? [] : [connectArn({ partition, region, account: owner, resource: id, user })],
    ),
  );
  const skipped = (findings: readonly Finding[]): PolicyLock => ({ status: 'skipped', removed: [], findings });
  if (account === null) return skipped(!own && session.declareds.some(({ target }) => rdsHost(target.name)) ? [noPlace()] : []);
  if (arns.length === 0) return skipped(session.declareds.some(isInAws) ? [noPlace()] : []);
  if (account.iam.mode !== 'manage') return skipped([elsewhere(account.iam.mode, arns)]);
  const declared: Declared = { ...account, iam: { ...account.iam, connects: [], places: new Map(places), logins: null, flips: new Set() } };
  try {
    const { withdraw } = await import('../providers/iam/withdraw.ts');
    return await withdraw({ declared, arns: new Set(arns), anyStack: !own });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { status: 'failed', removed: [], findings: error.findings };
  }
};

const isInAws = ({ target: { rds, endpoint } }: Declared): boolean =>
  rds !== undefined || (endpoint.kind === 'explicit' && endpoint.aws !== undefined);

const noPlace = (): Finding => ({
  severity: 'warning',
  code: 'lock/no-place',
  message: 'policies were not looked at: where the servers are in AWS is not known',
  hint: 'write rds: { cluster: …, region: … }, or add endpoint.resource_id',
});

const elsewhere = (mode: string, arns: readonly string[]): Finding => ({
  severity: 'warning',
  code: 'lock/not-managed',
  message: `policies were not touched ('iam.mode' is ${mode}): others let nobody in any more on ${arns.join(', ')}`,
  hint: 'have them take these lines out; the closed login keeps everybody out meanwhile',
});

/** An absent role counts for nothing, unless it is absent everywhere. */
const done = (result: LockResult): Done => {
  const parts = [...result.targets, ...(result.iam ? [result.iam] : [])];
  const some = parts.some(({ status }) => status === 'done' || status === 'unchanged' || status === 'partial');
  const all = parts.every(({ status }) => status !== 'partial' && status !== 'failed');
  if (all) return { result, exitCode: result.targets.every(({ status }) => status === 'absent') ? EXIT.error : EXIT.ok };
  const refused = parts.flatMap(({ findings }) => findings.filter(isError)).every(({ code }) => code === 'lock/refused');
  return { result, exitCode: some && !onlyPolicies(result) ? EXIT.partial : refused ? EXIT.refused : EXIT.error };
};

/** That there was nothing to take out of policies is no part of the work. */
const onlyPolicies = ({ targets, iam }: LockResult): boolean =>
  iam?.status === 'unchanged' && targets.every(({ status }) => status === 'failed' || status === 'absent');
