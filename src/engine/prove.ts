import { diagnose } from '../core/diagnose.ts';
import { groupBy } from '../core/group.ts';
import { tokenTarget } from '../core/postgres-variables.ts';
import type { Manifest } from '../manifest/content.ts';
import { expectationsOf } from '../manifest/expect.ts';
import { loadManifest } from '../manifest/load.ts';
import { readManifest } from '../manifest/validate.ts';
import type { Target } from '../model/declared.ts';
import { EXIT, Failure, type Finding, failure, isError } from '../model/finding.ts';
import { principalKey } from '../model/iam.ts';
import { nameKey } from '../model/key.ts';
import { type Came, type Expectation, type Judgement, type LoginFacts, PROOFS_FORMAT, type Proof, type Proofs } from '../model/proof.ts';
import type { Prover, Timeouts, Tried } from '../providers/provider.ts';
import { type Ground, groundOf } from './ground.ts';
import { regionOf } from './in-aws.ts';
import { type Principals, placeArn } from './principals.ts';
import { providerOf, sideBySide } from './read.ts';
import type { ManifestOptions } from './session.ts';

export type ProveOptions = ManifestOptions & { readonly timeouts?: Timeouts; readonly signal: AbortSignal };

/** ■ Really logs in, as is expected of the manifest, and tries what is expected. Changes nothing. Throws a Failure for a manifest that is not valid. */
export const proveManifest = async (options: ProveOptions, clock: () => Date): Promise<Proofs> => {
  const { manifest, expectations, findings } = await expectedOf(options);
  if (expectations.length === 0)
    throw failure('prove/nothing', 'nothing is expected: there is nothing to prove', { hint: "write what shall hold under 'expect'" });
  const ground = await groundOf(manifest, expectations, options.now ?? clock().toISOString());
  const lanes = [...groupBy(expectations, ({ target, user }) => `${target}\0${user}`).values()];
  const settled = await sideBySide(lanes, (lane) => proveLane(lane, ground, options));
  const proofs = new Map<Expectation, readonly Proof[]>();
  for (const outcome of settled) {
    if (outcome.status === 'rejected') throw outcome.reason;
    for (const [expectation, came] of outcome.value) proofs.set(expectation, came);
  }
  if (options.signal.aborted) throw failure('prove/interrupted', 'interrupted; nothing was changed', {}, EXIT.interrupted);
  return summed(
    manifest.content.stack,
    expectations.flatMap((one) => proofs.get(one) ?? []),
    [...findings, ...ground.findings],
  );
};

/** ■ What the manifest expects of the chosen targets (all by default). Throws a Failure for a manifest that is not valid. */
export const expectedOf = async (
  options: ManifestOptions,
): Promise<{ readonly manifest: Manifest; readonly expectations: readonly Expectation[]; readonly findings: readonly Finding[] }> => {
  const { files } = await loadManifest(options.manifest);
  const { manifest, findings } = readManifest(files, { allowPlaintextPasswords: options.allowPlaintextPasswords ?? false });
  if (!manifest || findings.some(isError)) throw new Failure(findings);
  return { manifest, expectations: expectationsOf(manifest, chosen(manifest, options.target)), findings };
};

const chosen = (manifest: Manifest, wanted: readonly string[]): readonly string[] => {
  const names = Object.keys(manifest.content.targets);
  for (const name of wanted) {
    if (!names.includes(name))
      throw failure('manifest/unknown-target', `there is no target '${name}'`, {
        hint: `the manifest has: ${names.map(nameKey).join(', ')}`,
      });
  }
  return wanted.length > 0 ? names.filter((name) => wanted.includes(name)) : names;
};

const summed = (stack: string, proofs: readonly Proof[], findings: readonly Finding[]): Proofs => {
  const count = (status: Proof['status']): number => proofs.filter((proof) => proof.status === status).length;
  return {
    formatVersion: PROOFS_FORMAT,
    stack,
    proofs,
    summary: { passed: count('passed'), failed: count('failed'), unproven: count('unproven') },
    findings,
  };
};

