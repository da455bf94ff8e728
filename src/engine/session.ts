import { declare } from '../manifest/declare.ts';
import { loadManifest } from '../manifest/load.ts';
import { readManifest, targetsOf } from '../manifest/validate.ts';
import type { Declared } from '../model/declared.ts';
import { Failure, type Finding, failure, isError } from '../model/finding.ts';
import { nameKey } from '../model/key.ts';

/** Where the manifest is, and which part of it is meant: everything that reads one takes this. */
export type ManifestOptions = {
  readonly manifest: readonly string[];
  readonly target: readonly string[];
  /** RFC 3339; the instant at which `until` is judged. */
  readonly now?: string;
  /** JSON of postgres-user-manager may hold passwords, which are left out. */
  readonly allowPlaintextPasswords?: boolean;
};

export type Session = {
  readonly stack: string;
  readonly asOf: string;
  readonly declareds: readonly Declared[];
  readonly findings: readonly Finding[];
};

/** Loads, validates and declares for the chosen targets (all by default). Throws all findings together when one is an error. */
export const openSession = async (options: ManifestOptions, clock: () => Date): Promise<Session> => {
  const { files } = await loadManifest(options.manifest);
  const { manifest, findings } = readManifest(files, { allowPlaintextPasswords: options.allowPlaintextPasswords ?? false });
  if (!manifest || findings.some(isError)) throw new Failure(findings);
  const names = targetsOf(manifest).map((target) => target.name);
  const chosen = options.target.length > 0 ? options.target : names;
  for (const name of chosen) if (!names.includes(name)) throw unknownTarget(name, names);
  const asOf = options.now ?? clock().toISOString();
  const declareds = names.filter((name) => chosen.includes(name)).map((name) => declare(manifest, name, { asOf }));
  // How a target is connected to is said by its plan.
  const told = findings.filter(({ code }) => code !== 'manifest/tls');
  return { stack: declareds[0]!.stack, asOf: declareds[0]!.asOf, declareds, findings: told };
};

const unknownTarget = (name: string, names: readonly string[]): Failure =>
  failure('manifest/unknown-target', `there is no target '${name}'`, { hint: `the manifest has: ${names.map(nameKey).join(', ')}` });
