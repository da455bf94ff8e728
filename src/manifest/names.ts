import type { DatabaseEngine } from '../model/declared.ts';
import type { Checks } from './checks.ts';
import type { Path, RoleEntry } from './content.ts';
import { placeText } from './merge.ts';
import { checkAccountName, checkCase, checkOtherAccounts, otherHosts } from './names-mysql.ts';
import { enginesOf, targetNames as namesOn } from './view.ts';

/** Longest names by engine, as their manuals count them (PostgreSQL in bytes). */
const LONGEST: Readonly<Record<DatabaseEngine, { readonly length: number; readonly unit: string; readonly of: (name: string) => number }>> =
  {
    postgres: { length: 63, unit: 'bytes', of: (name) => Buffer.byteLength(name) },
    mysql: { length: 32, unit: 'characters', of: (name) => [...name].length },
    mariadb: { length: 128, unit: 'characters', of: (name) => [...name].length },
  };

/** Names of roles: what the servers accept, and one meaning for each. */
export const checkNames = (checks: Checks): void => {
  const { content } = checks;
  for (const section of ['groups', 'users', 'removed'] as const) {
    for (const [name, entry] of Object.entries(content[section] ?? {})) {
      checkName(checks, name, [section, name], 'key');
      checkReserved(checks, name, [section, name], 'key');
      for (const engine of enginesOf(content, entry.targets)) {
        checkLength(checks, name, engine, [section, name], 'key');
        if (engine !== 'postgres') checkAccountName(checks, name, engine, [section, name]);
      }
      if (section === 'removed' || !('renamed_from' in entry)) continue;
      checkName(checks, entry.renamed_from!, [section, name, 'renamed_from']);
      checkReserved(checks, entry.renamed_from!, [section, name, 'renamed_from']);
    }
  }
  for (const [index, name] of (content.existing ?? []).entries()) if (name !== undefined) checkName(checks, name, ['existing', index]);
  checkSpace(checks);
  checkCase(checks);
  checkOtherAccounts(checks);
  checkProtected(checks);
  checkRenames(checks);
};

const checkName = ({ report }: Checks, name: string, path: Path, part?: 'key'): void => {
  if (name === '') report('name', 'a name is empty', path, {}, part);
  if (name.includes('\0')) report('name', `name '${name.replaceAll('\0', '\\0')}' holds a NUL`, path, {}, part);
};

const checkReserved = ({ report }: Checks, name: string, path: Path, part?: 'key'): void => {
  const rule =
    name === 'public' || name === 'none'
      ? 'is a word of SQL'
      : name.startsWith('pg_')
        ? `begins with 'pg_', which PostgreSQL reserves`
        : name.startsWith('rds')
          ? `begins with 'rds', which RDS reserves`
          : '';
  if (rule)
    report(
      'name',
      `'${name}' ${rule}, expected another name`,
      path,
      name.startsWith('pg_') || name.startsWith('rds') ? { hint: 'such roles can be referenced without declaring them' } : {},
      part,
    );
};

const checkLength = ({ report }: Checks, name: string, engine: DatabaseEngine, path: Path, part?: 'key'): void => {
  const { length, unit, of } = LONGEST[engine];
  if (of(name) > length) report('name', `name '${name}' has ${of(name)} ${unit}, expected at most ${length} (${engine})`, path, {}, part);
};

/** Users, groups and existing roles share one name space; what is removed may stand there only on other targets. */
const checkSpace = (checks: Checks): void => {
  const { content, report, at } = checks;
  const declared = (name: string): RoleEntry | undefined => content.users?.[name] ?? content.groups?.[name];
  for (const name of Object.keys(content.users ?? {})) {
    if (content.groups?.[name] === undefined) continue;
    report(
      'declared-twice',
      `'${name}' is a user here and a group at ${placeText(at(['groups', name], 'key'))}`,
      ['users', name],
      { hint: 'users and groups share one name space' },
      'key',
    );
  }
  for (const [index, name] of (content.existing ?? []).entries()) {
    if (name === undefined || (declared(name) === undefined && content.removed?.[name] === undefined)) continue;
    const section = content.users?.[name] ? 'users' : content.groups?.[name] ? 'groups' : 'removed';
    report(
      'declared-twice',
      `'${name}' is listed under existing and under ${section} at ${placeText(at([section, name], 'key'))}`,
      ['existing', index],
      { hint: 'existing roles are never changed' },
    );
  }
  for (const [name, entry] of Object.entries(content.removed ?? {})) {
    const role = declared(name);
    if (!role) continue;
    const own = new Set(namesOn(content, role.targets));
    if (!namesOn(content, entry.targets).some((target) => own.has(target) && !otherHosts(checks, name, target))) continue;
    const section = content.users?.[name] ? 'users' : 'groups';
    report(
      'declared-twice',
      `'${name}' is removed here and declared at ${placeText(at([section, name], 'key'))}`,
      ['removed', name],
      {},
      'key',
    );
  }
};

const checkProtected = ({ content, report, at }: Checks): void => {
  for (const [index, name] of (content.guard?.protected ?? []).entries()) {
    const section = (['users', 'groups', 'removed'] as const).find((known) => content[known]?.[name] !== undefined);
    if (!section) continue;
    report(
      'protected',
      `'${name}' is protected, and stands under ${section} at ${placeText(at([section, name], 'key'))}`,
      ['guard', 'protected', index],
      { hint: 'a protected role is never altered: remove one of the two' },
    );
  }
};

const checkRenames = ({ content, report, at }: Checks): void => {
  const seen = new Map<string, Path>();
  for (const section of ['groups', 'users'] as const) {
    for (const [name, { renamed_from: old }] of Object.entries(content[section] ?? {})) {
      if (old === undefined) continue;
      const path: Path = [section, name, 'renamed_from'];
      const other = (['users', 'groups', 'removed'] as const).find((known) => content[known]?.[old] !== undefined);
      if (other)
        report(
          'renamed-from',
          `'${name}' is renamed from '${old}', which still stands under ${other} at ${placeText(at([other, old], 'key'))}`,
          path,
        );
      else if (content.existing?.includes(old))
        report('renamed-from', `'${name}' is renamed from '${old}', which is listed under existing`, path);
      const first = seen.get(old);
      if (first) report('renamed-from', `'${name}' is renamed from '${old}', as another role is at ${placeText(at(first))}`, path);
      else seen.set(old, path);
    }
  }
};
