import { callerName } from '../../core/aws.ts';
import type { Provider } from '../provider.ts';
import { execute } from './execute.ts';
import { guard } from './guard.ts';
import { inspect } from './inspect.ts';
import { lock } from './lock.ts';
import { normalize } from './normalize.ts';
import type { Snapshot } from './snapshot.ts';
import { statements } from './statements/index.ts';

/** What watches failed logins: topics, metric filters and alarms of CloudWatch. */
export const cloudwatch: Provider<Snapshot> = {
  inspect,
  normalize,
  guard,
  access: () => [],
  // An alarm has no id of its own: deleted and made again it is the same.
  roles: () => ({}),
  statements,
  lock,
  execute,
  identity: ({ partition, account, caller }) => ({
    endpoint: `account ${account}`,
    system: `${partition}:${account}`,
    version: partition === 'aws' ? '' : partition,
    login: callerName(caller),
  }),
  extent: ({ topics, alarms, filters }) => ({
    unread: [],
    read: { roles: 0, databases: 0, objects: topics.size + alarms.size + filters.size, grants: 0 },
  }),
  obstacles: () => [],
};
