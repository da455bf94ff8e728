import type { Endpoint, Engine, Target } from '../../model/declared.ts';
import { Failure, type Finding, isError } from '../../model/finding.ts';
import { regionInHost } from '../../model/rds-host.ts';
import { type Address, checkDeclared, checkFound, declaredRegion, engineOf, ofTarget, type Sought } from './check.ts';
import { clockFindings } from './clock.ts';
import { type Access, accessWith } from './connect.ts';
import { inventoryOf } from './inspect.ts';
import { type Desk, seek } from './seek.ts';
import { tokenFor } from './token.ts';

export type DiscoverOptions = {
  /** Names of targets with users that log in by IAM; those that Rolecall itself logs in to by IAM count anyway. */
  readonly needIam: ReadonlySet<string>;
};

/** The targets as they are now known. One that was not found has a finding of severity error that names it, and stays as it was. */
export type Discovery = { readonly targets: readonly Target[]; readonly findings: readonly Finding[] };

/**
 * Finds the targets of `rds` through the API, and readies those that Rolecall logs in to by IAM. What AWS is asked depends on how many
 * regions and sets of credentials there are, and not on how many targets. Touches nothing where no target needs it; never throws for
 * expected trouble.
 */
export const discover = async (targets: readonly Target[], { needIam }: DiscoverOptions): Promise<Discovery> => {
  const desks = new Map<string, Desk>();
  const discovered = await Promise.all(targets.map((target) => discoverOne(target, deskFor(desks, target), needIam)));
  const clocks = await Promise.all([...desks.values()].map((desk) => clockOf(desk, targets, desks)));
  const warned = clocks.flat().find(({ target }) => target === undefined);
  return {
    targets: discovered.map(({ target }) => target),
    findings: [
      ...discovered.flatMap(({ findings }) => findings),
      ...clocks.flat().filter(({ target }) => target !== undefined),
      ...(warned ? [warned] : []),
    ],
  };
};

/** What a target of `rds` runs; undefined where that is not to be seen, or none of ours: `discover` says why. */
export const engineThere = async (target: Target): Promise<Engine | undefined> => {
  if (!isSought(target)) return undefined;
  const { assumeRole, region } = target.rds;
  try {
    const hit = await seek(target, deskWith(accessWith(assumeRole, region)));
    return 'severity' in hit ? undefined : engineOf(hit.place.engine);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
};

/** A clock so wrong that tokens are refused is the trouble of whoever logs in by one; else it is said once. */
const clockOf = async (desk: Desk, targets: readonly Target[], desks: Map<string, Desk>): Promise<readonly Finding[]> => {
  const byToken = targets.filter((target) => target.login.auth === 'iam' && deskFor(desks, target) === desk);
  const findings = clockFindings((await callerOf(desk))?.skewMs ?? null, byToken.length > 0);
  return findings.flatMap((finding) => (isError(finding) ? byToken.map((target) => ofTarget(finding, target)) : [finding]));
};

type Discovered = { readonly target: Target; readonly findings: readonly Finding[] };

/** undefined: AWS is not needed for this target. */
const deskFor = (desks: Map<string, Desk>, target: Target): Desk | undefined => {
  const region = target.rds?.region ?? regionOf(target);
  if (region === undefined || (target.rds === undefined && target.login.auth !== 'iam')) return undefined;
  const role = target.rds?.assumeRole;
  const key = JSON.stringify([role?.arn, role?.externalId]);
  const desk = desks.get(key) ?? deskWith(accessWith(role, region));
  desks.set(key, desk);
  return desk;
};

const deskWith = (access: Access): Desk => ({ access, inventory: inventoryOf(access) });

/** By what the manifest says, else by the endpoint's own name. */
const regionOf = (target: Target): string | undefined =>
  target.endpoint.kind === 'explicit' ? (declaredRegion(target) ?? regionInHost(target.endpoint.host)) : undefined;

const discoverOne = async (target: Target, desk: Desk | undefined, needIam: ReadonlySet<string>): Promise<Discovered> => {
  try {
    if (isSought(target) && desk) return await found(target, desk, needIam.has(target.name) || target.login.auth === 'iam');
    const findings = checkDeclared(target);
    if (!desk || findings.some(isError)) return { target, findings };
    const ready = await readied(target, desk);
    return { target: ready.target, findings: [...findings, ...ready.findings] };
  } catch (error) {
    if (error instanceof Failure) return { target, findings: error.findings.map((finding) => ofTarget(finding, target)) };
    throw error;
  }
};

const isSought = (target: Target): target is Sought => target.rds !== undefined;

const found = async (target: Sought, desk: Desk, needsIam: boolean): Promise<Discovered> => {
  await desk.access.credentials();
  const hit = await seek(target, desk);
  if ('severity' in hit) return { target, findings: [hit] };
  const findings = [
    ...checkFound(target, hit, needsIam),
    ...hit.findings.map((finding) => (finding.target ? finding : ofTarget(finding, target))),
  ];
  if (findings.some(isError)) return { target, findings };
  return { target: withToken({ ...target, endpoint: endpointOf(target, hit.address), place: hit.place }, desk), findings };
};

/** A token is made without a word to AWS: whether the credentials are any good is asked beforehand. */
const readied = async (target: Target, desk: Desk): Promise<Discovered> => {
  await desk.access.credentials();
  try {
    await desk.access.caller();
    return { target: withToken(target, desk), findings: [] };
  } catch (error) {
    if (!(error instanceof Failure) || !error.findings.every(({ code }) => code === 'aws/unreachable')) throw error;
    return {
      target: withToken(target, desk),
      findings: error.findings.map((finding) => ({ ...ofTarget(finding, target), severity: 'warning' as const })),
    };
  }
};

/** Certificates of proxies come from authorities that Node trusts anyway. */
const endpointOf = ({ rds }: Sought, address: Address): Endpoint => {
  const ca = rds.ca ?? (rds.kind === 'proxy' ? undefined : 'rds');
  return { kind: 'explicit', ...address, tls: 'verify-full', ...(ca === undefined ? {} : { ca }), ...(rds.via ? { via: rds.via } : {}) };
};

const withToken = (target: Target, desk: Desk): Target => {
  const { endpoint, login } = target;
  if (login.auth !== 'iam' || endpoint.kind !== 'explicit') return target;
  const region = regionOf(target)!;
  const { host, port } = endpoint;
  return { ...target, login: { ...login, token: (user) => tokenFor({ host, port, region, user, credentials: desk.access.credentials }) } };
};

const callerOf = async (desk: Desk) => {
  try {
    return await desk.access.caller();
  } catch (error) {
    // Trouble that matters was met by the targets themselves; STS may be out of reach where RDS is not.
    if (error instanceof Failure) return undefined;
    throw error;
  }
};
