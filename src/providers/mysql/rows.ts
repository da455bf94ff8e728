import { accountName } from '../../core/account.ts';
import { byCodeUnit } from '../../model/key.ts';
import type { Others } from '../../model/reality.ts';
import { lettered, of, once, type ReadAccount, type Tables, text } from './account-rows.ts';
import { setWord } from './flavour.ts';
import type { OtherGrant, Snapshot, SnapshotGrant, TableGrants } from './snapshot.ts';

/** The part of a snapshot that the grant tables give. Every list is sorted. */
export type Grants = Pick<Snapshot, 'accounts' | 'others' | 'edges' | 'defaultRoles' | 'grants' | 'restrictions'> & {
  readonly tableGrants: readonly TableGrants[];
  readonly otherGrants: readonly OtherGrant[];
  readonly nameOf: NameOf;
};

/** The name of an account in the snapshot, by user and host. */
export type NameOf = (user: string, host: string) => string;

/**
 * The columns of `queries.ts`, in their order, turned into the shapes of `snapshot.ts`; `read`: the accounts among them. Of those that
 * are no `concerned` user's only names are kept.
 */
export const grantsOf = (all: Tables, read: readonly ReadAccount[], concerned: ReadonlySet<string> | null): Grants => {
  const tables = concerned === null ? all : withoutColumns(all, concerned);
  const nameOf = naming(read.filter(({ host }) => host === '').map(({ user }) => user));
  const withColumns = new Set(of(tables, 'columns').map(([user, host]) => nameOf(text(user), text(host))));
  const [mixed, whole] = parted(textsOf(tables, nameOf), ({ account }) => withColumns.has(account));
  const [known, others] = parted(read, (account) => concerned === null || concerned.has(account.user) || concernsAll(account));
  const grants = [...globalGrants(tables, known, nameOf), ...lowerGrants(tables, nameOf, mixed)];
  return {
    nameOf,
    ...(concerned === null ? {} : { others: namesOf(others, nameOf) }),
    accounts: known
      .map(({ user, host, traits, system }) => ({ name: nameOf(user, host), user, host, ...traits.account, system }))
      .sort((a, b) => byCodeUnit(a.name, b.name)),
    edges: sorted(
      of(tables, 'edges').map(([role, roleHost, user, host, admin]) => ({
        role: nameOf(text(role), text(roleHost)),
        member: nameOf(text(user), text(host)),
        admin: admin === 'Y',
      })),
      ({ role, member }) => [role, member],
    ),
    defaultRoles: sorted(
      [
        ...of(tables, 'defaults').map(([user, host, role, roleHost]) => ({
          member: nameOf(text(user), text(host)),
          role: nameOf(text(role), text(roleHost)),
        })),
        ...read.flatMap(({ user, host, traits: { defaultRole } }) =>
          defaultRole ? [{ member: nameOf(user, host), role: nameOf(defaultRole, '') }] : [],
        ),
      ],
      ({ member, role }) => [member, role],
    ),
    grants: sortedGrants(grants),
    otherGrants: otherGrants(tables, nameOf),
    tableGrants: whole.sort((a, b) => byCodeUnit(a.account, b.account)),
    restrictions: sorted(
      known.flatMap(({ user, host, traits: { restrictions } }) =>
        restrictions.map((restriction) => ({ account: nameOf(user, host), ...restriction })),
      ),
      ({ account, schema }) => [account, schema],
    ),
  };
};

/** Rows on columns of users that are not concerned are read, and left out as those on tables are. */
const withoutColumns = (tables: Tables, concerned: ReadonlySet<string>): Tables => {
  const columns = of(tables, 'columns').filter(([user]) => concerned.has(text(user)));
  return { ...tables, rows: new Map([...tables.rows, ['columns', columns]]) };
};

/** Whoever can change everything, or is reported whoever declares it: without a name, or by tokens. */
const concernsAll = ({ user, system, traits: { account } }: ReadAccount): boolean =>
  system || user === '' || account.options.auth === 'iam';

const namesOf = (accounts: readonly ReadAccount[], nameOf: NameOf): Others => {
  const [users, groups] = parted(accounts, ({ traits: { account } }) => account.kind === 'user' && !account.locked);
  const named = (some: readonly ReadAccount[]): readonly string[] => some.map(({ user, host }) => nameOf(user, host));
  return { users: named(users), groups: named(groups) };
};

/** A user that has the name of a role is written with its host, so that no two accounts have one name. Rows of one account stand together. */
const naming = (roles: readonly string[]): NameOf => {
  const taken = new Set(roles);
  const atHost = once((host) => once((user) => (host === '%' && taken.has(user) ? `${user}@%` : accountName({ user, host }))));
  let last = { user: '', host: '', name: atHost('')('') };
  return (user, host) => {
    if (user !== last.user || host !== last.host) last = { user, host, name: atHost(host)(user) };
    return last.name;
  };
};