/** One user of one target: one login at a time, whatever its connection limit. */
const proveLane = async (
  lane: readonly Expectation[],
  ground: Ground,
  options: ProveOptions,
): Promise<readonly (readonly [Expectation, readonly Proof[]])[]> => {
  const done: [Expectation, readonly Proof[]][] = [];
  for (const expectation of lane) {
    if (options.signal.aborted) break;
    const { login, probes, judgement } = await proveOne(expectation, ground, options);
    done.push([expectation, proofsOf(expectation, login, probes, judgement)]);
  }
  return done;
};

type Proven = { readonly login: Came; readonly probes?: readonly Came[]; readonly judgement: Judgement | null };

const proofsOf = (
  expectation: Expectation,
  login: Came,
  probes: readonly Came[] | undefined,
  judgement: Judgement | null,
): readonly Proof[] => {
  const { target, database, user, as, loginSource } = expectation;
  const whose = { target, database, user, as: as && principalKey(as) };
  const first: Proof = { ...whose, ...login, what: 'login', expected: expectation.login, judgement, source: loginSource };
  return [
    first,
    ...expectation.probes.map((probe, index): Proof => {
      const came = probes?.[index] ?? NOT_TRIED;
      return { ...whose, ...came, what: probe.text, expected: probe.can ? 'allowed' : 'denied', judgement: null, source: probe.source };
    }),
  ];
};

const NOT_TRIED: Came = { status: 'unproven', cause: 'not-logged-in', message: 'nobody was logged in to try it' };

const unproven = (cause: Came['cause'], message: string, hint?: string): Came => ({
  status: 'unproven',
  cause,
  message,
  ...(hint === undefined ? {} : { hint }),
});

const proveOne = async (expectation: Expectation, ground: Ground, { timeouts }: ProveOptions): Promise<Proven> => {
  const target = ground.targets.get(expectation.target)!;
  const { principals } = ground;
  const who = expectation.as ?? principals?.caller ?? null;
  const judgement = expectation.by === 'iam' ? (principals?.judge(who, target.place, expectation.user) ?? null) : null;
  const without = (login: Came): Proven => ({ login, judgement });
  const trouble = ground.troubles.get(expectation.target);
  if (trouble) return without(ofTrouble(trouble));
  if (expectation.proxied)
    return without(
      unproven(
        'untried',
        `the clients of '${expectation.user}' come through a proxy, and target '${target.name}' is the server`,
        'write a target for the proxy, and expect it there',
      ),
    );
  const prover = await proverOf(target);
  if (prover === null) return without(unproven('engine', `logins to ${target.engine} cannot be tried by this version`));
  const login = await loginTarget(expectation, target, principals);
  if ('message' in login)
    return without({ ...login, message: `${login.message}${login.cause === 'not-assumed' ? verdictText(judgement) : ''}` });
  const tried = await prover.attempt({
    target: login,
    database: expectation.database,
    probes: expectation.probes,
    own: target,
    ...(timeouts ? { timeouts } : {}),
  });
  if (tried.letIn) return { login: letIn(expectation, judgement), probes: tried.probes, judgement };
  const facts = ASKED.has(tried.refusal) ? await factsOf(prover, target, expectation, timeouts) : null;
  return without(refused(expectation, target, tried, { judgement, facts, skewMs: principals?.skewMs ?? null }));
};

const ASKED: ReadonlySet<string> = new Set(['authentication', 'password-asked', 'ticket-asked']);

