// Makes build/ (or the folder that is named): the command, the library, their shared chunks, and the licenses of the packages that are
// bundled into them.
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../', import.meta.url));
const OUT = path.resolve(root, process.argv[2] ?? 'build');

/** Packages written as CommonJS call `require` for Node's own modules, which an ES module has to make first. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

async function bundle() {
  const { metafile } = await build({
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
    // pg asks for `Response` to find out whether it runs at Cloudflare: on Node that loads all of fetch, 30 ms
    define: { Response: 'undefined' },
    minifyWhitespace: true,
    banner: { js: REQUIRE },
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  return metafile;
}

/** The folders of the packages that the bundles hold, e.g. `node_modules/pg`, sorted. */
function bundledPackages(metafile) {
  const inputs = Object.keys(metafile.inputs).map((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0]);
  return [...new Set(inputs.filter(Boolean))].sort();
}

function licenseText(folder) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'));
  const file = readdirSync(path.join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(path.join(root, folder, file), 'utf8').trim() : `License: ${license}`;
  return `${name} ${version}\n\n${text}\n`;
}

function makeExecutable(file) {
  const text = readFileSync(file, 'utf8');
  if (!text.startsWith('#!')) writeFileSync(file, `#!/usr/bin/env node\n${text}`);
  chmodSync(file, 0o755);
}

const missing = ['src/cli.ts', 'src/index.ts'].filter((entry) => !existsSync(path.join(root, entry)));
if (missing.length > 0) throw new Error(`nothing to build: ${missing.join(', ')} is missing`);
rmSync(OUT, { recursive: true, force: true });
const packages = bundledPackages(await bundle());
writeFileSync(path.join(OUT, 'LICENSES.txt'), packages.map(licenseText).join(`\n${'-'.repeat(72)}\n\n`));
makeExecutable(path.join(OUT, 'cli.js'));
