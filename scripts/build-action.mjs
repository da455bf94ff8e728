// Makes dist/ (or the folder that is named): the action as GitHub runs it from a commit, and the licenses of what is bundled into it.
// The same sources give the same bytes on every Node.
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { withoutErrorNames } from './driver.mjs';
import { licenseTexts } from './licenses.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const OUT = path.resolve(root, process.argv[2] ?? 'dist');

/** Packages written as CommonJS call `require` for Node's own modules, which an ES module has to make first. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

rmSync(OUT, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: [{ in: 'src/action/main.ts', out: 'index' }],
  outdir: OUT,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  chunkNames: 'chunks/[name]-[hash]',
  external: ['pg-native', 'pg-cloudflare'],
  alias: { 'iconv-lite': './scripts/utf8.mjs' },
  plugins: [withoutErrorNames],
  minify: true,
  charset: 'utf8',
  banner: { js: REQUIRE },
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
});
writeFileSync(path.join(OUT, 'LICENSES.txt'), licenseTexts(root, metafile));