/** Static and dynamic privileges of an account at `*.*` as one row. */
const globalGrants = (tables: Tables, accounts: readonly ReadAccount[], nameOf: NameOf): readonly SnapshotGrant[] => {
  const dynamic = new Map<string, string[]>();
  for (const [user, host, word, option] of of(tables, 'dynamic')) {
    const key = `${user}@${host}`;
    dynamic.set(key, [...(dynamic.get(key) ?? []), `${text(word).toUpperCase()}${option === 'Y' ? '*' : ''}`]);
  }
  return accounts.flatMap(({ user, host, traits: { words } }) => {
    const own = dynamic.get(`${user}@${host}`) ?? [];
    if (words.length + own.length === 0) return [];
    const privileges = [...grantable(words), ...own].sort(byCodeUnit);
    return [{ account: nameOf(user, host), level: 'global' as const, schema: null, name: null, privileges }];
  });
};

const lowerGrants = (tables: Tables, nameOf: NameOf, texts: readonly TableGrants[]): readonly SnapshotGrant[] => {
  const lettersOf = once((letters) => privilegesOf(lettered(letters, tables.columns.db)));
  const schemas = of(tables, 'schemas').flatMap(([user, host, db, letters]) =>
    grant(nameOf(text(user), text(host)), 'schema', text(db), null, lettersOf(text(letters))),
  );
  const routines = of(tables, 'routines').flatMap(([user, host, db, name, kind, set]) => {
    const level = ROUTINES[text(kind)];
    return level ? grant(nameOf(text(user), text(host)), level, text(db), text(name), setPrivileges(text(set))) : [];
  });
  const proxies = of(tables, 'proxies').map(([user, host, proxiedUser, proxiedHost, option]) => ({
    account: nameOf(text(user), text(host)),
    level: 'proxy' as const,
    schema: null,
    name: accountName({ user: text(proxiedUser), host: text(proxiedHost) }),
    privileges: [Number(option) > 0 ? 'PROXY*' : 'PROXY'],
  }));
  return [...schemas, ...tableGrants(tables, nameOf, texts), ...routines, ...proxies];
};

const ROUTINES: Readonly<Record<string, 'function' | 'procedure' | undefined>> = { FUNCTION: 'function', PROCEDURE: 'procedure' };

/** What no manifest can name: packages of MariaDB, libraries of MySQL (9.2). */
const otherGrants = (tables: Tables, nameOf: NameOf): Grants['otherGrants'] =>
  sorted(
    of(tables, 'routines').flatMap(([user, host, db, name, kind, set]) =>
      ROUTINES[text(kind)]
        ? []
        : [
            {
              account: nameOf(text(user), text(host)),
              kind: text(kind).toLowerCase(),
              schema: text(db),
              name: text(name),
              privileges: setPrivileges(text(set)),
            },
          ],
    ),
    ({ account, kind, schema, name }) => [account, kind, schema, name],
  );

/**
 * The grant option of columns stands at their table: columns show it as theirs, and a table that holds nothing else is left out
 * where a column says it already.
 */
const tableGrants = (tables: Tables, nameOf: NameOf, texts: readonly TableGrants[]): readonly SnapshotGrant[] => {
  const rows = [
    ...texts.flatMap(tableRows),
    ...of(tables, 'tables').flatMap(([user, host, db, table, set]) =>
      grant(nameOf(text(user), text(host)), 'table', text(db), text(table), setPrivileges(text(set))),
    ),
  ];
  const columns = of(tables, 'columns').map(([user, host, db, table, column, set]) => {
    const account = nameOf(text(user), text(host));
    // No name holds a NUL.
    return { account, schema: text(db), relation: text(table), name: text(column), set: text(set), key: [account, db, table].join('\0') };
  });
  const keyOf = ({ account, schema, name }: SnapshotGrant): string => [account, schema, name].join('\0');
  const withColumns = new Set(columns.map(({ key }) => key));
  const withOption = new Set(
    columns.length === 0 ? [] : rows.filter(({ privileges }) => privileges.some((word) => word.endsWith('*'))).map(keyOf),
  );
  return [
    ...rows.filter((row) => columns.length === 0 || row.privileges[0] !== `${OPTION}*` || !withColumns.has(keyOf(row))),
    ...columns.flatMap(({ key, set, ...column }): SnapshotGrant[] => {
      const privileges = setPrivileges(withOption.has(key) ? `${set},Grant` : set);
      return privileges.length === 0 ? [] : [{ ...column, level: 'column', privileges }];
    }),
  ];
};

const grant = (
  account: string,
  level: SnapshotGrant['level'],
  schema: string,
  name: string | null,
  privileges: readonly string[],
): readonly SnapshotGrant[] => (privileges.length === 0 ? [] : [{ account, level, schema, name, privileges }]);

