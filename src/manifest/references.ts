import { hasAccounts } from './accounts.ts';
import type { Checks } from './checks.ts';
import type { EntryTargets, Path } from './content.ts';
import { checkHosts } from './hosts.ts';
import { groupsOf } from './members.ts';
import { didYouMean } from './near.ts';
import { enginesOf, isList, isOn, overrideOn, targetNames } from './view.ts';

/** Every name that is used is declared, on the targets where it is used. */
export const checkReferences = (checks: Checks): void => {
  const { content } = checks;
  for (const section of ['groups', 'users'] as const) {
    for (const [name, entry] of Object.entries(content[section] ?? {})) {
      checkEntryTargets(checks, entry.targets, [section, name], `'${name}'`);
      checkMemberships(checks, section, name);
    }
  }
  for (const [name, entry] of Object.entries(content.alarms ?? {}))
    checkEntryTargets(checks, entry.targets, ['alarms', name], `alarm '${name}'`);
  checkRemoved(checks);
  for (const section of ['defaults', 'public', 'expect'] as const) {
    for (const [index, entry] of ((content[section] ?? []) as readonly ({ readonly target?: string } | undefined)[]).entries()) {
      if (entry)
        checkEntryTargets(checks, entry.target === undefined ? undefined : [entry.target], [section, index], `the entry`, 'target');
    }
  }
  checkDefaults(checks);
};

/** A role that is declared on the target, existing, predefined or the provider's. */
export const checkKnown = (checks: Checks, role: string, target: string, path: Path, part?: 'key'): void => {
  const { content, has, report } = checks;
  if (isServerRole(role) || content.existing?.includes(role)) return;
  const entry = content.users?.[role] ?? content.groups?.[role];
  if (entry) {
    if (isOn(content, entry.targets, target) || targetNames(content, entry.targets).length === 0) return;
    report('unknown-role', `role '${role}' is not on target '${target}'`, path, { hint: `add '${target}' to its targets` }, part);
    return;
  }
  if (has('users', role) || has('groups', role)) return;
  const near = didYouMean(role, [...Object.keys(content.groups ?? {}), ...Object.keys(content.users ?? {}), ...(content.existing ?? [])]);
  report(
    'unknown-role',
    `role '${role}' is used here, and nothing declares it`,
    path,
    near.hint ? near : { hint: `declare it, or list it under 'existing' when it lives on the server` },
    part,
  );
};

/** Roles that come with the server or with RDS need not be listed. */
const isServerRole = (name: string): boolean => /^(pg_|rds|AWS_[A-Z0-9_]+_ACCESS$)/.test(name);

const checkEntryTargets = (
  { content, has, report }: Checks,
  targets: EntryTargets<object> | undefined,
  path: Path,
  subject: string,
  key = 'targets',
): void => {
  const known = Object.keys(content.targets);
  if (targets === undefined) {
    if (known.length > 1)
      report(
        'targets',
        `${subject} does not say on which target, and the manifest has ${known.length}`,
        path,
        { hint: `add ${key}: ${key === 'target' ? known[0] : `[${known[0]}]`}` },
        'key',
      );
    return;
  }
  const names = isList(targets) ? targets : Object.keys(targets);
  for (const [index, name] of names.entries()) {
    const place = key === 'target' ? [...path, key] : [...path, key, isList(targets) ? index : name];
    if (!has('targets', name))
      report(
        'unknown-target',
        `target '${name}' is used here, and nothing declares it`,
        place,
        didYouMean(name, known),
        isList(targets) ? undefined : 'key',
      );
    else if (names.indexOf(name) < index) report('declared-twice', `target '${name}' is listed twice`, place);
  }
};

const checkMemberships = (checks: Checks, section: 'groups' | 'users', name: string): void => {
  const entry = checks.content[section]![name]!;
  const targets = targetNames(checks.content, entry.targets);
  const overriding = targets.filter((target) => overrideOn(entry.targets, target)?.groups !== undefined);
  checkList(checks, name, groupsOf(entry.groups, [section, name, 'groups']), targets);
  for (const target of overriding) {
    checkList(checks, name, groupsOf(overrideOn(entry.targets, target)!.groups, [section, name, 'targets', target, 'groups']), [target]);
  }
};

const checkList = (checks: Checks, member: string, memberships: ReturnType<typeof groupsOf>, targets: readonly string[]): void => {
  const seen = new Set<string>();
  for (const { name, path } of memberships) {
    if (seen.has(name)) checks.report('declared-twice', `group '${name}' is listed twice for '${member}'`, path);
    seen.add(name);
    checkGroup(checks, member, name, path, targets);
  }
};

