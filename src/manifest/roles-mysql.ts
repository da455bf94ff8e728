import type { DeclaredGrant, Part } from '../model/declared.ts';
import { isDynamic } from '../model/privilege-mysql.ts';
import { covers } from './address.ts';
import { hasKey } from './engine-keys.ts';
import { checkHosts } from './hosts.ts';
import { authOf } from './identities.ts';
import { groupsOf } from './members.ts';
import { placeText } from './merge.ts';
import { type Context, enginesOf, type View } from './view.ts';

/** What only accounts have: hosts, options, default roles, and one grant option for a whole level. */
export const checkAccount = (view: View, grants: readonly DeclaredGrant[], context: Context): void => {
  if (view.kind === 'user') {
    checkHosts(view.entry.hosts ?? [], `'${view.name}'`, view.path('hosts'), context);
    checkOptions(view, context);
    checkDefaultRoles(view, context);
  }
  checkSet(view, context);
  checkGrantable(grants, context);
  checkProxies(view, grants, context);
};

const checkOptions = (view: View, { entry: { engine }, target, report }: Context): void => {
  const { entry, name } = view;
  if (entry.connection_limit === 0)
    report(
      'options',
      `'connection_limit' of '${name}' is 0, which to ${engine} (target '${target}') is no limit`,
      view.path('connection_limit'),
      {
        hint: 'write -1 for no limit, or enabled: false',
      },
    );
  if (entry.require === 'none' && authOf(view) === 'iam')
    report('options', `'${name}' has 'require: none' and 'auth: iam': a token is sent as it is, and needs TLS`, view.path('require'), {
      hint: `write require: ssl, or leave it out`,
    });
  for (const key of ['password_expire', 'failed_login_attempts', 'password_lock_time'] as const) {
    if (entry[key] === undefined || authOf(view) === 'password' || (view.overridden('auth') && !view.overridden(key))) continue;
    report('options', `'${name}' has '${key}' and 'auth: ${authOf(view)}'`, view.path(key), { hint: `it is for auth: password` }, 'key');
  }
  const { failed_login_attempts: attempts = 0, password_lock_time: time = 0 } = entry;
  if (hasKey(engine, 'password_lock_time') && (attempts === 0) !== (time === 0)) {
    const [key, other] =
      attempts === 0
        ? (['password_lock_time', 'failed_login_attempts'] as const)
        : (['failed_login_attempts', 'password_lock_time'] as const);
    report('options', `'${key}' of '${name}' does nothing without '${other}'`, view.path(key), { hint: `add ${other}` }, 'key');
  }
};

/** Whoever is in a role there may always SET ROLE to it. */
const checkSet = (view: View, { content, entry: { engine }, report }: Context): void => {
  if (!view.overridden('groups') && enginesOf(content, view.entry.targets).has('postgres')) return;
  for (const [index, entry] of (view.entry.groups ?? []).entries()) {
    if (typeof entry === 'string' || entry.set !== false) continue;
    const message = `'${view.name}' is in '${entry.name}' with 'set: false', which ${engine} does not have`;
    report('engines', message, [...view.path('groups'), index, 'set'], { hint: 'leave it out: every member may SET ROLE' }, 'key');
  }
};

/** MariaDB has one default role; a group that is none gives a user nothing until it says SET ROLE. */
const checkDefaultRoles = (view: View, { entry: { engine }, target, report }: Context): void => {
  if (engine !== 'mariadb') return;
  const [first, ...others] = groupsOf(view.entry.groups, view.path('groups')).filter(({ inherit }) => inherit);
  for (const { name, path } of others) {
    const message = `'${view.name}' is in '${first!.name}' and '${name}' with 'inherit: true', and MariaDB (target '${target}') has one default role`;
    report('default-role', message, path, {
      hint: `write { name: ${name}, inherit: false }, which needs SET ROLE, or one group that is in both`,
    });
  }
};

/** A role of MariaDB cannot be a proxy. */
const checkProxies = (view: View, grants: readonly DeclaredGrant[], { entry: { engine }, target, report }: Context): void => {
  if (view.kind === 'user' || engine !== 'mariadb') return;
  for (const grant of grants) {
    if (grant.kind !== 'proxy') continue;
    const message = `'${grant.grantee}' is a group, and MariaDB (target '${target}') grants PROXY to users only`;
    report('grant-kind', message, grant.source, { hint: 'write the grant at each user' });
  }
};

/** Where the grant option is not what it says (test/live/mysql/words.test.ts). */
const NOT_GRANTABLE: Readonly<Partial<Record<DeclaredGrant['kind'], string>>> = {
  column: 'columns have the grant option of their whole table',
  proxy: 'with PROXY the server also gives the grant option for the whole server',
};

/** MySQL keeps the grant option for a level, not for a privilege; dynamic privileges have their own. */
const checkGrantable = (grants: readonly DeclaredGrant[], { entry: { engine }, report }: Context): void => {
  const flavour = engine === 'mariadb' ? 'mariadb' : 'mysql';
  for (const grant of grants) {
    const why = NOT_GRANTABLE[grant.kind];
    if (why === undefined || !givesOn(grant, flavour)) continue;
    report('grantable', `'${grant.grantee}' gets '${grant.selector}' with 'grantable: true': ${why}`, grant.source, {
      hint: grant.kind === 'column' ? 'grant on the table, or leave it out' : 'leave it out',
    });
  }
  if (!grants.some((grant) => givesOn(grant, flavour))) return;
  const fixed = grants.filter(({ privileges }) => privileges.some((word) => !isDynamic(plain(word), flavour)));
  for (const [index, grant] of fixed.entries()) {
    const other = fixed.slice(0, index).find((before) => overlap(before, grant) && givesOn(before, flavour) !== givesOn(grant, flavour));
    if (!other) continue;
    const [more, less] = givesOn(grant, flavour) ? [grant, other] : [other, grant];
    const message = `'${grant.grantee}' gets '${less.selector}' without the grant option and '${more.selector}' with it (${placeText(other.source)}): it holds for all privileges there`;
    report('grantable', message, grant.source, { hint: 'write grantable: true at both, or at none' });
  }
};

const plain = (word: string): string => word.replace('*', '');

const givesOn = ({ privileges }: DeclaredGrant, flavour: 'mysql' | 'mariadb'): boolean =>
  privileges.some((word) => word.endsWith('*') && !isDynamic(plain(word), flavour));

/** Whether both are about the same level of the same object. */
const overlap = (a: DeclaredGrant, b: DeclaredGrant): boolean => sameKind(a, b) && touches(a.schema, b.schema) && touches(a.name, b.name);

/** Columns have the grant option of their table, and a function may be granted as a routine. */
const sameKind = (a: DeclaredGrant, b: DeclaredGrant): boolean => {
  if (a.kind === b.kind) return true;
  const kinds = new Set([a.kind, b.kind]);
  return (kinds.has('table') && kinds.has('column')) || (kinds.has('routine') && (kinds.has('function') || kinds.has('procedure')));
};

const touches = (a: Part | null, b: Part | null): boolean => (a === null || b === null ? a === b : covers(a, b) || covers(b, a));
