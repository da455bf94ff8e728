import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readSchema, referenceMarkdown, validatorModule, withReference } from '../../scripts/generate.mjs';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
type Node = { readonly [key: string]: unknown };
const schema = readSchema() as Node & { readonly definitions: Record<string, Node> };

/** Every schema under the node, by its pointer. */
function* schemas(node: unknown, pointer = '#'): Generator<[string, Node]> {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node) && ('type' in node || '$ref' in node) && !pointer.endsWith('/properties')) yield [pointer, node as Node];
  for (const [key, value] of Object.entries(node)) if (key !== 'examples') yield* schemas(value, `${pointer}/${key}`);
}

test('the compiled validator is current: npm run generate', () => {
  expect(read('src/manifest/schema.generated.js') === validatorModule(schema)).toBe(true);
});

test('the reference in the README is current: npm run generate', () => {
  const readme = existsSync(new URL('../../README.md', import.meta.url)) ? read('README.md') : '';
  expect(withReference(readme, schema)).toBe(readme);
});

test('every property has a description', () => {
  const bare = [...schemas(schema)].filter(
    ([pointer, node]) => /\/properties\/[^/]+$/.test(pointer) && !('description' in node) && !('$ref' in node),
  );
  expect(bare.map(([pointer]) => pointer)).toEqual([]);
  expect(Object.entries(schema.definitions).filter(([, node]) => !('description' in node))).toEqual([]);
});

test('no object takes keys that are not described', () => {
  const open = [...schemas(schema)].filter(
    ([, { type, additionalProperties }]) =>
      [type].flat().includes('object') && (additionalProperties === undefined || additionalProperties === true),
  );
  expect(open.map(([pointer]) => pointer)).toEqual([]);
});

test('a reference has a table for the manifest, users, groups and grants, and is put between its markers only', () => {
  const reference = referenceMarkdown(schema);
  for (const name of ['manifest', 'user', 'group', 'grant', 'target', 'target.login']) expect(reference).toContain(`#### \`${name}\`\n`);
  expect(reference).toContain('| `stack` | string | Ownership mark');
  const markers = ['<!-- manifest reference: written by `npm run generate` -->', '<!-- /manifest reference -->'] as const;
  const readme = withReference(`a\n${markers[0]}\nwhat was there\n${markers[1]}\nb\n`, schema);
  expect(readme.startsWith(`a\n${markers[0]}\n`) && readme.endsWith(`${markers[1]}\nb\n`)).toBe(true);
  expect(readme).not.toContain('what was there');
  expect(withReference('no markers', schema)).toBe('no markers');
});