/** What RDS says of a target is a cause; that AWS could not be asked is none. */
const ofTrouble = ({ code, message, hint }: Finding): Came => {
  const cause = /^rds\/iam-/.test(code) ? 'iam-off' : 'target';
  const said = { cause, message: message.replace(/^target '[^']*': /, ''), ...(hint === undefined ? {} : { hint }) } as const;
  return { status: code.startsWith('rds/') ? 'failed' : 'unproven', ...said };
};

const proverOf = async ({ engine, name }: Target): Promise<Prover | null> => {
  try {
    return (await providerOf(engine, name)).prove ?? null;
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
};

/** The target with the user's login in place of Rolecall's own; or why nobody can log in as it from here. */
const loginTarget = async (expectation: Expectation, target: Target, principals: Principals | null): Promise<Target | Came> => {
  const { user, by, password, as } = expectation;
  if (by === 'password') {
    if (password === undefined)
      return unproven('untried', `there is nothing to log in as '${user}' with: no password is named, and nobody by 'as'`, "write 'as'");
    return { ...target, login: { user, auth: 'password', password } };
  }
  const own = tokenTarget({ ...target, login: { ...target.login, auth: 'iam' } }, process.env);
  const region = regionOf(own);
  if (own.endpoint.kind !== 'explicit' || region === undefined || principals === null)
    return unproven(
      'untried',
      `where target '${target.name}' is in AWS is not known: nobody logs in to it by IAM`,
      'write rds: { cluster: …, region: … }',
    );
  const { host, port } = own.endpoint;
  const signer = await principals.signer(as, target.place, region);
  if ('message' in signer) return unproven('not-assumed', signer.message, signer.hint);
  const { tokenFor } = await import('../providers/rds/token.ts');
  const token = (name: string) => tokenFor({ host, port, region, user: name, credentials: signer.credentials });
  return { ...own, login: { user, auth: 'iam', token } };
};

const verdictText = (judgement: Judgement | null): string => {
  if (judgement === null) return '; what its policies say is not known';
  const why = judgement.why.length > 0 ? ` (${judgement.why.slice(0, 3).join('; ')})` : '';
  const says = { allowed: 'let it in', denied: 'keep it out', 'not-allowed': 'do not let it in', unknown: 'may or may not let it in' };
  return `; its policies, as far as they are read, ${says[judgement.verdict]}${why}`;
};

const letIn = ({ login, user, as }: Expectation, judgement: Judgement | null): Came => {
  if (login === 'allowed') return { status: 'passed', cause: null, message: 'logged in' };
  const why = judgement && judgement.why.length > 0 ? `: ${judgement.why.slice(0, 3).join('; ')}` : '';
  return {
    status: 'failed',
    cause: 'let-in',
    message: `${as ? `'${principalKey(as)}'` : 'whoever runs this'} was let in as '${user}'${why}`,
  };
};

/** The catalog, by Rolecall's own login; without it the cause is said less exactly. */
const factsOf = async (
  prover: Prover,
  target: Target,
  { user, database }: Expectation,
  timeouts?: Timeouts,
): Promise<LoginFacts | null> => {
  try {
    return await prover.examine(target, user, database, timeouts);
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
};

/** Longer than AWS takes a signature for. */
const SKEW_MS = 300_000;

type Known = { readonly judgement: Judgement | null; readonly facts: LoginFacts | null; readonly skewMs: number | null };

/** A denial is what was expected only where it is this login that is kept out, and not somebody's network. */
const refused = (expectation: Expectation, { place }: Target, tried: Extract<Tried, { letIn: false }>, known: Known): Came => {
  const { user, by, login, removed } = expectation;
  const { refusal, message: said, hint: told } = tried;
  if (refusal === 'untried') return unproven('untried', said, told);
  const diagnosis = diagnose({
    user,
    by,
    refusal,
    said,
    ...(told === undefined ? {} : { hint: told }),
    facts: known.facts,
    judgement: known.judgement,
    arn: (place && placeArn(place, user)) ?? null,
    iamAuthentication: place?.iamAuthentication ?? null,
    clockWrong: by === 'iam' && Math.abs(known.skewMs ?? 0) > SKEW_MS,
  });
  const { cause, message, hint } = diagnosis;
  const meant = removed && cause === 'no-user' ? 'yes' : diagnosis.meant;
  const told2 = { cause, message, ...(hint === undefined ? {} : { hint }) };
  if (login === 'allowed') return { status: 'failed', ...told2 };
  if (meant === 'yes') return { status: 'passed', cause, message: `denied: ${message}` };
  if (meant === 'unknown') return { status: 'unproven', ...told2, message: `denied, and why is not known: ${message}` };
  return { status: 'failed', ...told2, message: `denied for another reason than is meant: ${message}` };
};
