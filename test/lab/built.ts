import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { renameUnlessThere } from './binaries.ts';
import { scratchDir } from './files.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What is built from the sources, by its folder. */
const SCRIPTS = { build: 'scripts/build.mjs', dist: 'scripts/build-action.mjs' } as const;

/** Before a run of the live tests: the folder of all that they build; after it: gone. For vitest's `globalSetup`. */
export default (): (() => void) => {
  const folder = newFolder();
  process.env.ROLECALL_BUILT = folder;
  return () => fs.rmSync(folder, { recursive: true, force: true });
};

/** The folder of the command (`build`) or of the action (`dist`) as the sources are now; built once in a run of the tests. */
export const builtOnce = (name: keyof typeof SCRIPTS): string => {
  const folder = path.join(built(), name);
  if (fs.existsSync(folder)) return folder;
  const draft = `${folder}.${process.pid}`;
  execFileSync(process.execPath, [SCRIPTS[name], draft], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  renameUnlessThere(draft, folder);
  return folder;
};

/** Where the programs that were built keep what Node compiled, for their next start. */
export const compiled = (): string => path.join(built(), 'compiled');

const built = (): string => {
  if (ofRun === undefined) {
    const own = newFolder();
    ofRun = own;
    process.once('exit', () => fs.rmSync(own, { recursive: true, force: true }));
  }
  return ofRun;
};
let ofRun = process.env.ROLECALL_BUILT;

const newFolder = (): string => {
  const folder = scratchDir({});
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }\n');
  return folder;
};
