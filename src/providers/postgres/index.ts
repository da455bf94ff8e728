import type { PlanTarget } from '../../model/plan.ts';
import type { Provider } from '../provider.ts';
import { missingSecrets } from '../secrets.ts';
import { iamLogins } from './authentication.ts';
import { checkup } from './checkup.ts';
import { closeLogin, reopenLogin } from './close-login.ts';
import { execute } from './execute.ts';
import { readerFindings } from './exposure.ts';
import { guard } from './guard.ts';
import { inspect } from './inspect.ts';
import { lock } from './lock.ts';
import { logging } from './logging.ts';
import { normalize, scopeOf } from './normalize.ts';
import { prove } from './prove.ts';
import { isLocked } from './roles.ts';
import type { Snapshot } from './snapshot.ts';
import { statements } from './statements/index.ts';

/** PostgreSQL 13 to 18, RDS and Aurora included. */
export const postgres: Provider<Snapshot> = {
  inspect,
  normalize,
  guard,
  statements,
  lock,
  execute,
  prove,
  checkup,
  logging,
  closeLogin,
  reopenLogin,
  locked: (snapshot, declared) =>
    new Set([...scopeOf(snapshot, declared).reality.roles.values()].flatMap((role) => (isLocked(role, declared.stack) ? [role.name] : []))),
  logins: (snapshot, declared) => iamLogins(scopeOf(snapshot, declared).reality),
  identity: ({ server }, target) => ({
    endpoint: target.endpoint.kind === 'explicit' ? `${target.endpoint.host}:${target.endpoint.port}` : (server.address ?? 'env'),
    system: server.systemIdentifier,
    version: server.versionText,
    login: target.login.user ?? server.currentUser,
  }),
  extent: (snapshot) => ({ unread: snapshot.unread, read: sizesOf(snapshot) }),
  obstacles: async (snapshot, declared, steps) => [
    ...readerFindings(snapshot, declared.target, 'error'),
    ...(await missingSecrets(steps, declared)),
  ],
};

const sizesOf = (snapshot: Snapshot): PlanTarget['read'] => {
  const contents = Object.values(snapshot.contents);
  const rows = contents.flatMap(({ schemas, relations, routines, types }) => [
    ...schemas.map(({ acl }) => ({ acl, names: [''] })),
    ...relations,
    ...routines,
    ...types,
  ]);
  return {
    roles: snapshot.roles.length,
    databases: contents.length,
    objects: rows.reduce((sum, { names }) => sum + names.length, 0),
    grants: rows.reduce((sum, { acl, names }) => sum + entriesOf(acl) * names.length, 0),
  };
};

/** How many aclitems a text holds: each has one unquoted slash, and names hold few. */
const entriesOf = (acl: string | null): number => (acl === null ? 0 : acl.split('/').length - 1);
