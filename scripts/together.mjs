// What every plan loads is put into one chunk. esbuild makes a chunk of each set of modules that some entries share and others do not:
// forty small files, which Node takes longer to find than to read.
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Modules of ours that these import at once, over whatever others; `inputs` of a metafile. */
export const importedBy = (inputs, modules) => {
  const found = new Set(modules);
  for (const module of found)
    for (const { path: imported, kind } of inputs[module].imports)
      if (kind === 'import-statement' && imported.startsWith('src/')) found.add(imported);
  return [...found].sort();
};

/** A plugin of esbuild: whatever loads another module of ours loads these as well, but for the first one, which is to answer at once. */
export const together = (root, modules, first) => ({
  name: 'together',
  setup: ({ onResolve, onLoad }) => {
    const apart = new Set([...modules, first].map((module) => path.join(root, module)));
    onResolve({ filter: /^together$/ }, () => ({ path: 'together', namespace: 'together' }));
    onLoad({ filter: /^together$/, namespace: 'together' }, () => ({
      contents: modules.map((module) => `import ${JSON.stringify(`./${module}`)};`).join('\n'),
      resolveDir: root,
    }));
    onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path: file }) =>
      apart.has(file) ? undefined : { contents: `${readFileSync(file, 'utf8')}\nimport 'together';\n`, loader: 'ts' },
    );
  },
});