/** Those of which something is so, and the others. */
const parted = <T>(items: readonly T[], is: (item: T) => boolean): readonly [T[], T[]] => {
  const parts: [T[], T[]] = [[], []];
  for (const item of items) parts[is(item) ? 0 : 1].push(item);
  return parts;
};

/** What each account holds on tables, as the server put it together. */
const textsOf = (tables: Tables, nameOf: NameOf): readonly TableGrants[] => [
  ...of(tables, 'texts').map(([user, host, count, rows]) => ({
    account: nameOf(text(user), text(host)),
    count: Number(count),
    rows: text(rows),
  })),
  ...of(tables, 'text').flatMap(([all]) => apart(text(all), nameOf)),
];

/** One text for all accounts, user and host before each row. Rows of one account mostly follow each other. */
const apart = (all: string, nameOf: NameOf): readonly TableGrants[] => {
  const found = new Map<string, { count: number; rows: string }>();
  let [prefix, held] = ['', { count: 0, rows: '' }];
  for (let at = 0; at < all.length; ) {
    if (prefix === '' || !all.startsWith(prefix, at)) {
      prefix = all.slice(at, afterNul(all, afterNul(all, at)));
      held = found.get(prefix) ?? { count: 0, rows: '' };
      found.set(prefix, held);
    }
    const start = at + prefix.length;
    at = afterNul(all, afterNul(all, afterNul(all, start)));
    held.count++;
    held.rows += all.slice(start, at);
  }
  return [...found].map(([key, { count, rows }]) => {
    const [user = '', host = ''] = key.split('\0');
    return { account: nameOf(user, host), count, rows };
  });
};

const afterNul = (all: string, at: number): number => {
  const nul = all.indexOf('\0', at);
  return nul < 0 ? all.length : nul + 1;
};

/** What one account holds on tables, by schema, NUL and table. */
export const tablePrivileges = ({ rows }: TableGrants): Map<string, readonly string[]> => {
  const found = new Map<string, readonly string[]>();
  for (let at = 0; at < rows.length; ) {
    const words = afterNul(rows, afterNul(rows, at));
    const end = afterNul(rows, words);
    found.set(rows.slice(at, words - 1), setPrivileges(rows.slice(words, end - 1)));
    at = end;
  }
  return found;
};

/** Reads the rows of one account on tables. */
export const tableRows = ({ account, rows }: TableGrants): readonly SnapshotGrant[] => {
  const parts = rows.split('\0');
  const found: SnapshotGrant[] = [];
  for (let at = 0; at + 2 < parts.length; at += 3)
    found.push({ account, level: 'table', schema: parts[at]!, name: parts[at + 1]!, privileges: setPrivileges(parts[at + 2]!) });
  return found.sort(byPlace);
};

/** By account, level, schema, table and name. */
const sortedGrants = (grants: readonly SnapshotGrant[]): readonly SnapshotGrant[] => {
  const byAccount = new Map<string, SnapshotGrant[]>();
  for (const row of grants) {
    const rows = byAccount.get(row.account);
    if (rows) rows.push(row);
    else byAccount.set(row.account, [row]);
  }
  return [...byAccount.keys()].sort(byCodeUnit).flatMap((account) => byAccount.get(account)!.sort(byPlace));
};

const byPlace = (a: SnapshotGrant, b: SnapshotGrant): number =>
  byCodeUnit(a.level, b.level) ||
  byCodeUnit(a.schema ?? '', b.schema ?? '') ||
  byCodeUnit(a.relation ?? '', b.relation ?? '') ||
  byCodeUnit(a.name ?? '', b.name ?? '');

const OPTION = 'GRANT OPTION';

const privilegesOf = (words: readonly string[]): readonly string[] => [...grantable(words)].sort(byCodeUnit);

/** One grant option for all of a level: a star on every word, or, where it is alone, on itself. */
const grantable = (words: readonly string[]): readonly string[] => {
  const own = words.filter((word) => word !== OPTION);
  if (own.length === words.length) return own;
  return own.length === 0 ? [`${OPTION}*`] : own.map((word) => `${word}*`);
};

const members = once((set): readonly string[] =>
  set
    .split(',')
    .filter((member) => member !== '')
    .map(setWord),
);

const setPrivileges = once((set) => privilegesOf(members(set)));

/** Sorted copy, by the keys in their order. */
export const sorted = <T>(items: readonly T[], keys: (item: T) => readonly string[]): readonly T[] =>
  items
    .map((item) => ({ item, keys: keys(item) }))
    .sort((a, b) => {
      for (let index = 0; index < a.keys.length; index++) {
        const order = byCodeUnit(a.keys[index]!, b.keys[index]!);
        if (order !== 0) return order;
      }
      return 0;
    })
    .map(({ item }) => item);
