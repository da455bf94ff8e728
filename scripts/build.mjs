// Makes build/ (or the folder that is named): the command, the library, their shared chunks, and the licenses of the packages that are
// bundled into them.
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { withoutErrorNames } from './driver.mjs';
import { licenseTexts } from './licenses.mjs';
import { importedBy, together } from './together.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const OUT = path.resolve(root, process.argv[2] ?? 'build');

/** Packages written as CommonJS call `require` for Node's own modules, which an ES module has to make first. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

const OPTIONS = {
  absWorkingDir: root,
  entryPoints: ['src/cli.ts', 'src/index.ts'],
  outdir: OUT,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  mainFields: ['module', 'main'],
  chunkNames: 'chunks/[name]-[hash]',
  // optional parts of pg that nobody here has: native bindings, and Cloudflare's sockets
  external: ['pg-native', 'pg-cloudflare'],
  alias: { 'iconv-lite': './scripts/utf8.mjs' },
  // pg asks for `Response` to find out whether it runs at Cloudflare: on Node that loads all of fetch, 30 ms
  define: { Response: 'undefined' },
  minifyWhitespace: true,
  banner: { js: REQUIRE },
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
};

async function bundle() {
  const { metafile: apart } = await build({ ...OPTIONS, write: false, plugins: [withoutErrorNames] });
  const planned = importedBy(apart.inputs, ['src/commands/program.ts', 'src/commands/plan.ts', 'src/render/terminal.ts']);
  const { metafile } = await build({ ...OPTIONS, plugins: [withoutErrorNames, together(root, planned, 'src/cli.ts')] });
  return metafile;
}

function makeExecutable(file) {
  const text = readFileSync(file, 'utf8');
  if (!text.startsWith('#!')) writeFileSync(file, `#!/usr/bin/env node\n${text}`);
  chmodSync(file, 0o755);
}

const missing = ['src/cli.ts', 'src/index.ts'].filter((entry) => !existsSync(path.join(root, entry)));
if (missing.length > 0) throw new Error(`nothing to build: ${missing.join(', ')} is missing`);
rmSync(OUT, { recursive: true, force: true });
writeFileSync(path.join(OUT, 'LICENSES.txt'), licenseTexts(root, await bundle()));
makeExecutable(path.join(OUT, 'cli.js'));
