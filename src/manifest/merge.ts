import type { Finding, Position } from '../model/finding.ts';
import type { Locate, Path } from './content.ts';
import { isRecord, type Source } from './source.ts';

/** The files as one manifest, not yet validated. */
export type Merged = { readonly value: Record<string, unknown>; readonly at: Locate; readonly findings: readonly Finding[] };

/** Sections whose entries may be spread over files, by their empty value. */
const NAMED = new Set(['profiles', 'groups', 'users', 'removed', 'alarms']);
const LISTED = new Set(['defaults', 'public', 'existing', 'expect', 'alarm_regions']);
/** These stand in one file, so that half a directory never loads as a whole manifest. */
const TOGETHER = ['stack', 'targets', 'iam', 'guard'] as const;

type Origin = { readonly source: Source; readonly path: Path };
/** Where a section, or each entry of a section that was put together, comes from. */
type Origins = { readonly section: Map<string, Origin>; readonly entry: Map<string, Map<string | number, Origin>> };
type Merging = { readonly value: Record<string, unknown>; readonly origins: Origins; readonly findings: Finding[] };

/** Puts the files together. What stands twice is a finding that names both places. */
export const merge = (sources: readonly Source[]): Merged => {
  const merging: Merging = { value: Object.create(null), origins: { section: new Map(), entry: new Map() }, findings: [] };
  for (const source of sources) {
    if (source.value === null) continue;
    if (isRecord(source.value)) mergeFile(merging, source, source.value);
    else
      report(merging, 'type', `a manifest is a map, this is ${Array.isArray(source.value) ? 'a list' : 'a single value'}`, source.at([]));
  }
  holdTogether(merging);
  const first = sources[0]!.at([]);
  return { value: merging.value, findings: merging.findings, at: (path, part) => locate(merging.origins, first, path, part) };
};

const mergeFile = (merging: Merging, source: Source, value: Record<string, unknown>): void => {
  for (const [section, content] of Object.entries(value)) {
    const before = merging.origins.section.get(section);
    if (!before) merging.origins.section.set(section, { source, path: [section] });
    if (NAMED.has(section) && isRecord(content)) mergeNamed(merging, source, section, content);
    else if (LISTED.has(section) && Array.isArray(content)) mergeListed(merging, source, section, content);
    else if (!before) merging.value[section] = content;
    else if (section !== 'version' || content !== merging.value[section])
      twice(merging, `'${section}'`, source.at([section], 'key'), placeOf(before));
  }
};

const mergeNamed = (merging: Merging, source: Source, section: string, content: Record<string, unknown>): void => {
  merging.value[section] ??= Object.create(null);
  const into = merging.value[section];
  if (!isRecord(into)) return;
  const entries = entriesOf(merging, section);
  for (const [name, entry] of Object.entries(content)) {
    const before = entries.get(name);
    if (before) {
      twice(merging, `'${name}' of '${section}'`, source.at([section, name], 'key'), placeOf(before));
      continue;
    }
    into[name] = entry;
    entries.set(name, { source, path: [section, name] });
  }
};

const mergeListed = (merging: Merging, source: Source, section: string, content: readonly unknown[]): void => {
  merging.value[section] ??= [];
  const into = merging.value[section];
  if (!Array.isArray(into)) return;
  const entries = entriesOf(merging, section);
  for (const [index, entry] of content.entries()) {
    entries.set(into.length, { source, path: [section, index] });
    into.push(entry);
  }
};

const entriesOf = ({ origins }: Merging, section: string): Map<string | number, Origin> => {
  const known = origins.entry.get(section) ?? new Map<string | number, Origin>();
  origins.entry.set(section, known);
  return known;
};

const holdTogether = (merging: Merging): void => {
  const placed = TOGETHER.flatMap((section) => {
    const origin = merging.origins.section.get(section);
    return origin ? [{ section, origin }] : [];
  });
  const [first, ...others] = placed;
  for (const { section, origin } of others) {
    if (origin.source === first!.origin.source) continue;
    const message = `'${section}' stands here and '${first!.section}' at ${placeText(placeOf(first!.origin))}, expected both in one file`;
    report(merging, 'one-file', message, placeOf(origin), `keep ${TOGETHER.join(', ')} in one file`);
  }
};

const twice = (merging: Merging, subject: string, here: Position, first: Position): void =>
  report(merging, 'declared-twice', `${subject} is declared twice, first at ${placeText(first)}`, here);

const report = (merging: Merging, slug: string, message: string, source: Position, hint?: string): void => {
  merging.findings.push({ severity: 'error', code: `manifest/${slug}`, message, source, ...(hint ? { hint } : {}) });
};

const placeOf = ({ source, path }: Origin): Position => source.at(path, 'key');

/** A position as messages write it. */
export const placeText = ({ file, line, column }: Position): string => `${file}:${line}:${column}`;

const locate = ({ section, entry }: Origins, first: Position, path: Path, part?: 'key' | 'value'): Position => {
  const whole = path.length === 0 ? undefined : section.get(path[0] as string);
  if (!whole) return first;
  const own = path.length === 1 ? undefined : entry.get(path[0] as string)?.get(path[1]!);
  if (!own) return whole.source.at(path, part);
  // Only entries of lists have another index in their own file.
  return own.source.at(own.path[1] === path[1] ? path : [...own.path, ...path.slice(2)], part);
};
