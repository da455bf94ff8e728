import type { DatabaseEngine } from '../model/declared.ts';
import { accountNames, hasAccounts, hostsOf, referredName } from './accounts.ts';
import type { Checks } from './checks.ts';
import type { Path } from './content.ts';
import { placeText } from './merge.ts';
import { overrideOn, viewsOn } from './view.ts';

/** Accounts that a server or RDS makes for itself. */
const OF_SERVERS = /^(mysql\.(session|sys|infoschema)|mariadb\.sys|AWS_[A-Z0-9_]+_ACCESS)$/;

/** What MySQL and MariaDB make of a name: spaces around it go, and its characters have at most three bytes. */
export const checkAccountName = ({ report }: Checks, name: string, engine: DatabaseEngine, path: Path): void => {
  const problem = OF_SERVERS.test(name)
    ? 'is an account that the server or RDS makes for itself'
    : engine === 'mysql' && name === 'PUBLIC'
      ? "is MariaDB's word for everybody, which no plan changes"
      : engine === 'mariadb' && /^(public|none)$/i.test(name) && name !== name.toLowerCase()
        ? 'is a word of SQL to MariaDB, in upper case too'
        : name !== '' && name.trim() !== name
          ? `begins or ends with a space, which ${engine} takes off`
          : /[\u{10000}-\u{10ffff}]/u.test(name)
            ? `has a character that ${engine} cannot keep in a name`
            : undefined;
  if (problem !== undefined) report('name', `'${name}' ${problem}, expected another name`, path, {}, 'key');
};

/** To a reader 'Bob' and 'bob' are one; MySQL and MariaDB tell them apart, and their hosts not. */
export const checkCase = ({ content, contexts, warn, at }: Checks): void => {
  for (const { target, entry } of contexts) {
    if (entry.engine === 'postgres') continue;
    const seen = new Map<string, Path>();
    for (const { name, top } of viewsOn(content, target)) {
      const first = seen.get(name.toLowerCase());
      if (first === undefined) seen.set(name.toLowerCase(), top);
      else
        warn(
          'case',
          `'${name}' differs only by case from '${first[1]}' at ${placeText(at(first, 'key'))}`,
          top,
          {
            hint: `${entry.engine} has them as two accounts: give one of them another name`,
          },
          'key',
        );
    }
  }
};

/** On MySQL and MariaDB a user may lose one of its hosts: the account that goes is another one. */
export const otherHosts = ({ content }: Checks, name: string, target: string): boolean => {
  const server = content.targets[target];
  const user = content.users?.[name];
  if (server === undefined || !hasAccounts(server) || user === undefined) return false;
  const entry = content.removed![name]!;
  const { hosts } = { ...entry, ...overrideOn(entry.targets, target) };
  const kept = hostsOf({ ...user, ...overrideOn(user.targets, target) }.hosts);
  return hosts !== undefined && hostsOf(hosts).every((host) => !kept.includes(host));
};

/** An existing or protected role may be an account, `app@10.%`: it is none that a user has. */
export const checkOtherAccounts = ({ content, contexts, report, at }: Checks): void => {
  const { existing = [], guard } = content;
  if (existing.length + (guard?.protected?.length ?? 0) === 0) return;
  const lists = [
    { names: existing, path: ['existing'], slug: 'declared-twice', is: 'listed under existing', hint: 'existing roles are never changed' },
    {
      names: guard?.protected ?? [],
      path: ['guard', 'protected'],
      slug: 'protected',
      is: 'protected',
      hint: 'a protected role is never altered: remove one of the two',
    },
  ];
  for (const context of contexts.filter(({ entry }) => hasAccounts(entry))) {
    const declared = new Map(
      viewsOn(content, context.target).flatMap((view) => accountNames(view, context).map((name) => [name, view.top] as const)),
    );
    for (const { names, path, slug, is, hint } of lists) {
      for (const [index, name] of names.entries()) {
        // A name that is declared as it stands is told by the checks of names.
        const top =
          name === undefined || content.users?.[name] || content.groups?.[name] ? undefined : declared.get(referredName(name, context));
        if (top)
          report(slug, `'${name}' is ${is}, and is an account of '${top[1]}' at ${placeText(at(top, 'key'))}`, [...path, index], { hint });
      }
    }
  }
};
