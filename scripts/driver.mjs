// What the builds leave out of MySQL's driver: the names of four thousand errors, a third of its text. Rolecall goes by their numbers.

/** A plugin of esbuild. */
export const withoutErrorNames = {
  name: 'without-error-names',
  setup: ({ onLoad }) => onLoad({ filter: /mysql2[\\/]lib[\\/]constants[\\/]errors\.js$/ }, () => ({ contents: 'module.exports = {};' })),
};
