import type { DatabaseEngine } from '../model/declared.ts';
import type { Position } from '../model/finding.ts';
import { byCodeUnit } from '../model/key.ts';
import type { Content, EntryTargets, Locate, Manifest, Path, RoleEntry, TargetEntry } from './content.ts';

/** Says what is wrong at a place of the manifest. */
export type Report = (
  slug: string,
  message: string,
  place: Path | Position,
  hint?: { readonly hint?: string },
  part?: 'key' | 'value',
) => void;

/** What reading an entry for one target needs to know. */
export type Context = {
  readonly content: Content;
  readonly target: string;
  readonly entry: TargetEntry;
  readonly at: Locate;
  readonly report: Report;
  /** Whether the manifest has the entry, even one that is spoiled; true for anything in a section that is. */
  readonly has: (section: keyof Content, name: string) => boolean;
};

/** The context of a manifest in which no check found an error: a report is a bug. */
export const validated = ({ content, at }: Manifest, target: string, entry: TargetEntry): Context => ({
  content,
  target,
  entry,
  at,
  report: noReport,
  has: () => true,
});

/** Nothing is wrong with what was validated. */
export const noReport: Report = (slug, message) => {
  throw new Error(`the manifest was not validated: ${slug}: ${message}`);
};

/** A user or group as it is on one target. */
export type View = {
  readonly kind: 'user' | 'group';
  readonly name: string;
  readonly entry: RoleEntry;
  /** Where the role itself stands. */
  readonly top: Path;
  /** Where the value of a key stands: in the override of the target, or at the role. */
  readonly path: (key: keyof RoleEntry) => Path;
  /** true when the key's value is written for this target alone. */
  readonly overridden: (key: keyof RoleEntry) => boolean;
};

/** The targets that an entry is on; none where it names none and the manifest has several. */
export const targetNames = (content: Content, targets: EntryTargets<object> | undefined): readonly string[] => {
  if (targets === undefined) return onlyTarget(content);
  return isList(targets) ? targets : Object.keys(targets);
};

/** Whether an entry is on the target. */
export const isOn = (content: Content, targets: EntryTargets<object> | undefined, target: string): boolean => {
  if (targets === undefined) return onlyTarget(content)[0] === target;
  return isList(targets) ? targets.includes(target) : Object.hasOwn(targets, target);
};

const only = new WeakMap<Content['targets'], readonly string[]>();

/** The target of entries that name none. Asked for every role and membership, and so remembered. */
const onlyTarget = ({ targets }: Content): readonly string[] => {
  const known = only.get(targets);
  if (known) return known;
  const all = Object.keys(targets);
  const found = all.length === 1 ? all : [];
  only.set(targets, found);
  return found;
};

/** What differs for an entry on the target. */
export const overrideOn = <O extends object>(targets: EntryTargets<O> | undefined, target: string): O | undefined =>
  targets === undefined || isList(targets) ? undefined : targets[target];

/** The engines of the targets that an entry is on. */
export const enginesOf = (content: Content, targets: EntryTargets<object> | undefined): ReadonlySet<DatabaseEngine> => {
  const named = targetNames(content, targets);
  const found = engines.get(named) ?? new Set(named.flatMap((name) => content.targets[name]?.engine ?? []));
  // Of most entries it is one list: the only target.
  if (targets === undefined) engines.set(named, found);
  return found;
};
const engines = new WeakMap<readonly string[], ReadonlySet<DatabaseEngine>>();

const known = new WeakMap<Content, Map<string, readonly View[]>>();

/** Users and groups of the target, by name. Asked for by every check, and so remembered. */
export const viewsOn = (
  content: Content,
  target: string,
  sections: readonly ('groups' | 'users')[] = ['groups', 'users'],
): readonly View[] => {
  const views = known.get(content) ?? new Map<string, readonly View[]>();
  known.set(content, views);
  // No section has a space in its name.
  const key = `${sections.join()} ${target}`;
  const found = views.get(key) ?? viewsIn(content, target, sections);
  views.set(key, found);
  return found;
};

const viewsIn = (content: Content, target: string, sections: readonly ('groups' | 'users')[]): readonly View[] =>
  sections
    .flatMap((section) =>
      Object.entries(content[section] ?? {}).flatMap(([name, entry]) =>
        isOn(content, entry.targets, target) ? [viewOf(section, name, entry, target)] : [],
      ),
    )
    .sort((a, b) => byCodeUnit(a.name, b.name));

const viewOf = (section: 'groups' | 'users', name: string, entry: RoleEntry, target: string): View => {
  const override = overrideOn(entry.targets, target);
  const overridden = (key: keyof RoleEntry): boolean => override !== undefined && Object.hasOwn(override, key);
  return {
    kind: section === 'users' ? 'user' : 'group',
    name,
    entry: override === undefined ? entry : { ...entry, ...override },
    top: [section, name],
    path: (key) => (overridden(key) ? [section, name, 'targets', target, key] : [section, name, key]),
    overridden,
  };
};

/** Narrows what may be a list or a map. */
export const isList = <T>(value: readonly T[] | object): value is readonly T[] => Array.isArray(value);

/** The database that is meant where none is written: the only one that the target manages. */
export const onlyDatabase = ({ databases }: TargetEntry): string | undefined => (databases?.length === 1 ? databases[0] : undefined);
