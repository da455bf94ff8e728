import type { Checks } from './checks.ts';
import type { EntryTargets, Path } from './content.ts';
import { groupsOf } from './members.ts';
import { didYouMean } from './near.ts';
import { isList, isOn, overrideOn, targetNames } from './view.ts';

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
const isServerRole = (name: string): boolean => /^(pg_|rds)/.test(name);

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
      const { drop, forget, reassign_to, sessions } = { ...entry, ...override };
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
      if (reassign_to === undefined || content.targets[target] === undefined) continue;
      const place =
        override?.reassign_to === undefined ? ['removed', name, 'reassign_to'] : ['removed', name, 'targets', target, 'reassign_to'];
      if (reassign_to === name || content.removed?.[reassign_to] !== undefined)
        report('removed', `'${name}' gives its objects to '${reassign_to}', which is removed as well`, place);
      else checkKnown(checks, reassign_to, target, place);
    }
  }
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
