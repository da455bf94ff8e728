import { changedTargets } from '../core/changed-targets.ts';
import { nearest } from '../core/nearest.ts';
import type { Manifest } from '../manifest/content.ts';
import { declare, targetNamed } from '../manifest/declare.ts';
import { type DeclaredWatch, declareAlarms } from '../manifest/declare-alarms.ts';
import { type DeclaredAccount, declareIam } from '../manifest/declare-iam.ts';
import { loadManifest } from '../manifest/load.ts';
import { readManifest, targetsOf } from '../manifest/validate.ts';
import type { Declared, DeclaredRole, Target } from '../model/declared.ts';
import { Failure, type Finding, failure, isError } from '../model/finding.ts';
import { distinct, nameKey } from '../model/key.ts';
import { alarmRegions, leftRegions } from './alarm-regions.ts';

/** Where the manifest is, and which part of it is meant: everything that reads one takes this. */
export type ManifestOptions = {
  readonly manifest: readonly string[];
  readonly target: readonly string[];
  /** RFC 3339; the instant at which `until` is judged. */
  readonly now?: string;
  /** Where another state of the manifest is: only targets that the two do not declare alike are meant. */
  readonly changedFrom?: readonly string[];
  /** Users whose passwords shall be set again, whatever their versions say. */
  readonly rotate?: readonly string[];
  /** JSON of postgres-user-manager may hold passwords, which are left out. */
  readonly allowPlaintextPasswords?: boolean;
};

export type Session = {
  readonly stack: string;
  readonly asOf: string;
  readonly declareds: readonly Declared[];
  /** The IAM account, where it is one of the chosen targets; it is a `Declared` once its targets are found (see locate). */
  readonly account: DeclaredAccount | null;
  /** What watches failed logins, where it is one of the chosen targets; a `Declared` once its servers are found (see watched). */
  readonly watch?: DeclaredWatch | null;
  /** Where alarms may be (see alarm-regions). */
  readonly regions?: readonly string[];
  /** Targets that were not chosen, and that the account's policies name or alarms watch. */
  readonly elsewhere: readonly Target[];
  readonly findings: readonly Finding[];
  /** Targets that are not meant because another state of the manifest declares them alike. */
  readonly leftOut?: readonly string[];
};

/** Loads, validates and declares for the chosen targets (all by default). Throws all findings together when one is an error. */
export const openSession = async (options: ManifestOptions, clock: () => Date): Promise<Session> => {
  const { manifest, findings } = await openManifest(options.manifest, options);
  const session = sessionOf(manifest, findings, options, clock);
  if (options.changedFrom === undefined || options.changedFrom.length === 0) return session;
  const before = await openManifest(options.changedFrom, options);
  const left = leftRegions(before.manifest, manifest);
  return narrowed(
    manifest,
    { ...session, findings: [...findings, ...left] },
    changedTargets(declaredAt(before.manifest, session), session),
  );
};

const openManifest = async (
  paths: readonly string[],
  { allowPlaintextPasswords = false }: ManifestOptions,
): Promise<{ readonly manifest: Manifest; readonly findings: readonly Finding[] }> => {
  const { files } = await loadManifest(paths);
  const { manifest, findings } = readManifest(files, { allowPlaintextPasswords });
  if (!manifest || findings.some(isError)) throw new Failure(findings);
  return { manifest, findings };
};

/** What another state of the manifest declares, all of it, at the instant of a session. */
export const declaredAt = (manifest: Manifest, { asOf }: Pick<Session, 'asOf'>): Session =>
  sessionOf(manifest, [], { target: [], now: asOf }, () => new Date(asOf));

/** The session for some of its targets alone, which may be none. */
export const narrowed = (manifest: Manifest, session: Session, names: readonly string[]): Session => {
  const leftOut = namesOf(session).filter((name) => !names.includes(name));
  if (names.length === 0) return { ...session, declareds: [], account: null, watch: null, elsewhere: [], leftOut };
  const { asOf, findings } = session;
  return { ...sessionOf(manifest, findings, { target: names, now: asOf }, () => new Date(asOf)), leftOut };
};

const namesOf = ({ declareds, account, watch }: Pick<Session, 'declareds' | 'account' | 'watch'>): readonly string[] =>
  [...declareds, ...(account ? [account] : []), ...(watch ? [watch] : [])].map(({ target }) => target.name);

/** What a manifest declares for the chosen targets. */
export const sessionOf = (
  manifest: Manifest,
  findings: readonly Finding[],
  options: Pick<ManifestOptions, 'target' | 'now' | 'rotate'>,
  clock: () => Date,
): Session => {
  const asOf = options.now ?? clock().toISOString();
  const account = declareIam(manifest, { asOf });
  const servers = targetsOf(manifest).map((target) => target.name);
  const regions = alarmRegions(manifest);
  // Without a region there is no place to look at.
  const watch = regions.length === 0 ? null : declareAlarms(manifest, { asOf });
  const names = [...servers, ...[account, watch].flatMap((one) => (one ? [one.target.name] : []))];
  const chosen = options.target.length > 0 ? options.target : names;
  for (const name of chosen) if (!names.includes(name)) throw unknownTarget(name, names);
  const isChosen = account !== null && chosen.includes(account.target.name);
  const isWatched = watch !== null && chosen.includes(watch.target.name);
  const apart = account !== null && !isChosen ? { apart: true as const } : {};
  const declareds = rotating(
    servers.filter((name) => chosen.includes(name)).map((name) => ({ ...declare(manifest, name, { asOf }), ...apart })),
    options.rotate ?? [],
  );
  const named = distinct([
    ...(isChosen ? account.iam.connects.map(({ target }) => target) : []),
    ...(isWatched ? watch.alarms.alarms.map(({ target }) => target) : []),
  ]);
  return {
    stack: manifest.content.stack,
    asOf: (declareds[0] ?? account ?? watch)!.asOf,
    declareds,
    account: isChosen ? account : null,
    ...(isWatched ? { watch, regions } : {}),
    elsewhere: named.filter((name) => !chosen.includes(name)).map((name) => targetNamed(manifest, name)),
    // How a target is connected to is said by its plan.
    findings: findings.filter(({ code }) => code !== 'manifest/tls'),
  };
};

/** The named users with their passwords to be set again; each must have one on a chosen target. */
const rotating = (declareds: readonly Declared[], users: readonly string[]): readonly Declared[] => {
  const meant = ({ name, account }: DeclaredRole): boolean => users.includes(account?.user ?? name);
  const withPassword = declareds.flatMap(({ roles }) => [...roles.values()].filter(({ password }) => password !== undefined));
  const known = distinct(withPassword.map(({ name, account }) => account?.user ?? name));
  const unknown = users.find((user) => !known.includes(user));
  if (unknown !== undefined) {
    const near = nearest(unknown, known);
    throw failure('manifest/rotate', `'${unknown}' has no password in the manifest that could be set again`, {
      hint: near === undefined ? "a user with 'password' is expected" : `did you mean '${near}'?`,
    });
  }
  if (users.length === 0) return declareds;
  return declareds.map((declared) => ({
    ...declared,
    roles: new Map(
      [...declared.roles].map(([name, role]) => [
        name,
        meant(role) && role.password !== undefined ? { ...role, rotate: true as const } : role,
      ]),
    ),
  }));
};

const unknownTarget = (name: string, names: readonly string[]): Failure =>
  failure('manifest/unknown-target', `there is no target '${name}'`, { hint: `the manifest has: ${names.map(nameKey).join(', ')}` });
