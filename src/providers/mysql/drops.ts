import type { DeclaredRemoval } from '../../model/declared.ts';
import { pathKey } from '../../model/key.ts';
import { bodyOf, hasSessions, outOfReach, putSessions } from './roles.ts';
import type { Comparison, Scope } from './scope.ts';

/** Accounts to be dropped, with everything that was granted to them. */
export const compareDrops = (scope: Scope, compare: Comparison): void => {
  for (const removal of scope.declared.removed) {
    const actual = bodyOf(scope, removal.name);
    if (removal.action !== 'drop' || !actual) continue;
    const about = { cause: 'removed' as const, source: removal.source };
    if (actual.mark && actual.mark.stack !== scope.declared.stack)
      compare.report({
        severity: 'error',
        code: 'role/foreign-mark',
        message: `'${actual.name}' under removed belongs to stack '${actual.mark.stack}'`,
        hint: 'have that stack remove or forget it',
        source: removal.source,
      });
    reportDefiners(scope, compare, removal);
    reportUnseen(scope, compare, removal);
    const reason = obstacle(scope, removal.name);
    compare.put('role', pathKey(removal.name), actual, null, { ...about, ...(reason === undefined ? {} : { blocked: reason }) });
    if (reason === undefined && removal.sessions === 'end' && (actual.login || hasSessions(scope, removal.name)))
      putSessions(compare, actual.name, about);
  }
};

const obstacle = (scope: Scope, name: string): string | undefined => {
  if (scope.untouchable.has(name)) return `'${name}' is a protected account, or one of the server's`;
  if (scope.server.mandatoryRoles.includes(name)) return `'${name}' is a mandatory role (mandatory_roles): the server does not drop it`;
  return outOfReach(scope, name) ?? (readBySelf(scope) ? unseenDefiners(scope, name) : undefined);
};

/** The login that applies has read itself: it sees no more when it applies. */
const readBySelf = ({ snapshot, login }: Scope): boolean => snapshot.server.currentUser === login;

/** What was not seen is not known to be nothing. */
const unseenDefiners = ({ snapshot }: Scope, name: string): string | undefined => {
  const kinds = snapshot.unseen.filter((kind) => kind !== 'session').map((kind) => `${kind}s`);
  return kinds.length === 0
    ? undefined
    : `whether '${name}' is the definer of something is not known: '${snapshot.server.currentUser}' sees not all ${kinds.join(', ')}`;
};

/** Whoever plans may see less than who applies, who looks again before anything is dropped. */
const reportUnseen = (scope: Scope, compare: Comparison, { name, source }: DeclaredRemoval): void => {
  const reason = readBySelf(scope) ? undefined : unseenDefiners(scope, name);
  if (reason !== undefined)
    compare.report({
      severity: 'warning',
      code: 'role/definer-unseen',
      message: `${reason}; '${scope.login}' looks again before it drops the account`,
      hint: 'give the login that plans SHOW_ROUTINE (MySQL), TRIGGER and EVENT, or let the one that applies plan',
      source,
    });
};

/** What runs as an account that is gone fails when it is called: the account stays until nothing does. */
const reportDefiners = (scope: Scope, compare: Comparison, { name, source }: DeclaredRemoval): void => {
  const objects = scope.snapshot.definers
    .filter(({ account }) => account === name)
    .map(({ kind, schema, name: object }) => `${kind} ${pathKey(schema, object)}`);
  if (objects.length === 0) return;
  compare.report({
    severity: 'error',
    code: 'role/definer',
    message: `'${name}' under removed is the definer of ${objects.length === 1 ? 'an object that runs' : `${objects.length} objects that run`} with its rights: ${objects.slice(0, 10).join(', ')}${objects.length > 10 ? ', …' : ''}`,
    hint: 'make them again with another DEFINER, or drop them; an account that is only disabled stays their definer',
    source,
  });
};
