import { type Finding, isError } from '../model/finding.ts';
import { checkAccount } from './account.ts';
import { checkAlarms } from './alarms.ts';
import { byPlace, type Checks, checksOf } from './checks.ts';
import type { Granted, Manifest } from './content.ts';
import { checkCycles } from './cycles.ts';
import { checkElsewhere, defaultsOn, publicsOn } from './elsewhere.ts';
import { checkExpect } from './expect.ts';
import { checkIam } from './iam.ts';
import { fromUserManager, type ImportOptions, isUserManager, parseJson } from './import/postgres-user-manager.ts';
import { type Merged, merge } from './merge.ts';
import { checkNames } from './names.ts';
import { checkReferences } from './references.ts';
import { checkRoles } from './roles.ts';
import { checkSecrets } from './secrets.ts';
import { checkShape } from './shape.ts';
import { isRecord, parse, type Source } from './source.ts';
import { checkTargets } from './targets.ts';

/** The text of one file of the manifest; `path` is what findings call it. */
export type ManifestFile = { readonly path: string; readonly text: string };

/** `from`: whose files they all are; left out, postgres-user-manager's are recognised among the others. */
export type ReadOptions = ImportOptions & { readonly from?: 'postgres-user-manager' };

/**
 * Validates the files as one manifest, offline: YAML, the schema, and the rules between its parts. All findings together, in the
 * order of the files; null instead of a manifest when one of them is an error.
 */
export const readManifest = (
  files: readonly ManifestFile[],
  options: ReadOptions = {},
): { readonly manifest: Manifest | null; readonly findings: readonly Finding[] } => {
  const sources = sourcesOf(files, options);
  const read = sources.flatMap((source) => source.findings);
  if (read.some(isError)) return { manifest: null, findings: read.sort(byPlace) };
  const merged = merge(sources);
  const shape = checkShape(merged);
  const { checks, findings } = checksOf(merged, shape.spoiled);
  if (merged.findings.length === 0 && Object.keys(merged.value).length === 0) checks.report('empty', 'the manifest is empty', []);
  const granted: Granted = Object.keys(merged.value).length > 0 ? runChecks(checks, merged) : new Map();
  const all = [...read, ...merged.findings, ...shape.findings, ...findings()].sort(byPlace);
  if (all.some(isError)) return { manifest: null, findings: all };
  return { manifest: { content: checks.content, at: merged.at, granted }, findings: all };
};

/** Each file as a part of the manifest; postgres-user-manager's JSON as what it stands for. */
const sourcesOf = (files: readonly ManifestFile[], options: ReadOptions): readonly Source[] => {
  const sources = files.map(({ path, text }) => (path.endsWith('.json') || options.from ? parseJson(path, text) : parse(path, text)));
  const foreign = sources.filter((source) => options.from !== undefined || isUserManager(source));
  const headed = sources.some((source) => !foreign.includes(source) && isRecord(source.value));
  return sources.map((source) => (foreign.includes(source) ? fromUserManager(source, !headed && source === foreign[0], options) : source));
};

/** The targets of a manifest, in its order. */
export const targetsOf = ({
  content,
}: Manifest): readonly { readonly name: string; readonly engine: string; readonly foundBy: 'endpoint' | 'rds' }[] =>
  Object.entries(content.targets).map(([name, { engine, endpoint }]) => ({
    name,
    engine,
    foundBy: endpoint === undefined ? 'rds' : 'endpoint',
  }));

const runChecks = (checks: Checks, merged: Merged): Granted => {
  checkWhole(checks, merged);
  checkSecrets(checks, merged.value);
  checkTargets(checks);
  checkNames(checks);
  checkReferences(checks);
  const granted = checkRoles(checks);
  checkIam(checks);
  checkAccount(checks);
  checkCycles(checks);
  for (const context of checks.contexts) {
    if (context.entry.engine !== 'postgres') {
      checkElsewhere(context);
      continue;
    }
    defaultsOn(context);
    publicsOn(context);
  }
  checkExpect(checks);
  checkAlarms(checks);
  return granted;
};

/** What every manifest has, in whichever of its files. */
const checkWhole = ({ report }: Checks, { value }: Merged): void => {
  for (const key of ['version', 'stack', 'targets']) if (!(key in value)) report('missing', `the manifest has no '${key}'`, []);
  if (isRecord(value.targets) && Object.keys(value.targets).length === 0)
    report('missing', 'the manifest has no target', ['targets'], {}, 'key');
  // Empty, `alarms` takes away what is left of them.
  const acts = ['users', 'groups', 'removed', 'defaults', 'public'].some((key) => !isEmpty(value[key])) || isRecord(value.alarms);
  const roles = isRecord(value.iam) && !isEmpty(value.iam.roles);
  if (!acts && !roles)
    report('empty', 'the manifest declares no user, no group and nothing else to act on', [], {
      hint: 'name what shall go away under removed, or use destroy',
    });
};

const isEmpty = (section: unknown): boolean =>
  section === undefined || section === null || (typeof section === 'object' && Object.keys(section).length === 0);
