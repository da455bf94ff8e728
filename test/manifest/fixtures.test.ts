import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { declare } from '../../src/manifest/declare.ts';
import { readManifest } from '../../src/manifest/validate.ts';
import type { Finding } from '../../src/model/finding.ts';

const FOLDER = new URL('../../fixtures/manifest/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8');
const line = ({ source, code, message, hint }: Finding): string =>
  `${source?.file}:${source?.line}:${source?.column} ${code} ${message}${hint === undefined ? '' : ` · ${hint}`}`;

/** The manifest above, and what its last lines expect. */
const split = (text: string): { readonly manifest: string; readonly expected: readonly string[] } => {
  const lines = text.split('\n');
  const expected = lines.flatMap((one) => (one.startsWith('# expect: ') ? [one.slice('# expect: '.length)] : []));
  return { manifest: text.slice(0, text.indexOf('# expect: ')), expected };
};

describe('a manifest with a mistake gets exactly the findings that its last lines expect', () => {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml') && name !== 'full.yaml');
  test.each(names)('%s', (name) => {
    const { manifest, expected } = split(read(name));
    expect(expected.length).toBeGreaterThan(0);
    const { findings } = readManifest([{ path: name, text: manifest }]);
    expect(findings.map(line)).toEqual(expected.map((one) => expect.stringContaining(one)));
  });

  test('and no message repeats a password that was written out', () => {
    const messages = names.flatMap((name) => readManifest([{ path: name, text: split(read(name)).manifest }]).findings.map(line));
    expect(names.some((name) => read(name).includes('hunter2'))).toBe(true);
    expect(messages.filter((message) => message.includes('hunter'))).toEqual([]);
  });
});

describe('the manifest that shows every part', () => {
  const { manifest, findings } = readManifest([{ path: 'full.yaml', text: read('full.yaml') }]);

  test('is valid', () => {
    expect(findings).toEqual([]);
  });

  test('is declared for each of its targets', () => {
    const { target } = declare(manifest!, 'scratch', { asOf: '2026-01-01T00:00:00Z' });
    expect(target.endpoint).toEqual({ kind: 'explicit', host: 'localhost', port: 5432, tls: 'disable' });
    expect(declare(manifest!, 'orders-prod', { asOf: '2026-01-01T00:00:00Z' }).target.endpoint).toEqual({ kind: 'rds' });
    expect(declare(manifest!, 'billing-prod', { asOf: '2026-01-01T00:00:00Z' }).target).toMatchObject({
      engine: 'mysql',
      maintenanceDatabase: '',
    });
  });
});
