import type { Comparison, Scope } from './scope.ts';

/** Renaming keeps grants and password; what the server cannot rename, or what is there under both names, is an error. */
export const reportRenames = (scope: Scope, compare: Comparison): void => {
  const granted = new Set(scope.snapshot.edges.map(({ role }) => role));
  for (const { name, renamedFrom, kind, source } of scope.declared.roles.values()) {
    if (renamedFrom === undefined) continue;
    if (!scope.renamed.has(name)) {
      if (scope.reality.roles.has(renamedFrom))
        compare.report({
          severity: 'error',
          code: 'role/rename-collision',
          message: `${kind} '${name}' is renamed from '${renamedFrom}', but both exist on the server`,
          hint: `drop renamed_from, and put '${renamedFrom}' under removed if it shall go`,
          source,
        });
      continue;
    }
    const role = scope.accounts.get(name)?.kind === 'role';
    const reason =
      role && scope.server.flavour === 'mariadb'
        ? 'MariaDB renames no roles'
        : granted.has(renamedFrom)
          ? 'it is granted to somebody, and MySQL renames no role that is (error 3532)'
          : undefined;
    if (reason === undefined) continue;
    compare.report({
      severity: 'error',
      code: 'role/rename-role',
      message: `${kind} '${name}' cannot be renamed from '${renamedFrom}': ${reason}`,
      hint: `declare '${name}' without renamed_from, and put '${renamedFrom}' under removed`,
      source,
    });
  }
};
