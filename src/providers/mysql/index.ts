import type { PlanTarget } from '../../model/plan.ts';
import type { Role } from '../../model/state.ts';
import type { Provider } from '../provider.ts';
import { missingSecrets } from '../secrets.ts';
import { access } from './access.ts';
import { checkup } from './checkup.ts';
import { closeLogin, reopenLogin } from './close-login.ts';
import { execute } from './execute.ts';
import { readerFindings } from './exposure.ts';
import { guard } from './guard.ts';
import { inspect } from './inspect.ts';
import { lock } from './lock.ts';
import { logging } from './logging.ts';
import { normalize } from './normalize.ts';
import { prove } from './prove.ts';
import { loginOf, scopeOf } from './scope.ts';
import type { Snapshot } from './snapshot.ts';
import { statements } from './statements/index.ts';
import { lockedUsers } from './user-locks.ts';

/** MySQL 8.0 to 9.7 and MariaDB from 10.6 on, RDS and Aurora included. */
export const mysql: Provider<Snapshot> = {
  inspect,
  normalize,
  guard,
  access: (snapshot, declared, changes) => (changes.length === 0 ? [] : access(snapshot, declared, changes)),
  statements,
  lock,
  execute,
  prove,
  checkup,
  logging,
  closeLogin,
  reopenLogin,
  locked: (snapshot, declared) => new Set(lockedUsers(scopeOf(snapshot, declared)).keys()),
  // An account has no number of its own: dropped and made again it is the same to the server.
  roles: () => ({}),
  logins: (snapshot, declared) =>
    new Set([...scopeOf(snapshot, declared).reality.roles.values()].filter(isIamLogin).map(({ name }) => name)),
  identity: (snapshot, target) => ({
    endpoint: target.endpoint.kind === 'explicit' ? `${target.endpoint.host}:${target.endpoint.port}` : 'env',
    // A cluster of Aurora fails over from one server to another and stays what it is.
    system: target.place?.resources[0]?.id ?? snapshot.server.uuid,
    // What a distribution adds to it is no part of the version: `10.11.18-MariaDB-0+deb12u1`.
    version: snapshot.server.versionText.replace(/-.*$/s, ''),
    login: loginOf(snapshot, target),
  }),
  extent: (snapshot) => ({ unread: [], read: sizesOf(snapshot) }),
  obstacles: async (snapshot, declared, steps) => [
    ...readerFindings(snapshot, declared.target, 'error'),
    ...(await missingSecrets(steps, declared, longestPassword(snapshot))),
  ],
};

/** In bytes. A longer one fails with an error that says nothing of it (1396), after other statements: MySQL's plugins but the oldest. */
const longestPassword = ({ server: { flavour, passwordPlugin } }: Snapshot): number | undefined =>
  flavour === 'mysql' && passwordPlugin !== 'mysql_native_password' ? 256 : undefined;

const isIamLogin = ({ login, options }: Role): boolean => login && options?.auth === 'iam';

const sizesOf = ({ accounts, others, schemas, tables, routines, grants, tableGrants = [] }: Snapshot): PlanTarget['read'] => ({
  roles: accounts.length + (others?.users.length ?? 0) + (others?.groups.length ?? 0),
  databases: schemas.length,
  objects: schemas.length + [...tables, ...routines].reduce((sum, { names }) => sum + names.length, 0),
  grants: tableGrants.reduce((sum, { count }) => sum + count, grants.length),
});
