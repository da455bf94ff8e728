import type { Sides } from '../../core/access-items.ts';
import { byCodeUnit } from '../../model/key.ts';
import type { AccessItem } from '../../model/plan.ts';
import { loginRoles } from './access-asker.ts';
import { administeredRoles, type Paths, settableRoles } from './access-roles.ts';
import type { AccessState } from './access-state.ts';

/**
 * What a user gains and loses that is no object: its login, the login by IAM, and roles that it can make active (SET) or grant to
 * others (ADMIN). An active role is what it gives, and told there.
 */
export const standingSides = (before: AccessState, after: AccessState, user: string): Sides => ({
  gains: beyond(before, after, user),
  loses: beyond(after, before, user),
});

/** What somebody has in the second state and lacked in the first. */
const beyond = (was: AccessState, is: AccessState, user: string): readonly AccessItem[] => {
  const found = new Map<string, { words: string[]; path: readonly string[] }>();
  const add = (word: string, paths: Paths, isNew: (role: string) => boolean): void => {
    for (const [role, path] of paths) {
      if (!isNew(role)) continue;
      const known = found.get(role);
      if (known) known.words.push(word);
      else found.set(role, { words: [word], path });
    }
  };
  if (was.edges !== is.edges || was.defaults !== is.defaults) {
    const [had, has] = [loginRoles(was, user), loginRoles(is, user)];
    const [settable, administered] = [settableRoles(was, user), administeredRoles(was, user, had)];
    add('ADMIN', administeredRoles(is, user, has), (role) => !administered.has(role));
    add('SET', settableRoles(is, user), (role) => !settable.has(role) && !had.has(role) && !has.has(role));
  }
  return [
    ...(is.logins.has(user) && !was.logins.has(user) ? [itemOf('login', [], [], DIRECT)] : []),
    ...(isIam(is, user) && !isIam(was, user) ? [itemOf('role', [IAM_ROLE], [], DIRECT)] : []),
    ...[...found]
      .sort(([a], [b]) => byCodeUnit(a, b))
      .map(([role, { words, path }]) => itemOf('role', [role], words, path.length > 1 ? path.slice(0, -1) : DIRECT)),
  ];
};

/** What plans call the way in through IAM, on every engine. */
const IAM_ROLE = 'rds_iam';

const isIam = ({ logins, iam }: AccessState, user: string): boolean => logins.has(user) && iam.has(user);

const DIRECT: readonly string[] = ['direct'];

const itemOf = (what: 'login' | 'role', names: readonly string[], privileges: readonly string[], via: readonly string[]): AccessItem => ({
  what,
  privileges,
  names,
  count: names.length,
  via,
});
