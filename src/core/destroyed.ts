import { type Declared, type DeclaredRemoval, NOTHING_DECLARED } from '../model/declared.ts';
import { byCodeUnit } from '../model/key.ts';
import type { Reality } from '../model/reality.ts';

/** The manifest of a stack that shall be gone: nothing declared, every role with its mark under `removed`, but for protected ones. */
export const destroyed = (declared: Declared, reality: Reality, reassignTo?: string): Declared => ({
  ...declared,
  ...NOTHING_DECLARED,
  iam: declared.iam && { ...declared.iam, roles: [], connects: [], expired: [], forgotten: [] },
  ...(declared.alarms && { alarms: { ...declared.alarms, alarms: [], subscriptions: [], alsoIn: [] } }),
  guards: { ...declared.guards, maxRemovals: null },
  nextExpiry: null,
  removed: [...reality.roles.values()]
    .filter((role) => role.mark?.stack === declared.stack && !declared.guards.protected.includes(role.name))
    .map(
      (role): DeclaredRemoval => ({
        name: role.name,
        action: 'drop',
        sessions: 'end',
        source: declared.target.source,
        ...(reassignTo === undefined ? {} : { reassignTo }),
      }),
    )
    .sort((a, b) => byCodeUnit(a.name, b.name)),
});
