import type { Finding, Position, Severity } from '../model/finding.ts';
import { byCodeUnit } from '../model/key.ts';
import type { Content, Locate } from './content.ts';
import type { Merged } from './merge.ts';
import { entryKey } from './shape.ts';
import { isRecord } from './source.ts';
import type { Context, Report } from './view.ts';

/** What the checks after the schema work on: the entries that have the right shape, and where to say what is wrong. */
export type Checks = {
  readonly content: Content;
  readonly has: Context['has'];
  readonly at: Locate;
  readonly report: Report;
  readonly warn: Report;
  /** One for each target with the right shape. */
  readonly contexts: readonly Context[];
};

/** The checks' view of the merged files, and the findings that they add. */
export const checksOf = (
  merged: Merged,
  spoiled: ReadonlySet<string>,
): { readonly checks: Checks; readonly findings: () => readonly Finding[] } => {
  const findings = new Map<string, Finding>();
  const reporter =
    (severity: Severity): Report =>
    (slug, message, place, hint = {}, part) => {
      const source = 'file' in place ? place : merged.at(place, part);
      const key = `${slug} ${source.file}:${source.line}:${source.column} ${message}`;
      if (!findings.has(key)) findings.set(key, { severity, code: `manifest/${slug}`, message, ...hint, source });
    };
  const report = reporter('error');
  const content = unspoiled(merged.value, spoiled);
  const has: Checks['has'] = (section, name) => {
    const entries = merged.value[section];
    return spoiled.has(section) || (isRecord(entries) && name in entries);
  };
  const contexts = Object.entries(content.targets).map(
    ([target, entry]): Context => ({ content, target, entry, at: merged.at, report, has }),
  );
  const checks: Checks = { content, has, at: merged.at, report, warn: reporter('warning'), contexts };
  return { checks, findings: () => [...findings.values()] };
};

/** Files by name, then from top to bottom. */
export const byPlace = (a: Finding, b: Finding): number =>
  comparePositions(a.source, b.source) || byCodeUnit(a.code, b.code) || byCodeUnit(a.message, b.message);

const comparePositions = (a: Position | undefined, b: Position | undefined): number => {
  if (!a || !b) return a ? 1 : b ? -1 : 0;
  return byCodeUnit(a.file, b.file) || a.line - b.line || a.column - b.column;
};

/** The entries that the schema found nothing wrong with. Spoiled entries of lists leave a gap, so that indexes stay. */
const unspoiled = (value: Record<string, unknown>, spoiled: ReadonlySet<string>): Content => {
  const kept: Record<string, unknown> = Object.create(null);
  for (const [section, entries] of Object.entries(value)) {
    if (spoiled.has(section)) continue;
    if (Array.isArray(entries)) kept[section] = entries.map((entry, index) => (spoiled.has(entryKey(section, index)) ? undefined : entry));
    else if (isRecord(entries)) kept[section] = withoutSpoiled(section, entries, spoiled);
    else kept[section] = entries;
  }
  kept.targets ??= Object.create(null);
  return kept as Content;
};

const withoutSpoiled = (section: string, entries: Record<string, unknown>, spoiled: ReadonlySet<string>): Record<string, unknown> => {
  if (spoiled.size === 0) return entries;
  const kept: Record<string, unknown> = Object.create(null);
  for (const [name, entry] of Object.entries(entries)) if (!spoiled.has(entryKey(section, name))) kept[name] = entry;
  return kept;
};
