import type { DeclaredOptions } from '../model/declared.ts';
import { requireText } from '../model/require.ts';
import { hasKey } from './engine-keys.ts';
import type { Context, View } from './view.ts';

/** How a user of MySQL or MariaDB proves who it is, and its limits, as far as that is written. */
export const optionsOf = ({ entry }: View, { entry: { engine } }: Context): DeclaredOptions => {
  const { require, limits, password_expire: expire, failed_login_attempts: attempts, password_lock_time: lock } = entry;
  return {
    ...(require === undefined ? {} : { require: requireText(require) }),
    ...(limits?.queries_per_hour === undefined ? {} : { queriesPerHour: limits.queries_per_hour }),
    ...(limits?.updates_per_hour === undefined ? {} : { updatesPerHour: limits.updates_per_hour }),
    ...(limits?.connections_per_hour === undefined ? {} : { connectionsPerHour: limits.connections_per_hour }),
    ...(expire === undefined ? {} : { passwordExpireDays: expire === 'default' ? null : expire === 'never' ? 0 : expire }),
    ...(attempts === undefined || !hasKey(engine, 'failed_login_attempts') ? {} : { failedLoginAttempts: attempts }),
    ...(lock === undefined || !hasKey(engine, 'password_lock_time') ? {} : { passwordLockDays: lock === 'unbounded' ? -1 : lock }),
  };
};
