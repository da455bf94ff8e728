import { callerName } from '../../core/aws.ts';
import type { Provider } from '../provider.ts';
import { access } from './access.ts';
import { execute } from './execute.ts';
import { guard } from './guard.ts';
import { identityIds } from './identity-ids.ts';
import { inspect } from './inspect.ts';
import { lock } from './lock.ts';
import { normalize } from './normalize.ts';
import type { Snapshot } from './snapshot.ts';
import { statements } from './statements/index.ts';

/** The IAM account: who may log in as whom. */
export const iam: Provider<Snapshot> = {
  inspect,
  normalize,
  guard,
  access,
  roles: identityIds,
  statements,
  lock,
  execute,
  identity: (snapshot) => ({
    endpoint: `account ${snapshot.account}`,
    system: `${snapshot.partition}:${snapshot.account}`,
    version: snapshot.partition === 'aws' ? '' : snapshot.partition,
    login: callerName(snapshot.caller),
  }),
  extent: ({ identities, policies, unread }) => ({
    unread: unread.map(({ what, reason }) => ({ database: what, reason })),
    read: {
      roles: identities.size,
      databases: 0,
      objects: policies.size,
      grants: [...identities.values()].reduce((sum, { attached, inline }) => sum + attached.length + inline.length, 0),
    },
  }),
  obstacles: () => [],
};
