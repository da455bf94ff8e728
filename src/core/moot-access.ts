import type { Change } from '../model/change.ts';
import type { AccessDelta, AccessItem } from '../model/plan.ts';

/**
 * What is told of access, without the right of Rolecall's own login and of the master to let others into roles that are dropped: they
 * have it of what they made, and it is about nothing afterwards.
 */
export const withoutMoot = (
  access: readonly AccessDelta[],
  changes: readonly Change[],
  own: ReadonlySet<string>,
): readonly AccessDelta[] => {
  const dropped = new Set(changes.flatMap((change) => (isDrop(change) ? [change.before!.name] : [])));
  if (dropped.size === 0) return access;
  const isMoot = ({ what, names, privileges }: AccessItem): boolean =>
    what === 'role' && privileges.join() === 'ADMIN' && names.every((name) => dropped.has(name));
  return access.flatMap((delta) => {
    const [mine, others] = [delta.users.filter((user) => own.has(user)), delta.users.filter((user) => !own.has(user))];
    const loses = delta.loses.filter((item) => !isMoot(item));
    if (mine.length === 0 || loses.length === delta.loses.length) return [delta];
    return [
      ...(loses.length + delta.gains.length > 0 ? [{ ...delta, users: mine, loses }] : []),
      ...(others.length > 0 ? [{ ...delta, users: others }] : []),
    ];
  });
};

const isDrop = (change: Change): change is Extract<Change, { kind: 'role' }> =>
  change.kind === 'role' && change.after === null && change.blocked === undefined;
