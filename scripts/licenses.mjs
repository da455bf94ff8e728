import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The licenses of the packages that a bundle holds, by their folder. Packages that share every word of one stand together above it. */
export const licenseTexts = (root, metafile) => {
  const packages = new Map();
  for (const folder of bundledPackages(metafile)) {
    const { title, text } = licenseOf(root, folder);
    packages.set(text, [...(packages.get(text) ?? []), title]);
  }
  return [...packages].map(([text, titles]) => `${titles.join('\n')}\n\n${text}\n`).join(`\n${'-'.repeat(72)}\n\n`);
};

/** The folders of the packages that the bundles hold, e.g. `node_modules/pg`, sorted. */
function bundledPackages(metafile) {
  const inputs = Object.keys(metafile.inputs).map((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0]);
  return [...new Set(inputs.filter(Boolean))].sort();
}

function licenseOf(root, folder) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'));
  const file = readdirSync(path.join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(path.join(root, folder, file), 'utf8').trim() : `License: ${license}`;
  return { title: `${name} ${version}`, text };
}
