import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** A module imports from its own folder and from lower floors. */
const FLOORS: Readonly<Record<string, number>> = {
  model: 0,
  'version.ts': 0,
  manifest: 1,
  core: 1,
  render: 2,
  providers: 2,
  engine: 3,
  commands: 4,
  'cli.ts': 5,
  'index.ts': 5,
  action: 5,
};
/** Where a provider may touch the world, and so the only files that may load a driver. */
const WORLDLY = /^providers\/\w+\/(connect|inspect|execute|lock|rds|token|logs)\.ts$/;
const DRIVER = /^(pg|mysql2|@aws-sdk\/.*)(\/.*)?$/;
/** Same input, same output, at once: these files and whatever of ours they load. */
const PURE = /^(model|core|render)\/|^providers\/\w+\/(normalize|statements|catalog|desire|acl)(\.ts$|\/)/;
const IMPURE = [/\bawait\b/, /\bprocess\./, /\bnew Date\(/, /\bDate\.now\b/, /\bMath\.random\b/, /\blocaleCompare\b/, /\.toLocale\w*\(/];
const PURE_BUILTINS = ['node:crypto', 'node:util'];

type Import = { readonly from: string; readonly to: string; readonly typeOnly: boolean };

const src = fileURLToPath(new URL('../src/', import.meta.url));
const sources = new Map(
  fs
    .readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|js)$/.test(file) && !file.endsWith('.d.ts'))
    .sort()
    .map((file) => [file, fs.readFileSync(path.join(src, file), 'utf8')]),
);
const imports = [...sources].flatMap(([file, text]) => importsOf(file, text));

test('every module imports only from its own folder and from lower floors', () => {
  expect(imports.filter(({ from, to }) => sources.has(to) && !mayImport(from, to)).map(describeImport)).toEqual([]);
});

test('every imported module exists and stands on a floor', () => {
  const own = imports.filter(({ to }) => !isPackage(to)).map(({ to }) => to);
  expect([...sources.keys(), ...own].filter((file) => !sources.has(file) || floor(file) === undefined)).toEqual([]);
});

test('drivers are loaded only where a provider touches the world', () => {
  const loads = imports.filter(
    ({ from, to, typeOnly }) => DRIVER.test(to) && !WORLDLY.test(from) && !(typeOnly && from.startsWith('providers/')),
  );
  expect(loads.map(describeImport)).toEqual([]);
});

test('what lies between reading and executing is pure', () => {
  const pure = closure([...sources.keys()].filter((file) => PURE.test(file)));
  const impure = pure.flatMap((file) =>
    IMPURE.filter((word) => word.test(code(sources.get(file) ?? ''))).map((word) => `${file}: ${word.source}`),
  );
  const builtins = imports.filter(({ from, to }) => pure.includes(from) && to.startsWith('node:') && !PURE_BUILTINS.includes(to));
  expect([...impure, ...builtins.map(describeImport)]).toEqual([]);
});

test('this test sees the imports', () => {
  const text = `import type { A } from './a.ts';\nimport {\n  b,\n} from '../core/b.ts';\nexport { c } from 'pg';\nconst d = await import('node:fs');`;
  expect(importsOf('render/x.ts', text).map(describeImport)).toEqual([
    'render/x.ts imports type render/a.ts',
    'render/x.ts imports core/b.ts',
    'render/x.ts imports pg',
    'render/x.ts imports node:fs',
  ]);
  expect(code(`const a = 'await'; // await\n/* process.env */ b('x//y', "new Date(")`)).not.toMatch(/await|process|new Date/);
  expect([
    mayImport('core/a.ts', 'render/b.ts'),
    mayImport('core/a.ts', 'manifest/b.ts'),
    mayImport('providers/mysql/a.ts', 'providers/postgres/b.ts'),
    mayImport('providers/postgres/a.ts', 'render/b.ts'),
    mayImport('providers/postgres/a.ts', 'engine/b.ts'),
  ]).toEqual([false, false, false, false, false]);
});

function mayImport(from: string, to: string): boolean {
  if (group(from) === group(to)) return true;
  // the registry knows the providers, and they know its types
  if (from.startsWith('providers/') && to.startsWith('providers/')) return group(from) === 'providers' || group(to) === 'providers';
  return (floor(to) ?? Infinity) < (floor(from) ?? 0);
}

/** The folder whose modules may import one another: `core`, `providers/postgres`; `providers` itself is the interface. */
function group(file: string): string {
  const parts = file.split('/');
  return parts[0] === 'providers' && parts.length > 2 ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}

function floor(file: string): number | undefined {
  return FLOORS[file.split('/')[0] ?? ''];
}

function importsOf(from: string, text: string): Import[] {
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^;'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm);
  const lazy = text.matchAll(/\bimport\(\s*()['"]([^'"]+)['"]/g);
  return [...statements, ...lazy].map(([, type, name = '']) => ({ from, to: resolved(from, name), typeOnly: Boolean(type) }));
}

/** Relative names become paths below src; packages keep their name. */
function resolved(from: string, name: string): string {
  return name.startsWith('.') ? path.posix.join(path.posix.dirname(from), name) : name;
}

function isPackage(name: string): boolean {
  return !/\.(ts|js)$/.test(name) || name.startsWith('node:');
}

/** The files and what of ours they load, types left out: those are gone at run time. */
function closure(files: readonly string[]): string[] {
  const reached = new Set(files);
  for (const file of reached) {
    for (const { from, to, typeOnly } of imports) if (from === file && !typeOnly && sources.has(to)) reached.add(to);
  }
  return [...reached].sort();
}

/** Without comments and quoted strings, which may speak of anything. */
function code(text: string): string {
  return text.replace(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\/\/.*|\/\*[\s\S]*?\*\//g, (found) => (found.startsWith('/') ? '' : "''"));
}

function describeImport({ from, to, typeOnly }: Import): string {
  return `${from} imports ${typeOnly ? 'type ' : ''}${to}`;
}
