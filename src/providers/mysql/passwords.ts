import type { DeclaredRole } from '../../model/declared.ts';
import { pathKey } from '../../model/key.ts';
import type { Role } from '../../model/state.ts';
import { hasMarks } from './catalog.ts';
import type { Comparison, Scope } from './scope.ts';

/**
 * A stored password cannot be read: it is set when the account has none that counts (it logged in by something else until now),
 * when the version is beyond the mark's, and when somebody asks for it. Adoption leaves it alone. Where there are no marks
 * (MariaDB), versions say nothing.
 */
export const comparePassword = (scope: Scope, compare: Comparison, declared: DeclaredRole, before: Role): void => {
  if (declared.auth !== 'password') return;
  const { mark } = before;
  const other = before.options?.auth !== 'password';
  const ours = mark?.stack === scope.declared.stack;
  const stored = mark?.pw ?? 0;
  if (other || declared.rotate || (ours && declared.passwordVersion > stored))
    putPassword(compare, declared, other || !hasMarks(scope.server) ? null : stored);
  else if (ours && hasMarks(scope.server) && declared.passwordVersion < stored) reportVersion(compare, declared, stored);
};

/** `stored`: the version that is set now; null: none is. */
export const putPassword = (compare: Comparison, declared: DeclaredRole, stored: number | null): void => {
  const { name, source, password, passwordVersion } = declared;
  if (!password) {
    compare.report({
      severity: 'error',
      code: 'role/no-password',
      message: `user '${name}' has auth: password, no password on the server, and none in the manifest: anybody could log in as it`,
      hint: 'write a password: a reference such as ${env:NAME}',
      source,
    });
    return;
  }
  const before = stored === null ? null : { role: name, version: stored, reference: 'stored' };
  compare.put('password', pathKey(name), before, { role: name, version: passwordVersion, reference: password.text }, { source });
};

/** Whoever writes a lower version may expect a new password. */
const reportVersion = (compare: Comparison, { name, passwordVersion, source }: DeclaredRole, stored: number): void =>
  compare.report({
    severity: 'warning',
    code: 'role/password-version',
    message: `user '${name}' has password_version ${passwordVersion}, but version ${stored} was set already: its password stays`,
    hint: `to set the password again, write password_version: ${stored + 1}`,
    source,
  });
