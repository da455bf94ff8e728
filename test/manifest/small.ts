import { expect } from 'vitest';
import type { Manifest } from '../../src/manifest/content.ts';
import { declare } from '../../src/manifest/declare.ts';
import { readManifest } from '../../src/manifest/validate.ts';
import type { Declared } from '../../src/model/declared.ts';

/** The head of a manifest with one PostgreSQL target that manages the database `orders`. */
export const HEAD = `version: 1
stack: acme/access
targets:
  main: { engine: postgres, endpoint: { host: localhost }, login: { user: rolecall }, databases: [orders] }
`;

/** Reads a manifest that has no error. */
export const valid = (...texts: readonly string[]): Manifest => {
  const { manifest, findings } = readManifest(texts.map((text, index) => ({ path: `${index}.yaml`, text })));
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  return manifest!;
};

/** What a manifest declares for its target. */
export const declared = (text: string, { target = 'main', asOf = '2026-07-01T12:00:00Z' } = {}): Declared =>
  declare(valid(text), target, { asOf });

/** The same without positions: two ways to write one thing differ in nothing else. */
export const withoutSources = (value: unknown): unknown => {
  if (value instanceof Map) return [...value].map(withoutSources);
  if (value instanceof Set) return [...value].map(String).sort();
  if (Array.isArray(value)) return value.map(withoutSources);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, inner]) => (key === 'source' ? [] : [[key, withoutSources(inner)]])));
};