const checkGroup = (checks: Checks, member: string, name: string, path: Path, targets: readonly string[]): void => {
  const { content, has, report } = checks;
  const group = content.groups?.[name];
  if (group !== undefined) {
    const common =
      targets.length === 0 ||
      targetNames(content, group.targets).length === 0 ||
      targets.some((target) => isOn(content, group.targets, target));
    if (common) return;
    const message = `'${member}' (${targets.join(', ')}) and group '${name}' (${targetNames(content, group.targets).join(', ')}) have no target in common`;
    report('no-common-target', message, path);
  } else if (name === 'rds_iam') {
    report('rds-iam', `'rds_iam' is listed as a group of '${member}', expected auth: iam`, path, {
      hint: 'write auth: iam at the user: it is for users only',
    });
  } else if (name === 'pg_database_owner') {
    report('unknown-group', `'pg_database_owner' takes no members: it means the owner of each database`, path);
  } else if (name.startsWith('pg_') && targets.length > 0 && !targets.some((target) => content.targets[target]?.engine === 'postgres')) {
    report('unknown-group', `'${name}' is a role of PostgreSQL, and '${member}' has no such target`, path);
  } else if (content.users?.[name] !== undefined) {
    report('unknown-group', `'${name}' is a user, and '${member}' can be in groups only`, path, {
      hint: 'declare a group that both are in',
    });
  } else if (!isServerRole(name) && !content.existing?.includes(name) && !has('groups', name) && !has('users', name)) {
    const near = didYouMean(name, [...Object.keys(content.groups ?? {}), ...(content.existing ?? [])]);
    report(
      'unknown-group',
      `group '${name}' of '${member}' is declared by nothing`,
      path,
      near.hint ? near : { hint: `declare it, or list it under 'existing' when it lives on the server` },
    );
  }
};

const checkRemoved = (checks: Checks): void => {
  const { content, report } = checks;
  for (const [name, entry] of Object.entries(content.removed ?? {})) {
    checkEntryTargets(checks, entry.targets, ['removed', name], `'${name}'`);
    for (const target of targetNames(content, entry.targets)) {
      const override = overrideOn(entry.targets, target);
      const { drop, forget, reassign_to, sessions, hosts } = { ...entry, ...override };
      if ((drop === true) === (forget === true)) {
        report(
          'removed',
          `'${name}' has ${drop ? 'both' : 'neither'} 'drop: true' ${drop ? 'and' : 'nor'} 'forget: true', expected one of them`,
          ['removed', name],
          {},
          'key',
        );
      } else if (forget && (reassign_to ?? sessions) !== undefined) {
        report(
          'removed',
          `'${name}' is only forgotten, and '${reassign_to === undefined ? 'sessions' : 'reassign_to'}' is for a drop`,
          ['removed', name],
          {},
          'key',
        );
      }
      const placeOf = (key: 'reassign_to' | 'hosts'): Path =>
        override?.[key] === undefined ? ['removed', name, key] : ['removed', name, 'targets', target, key];
      const context = checks.contexts.find((one) => one.target === target);
      if (hosts !== undefined && context !== undefined && hasAccounts(context.entry))
        checkHosts(hosts, `'${name}'`, placeOf('hosts'), context);
      checkRemovedKeys(checks, name, target, { reassign_to, hosts }, placeOf);
      if (reassign_to === undefined || context === undefined || hasAccounts(context.entry)) continue;
      const place = placeOf('reassign_to');
      if (reassign_to === name || content.removed?.[reassign_to] !== undefined)
        report('removed', `'${name}' gives its objects to '${reassign_to}', which is removed as well`, place);
      else checkKnown(checks, reassign_to, target, place);
    }
  }
};

/** Owners are PostgreSQL's and hosts are not: a key must act on one of the targets. */
const checkRemovedKeys = (
  { content, report }: Checks,
  name: string,
  target: string,
  { reassign_to, hosts }: { readonly reassign_to: string | undefined; readonly hosts: readonly string[] | undefined },
  placeOf: (key: 'reassign_to' | 'hosts') => Path,
): void => {
  const { targets } = content.removed![name]!;
  const engines = (key: 'reassign_to' | 'hosts'): ReadonlySet<string> =>
    placeOf(key).length > 3 ? new Set([content.targets[target]?.engine ?? '']) : enginesOf(content, targets);
  if (reassign_to !== undefined && engines('reassign_to').size > 0 && !engines('reassign_to').has('postgres'))
    report(
      'removed',
      `'reassign_to' of '${name}' is for PostgreSQL: on MySQL and MariaDB nobody owns objects`,
      placeOf('reassign_to'),
      {
        hint: 'leave it out; objects that run as it (DEFINER) are listed by the plan',
      },
      'key',
    );
  if (hosts !== undefined && engines('hosts').size === 1 && engines('hosts').has('postgres'))
    report('engines', `'hosts' are for MySQL and MariaDB, and '${name}' has no such target`, placeOf('hosts'), {}, 'key');
};

const checkDefaults = (checks: Checks): void => {
  const { content } = checks;
  for (const [index, entry] of (content.defaults ?? []).entries()) {
    if (!entry) continue;
    for (const target of targetNames(content, entry.target === undefined ? undefined : [entry.target])) {
      if (content.targets[target] === undefined) continue;
      if (entry.to !== undefined && entry.to !== 'public') checkKnown(checks, entry.to, target, ['defaults', index, 'to']);
      for (const [place, creator] of (entry.created_by ?? []).entries())
        checkKnown(checks, creator, target, ['defaults', index, 'created_by', place]);
    }
  }
};
