import { accountName } from '../../core/account.ts';
import { byCodeUnit } from '../../model/key.ts';
import type { Flavour } from '../../model/privilege-mysql.ts';
import { requireText } from '../../model/require.ts';
import type { AccountOptions } from '../../model/state.ts';
import { isReserved } from './catalog.ts';
import { accessWords, columnWord, isIamPlugin, isPasswordPlugin, setWord } from './flavour.ts';
import type { Snapshot, SnapshotAccount, SnapshotGrant } from './snapshot.ts';

type Row = readonly (string | number | null)[];
/** The rows of each named query. */
export type Rows = ReadonlyMap<string, readonly Row[]>;

/** What the grant tables say, and where they stand. */
export type Tables = {
  readonly flavour: Flavour;
  readonly version: number;
  /** The privilege columns of mysql.user and mysql.db, in the order of their letters. */
  readonly columns: { readonly user: readonly string[]; readonly db: readonly string[] };
  readonly rows: Rows;
};

/** The part of a snapshot that the grant tables give. Every list is sorted. */
export type Grants = Pick<Snapshot, 'accounts' | 'edges' | 'defaultRoles' | 'grants' | 'restrictions'> & {
  readonly nameOf: NameOf;
};

/** The name of an account in the snapshot, by user and host. */
export type NameOf = (user: string, host: string) => string;

/** The columns of `queries.ts`, in their order, turned into the shapes of `snapshot.ts`. */
export const grantsOf = (tables: Tables): Grants => {
  const read = tables.flavour === 'mysql' ? mysqlAccounts(tables) : mariadbAccounts(tables);
  const nameOf = naming(read.filter(({ host }) => host === '').map(({ user }) => user));
  const grants = [...globalGrants(tables, read, nameOf), ...lowerGrants(tables, nameOf)];
  return {
    nameOf,
    accounts: sorted(
      read.map(({ words: _words, restrictions: _restrictions, defaultRole: _defaultRole, ...account }) => ({
        name: nameOf(account.user, account.host),
        ...account,
      })),
      ({ name }) => [name],
    ),
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
        ...read.flatMap(({ user, host, defaultRole }) =>
          defaultRole ? [{ member: nameOf(user, host), role: nameOf(defaultRole, '') }] : [],
        ),
      ],
      ({ member, role }) => [member, role],
    ),
    grants: sortedGrants(grants),
    restrictions: sorted(
      read.flatMap(({ user, host, restrictions }) => restrictions.map((restriction) => ({ account: nameOf(user, host), ...restriction }))),
      ({ account, schema }) => [account, schema],
    ),
  };
};

/** A user that has the name of a role is written with its host, so that no two accounts have one name. */
const naming = (roles: readonly string[]): NameOf => {
  const taken = new Set(roles);
  return (user, host) => (host === '%' && taken.has(user) ? `${user}@%` : accountName({ user, host }));
};

/** The same function, that thinks about each text once: a hundred thousand rows name a thousand accounts, and hold a dozen sets. */
const once = <T>(compute: (text: string) => T): ((text: string) => T) => {
  const known = new Map<string, T>();
  return (text) => {
    if (!known.has(text)) known.set(text, compute(text));
    return known.get(text)!;
  };
};

/** An account with what other parts of the snapshot say of it. */
type ReadAccount = Omit<SnapshotAccount, 'name'> & {
  /** Static privileges at `*.*`, the grant option among them. */
  readonly words: readonly string[];
  readonly restrictions: readonly { readonly schema: string; readonly privileges: readonly string[] }[];
  readonly defaultRole: string | null;
};

const mysqlAccounts = (tables: Tables): readonly ReadAccount[] => {
  const powerful = new Set(of(tables, 'dynamic').flatMap(([user, host, word]) => (word === 'SYSTEM_USER' ? [`${user}@${host}`] : [])));
  const wordsOf = once((letters) => lettered(letters, tables.columns.user));
  return of(tables, 'accounts').map((row) => {
    const [user, host, letters, plugin, stored, locked, expired, lifetime, ssl, subject, issuer, cipher] = row.map(text) as string[];
    const [questions, updates, connections, perUser] = row.slice(12, 16).map(Number) as [number, number, number, number];
    const metadata = json(row[16]) as { comment?: unknown; rolecall?: unknown } | null;
    const locking = json(row[18]) as { failed_login_attempts?: number; password_lock_time_days?: number } | null;
    const { comment, rolecall, ...others } = metadata ?? {};
    const words = wordsOf(letters!);
    const isLocked = locked === 'Y';
    return {
      user: user!,
      host: host!,
      kind: isLocked && expired === 'Y' && stored === '' ? 'role' : 'user',
      locked: isLocked,
      options: {
        ...authenticationOf(plugin!, stored!, isLocked),
        require: required(ssl!, { subject: subject!, issuer: issuer!, cipher: cipher! }),
        queriesPerHour: questions,
        updatesPerHour: updates,
        connectionsPerHour: connections,
        passwordExpireDays: row[7] === null ? null : Number(lifetime),
        ...(tables.version >= 80_019
          ? { failedLoginAttempts: locking?.failed_login_attempts ?? 0, passwordLockDays: locking?.password_lock_time_days ?? 0 }
          : {}),
      },
      connectionLimit: perUser,
      comment: typeof comment === 'string' ? comment : null,
      mark: rolecall === undefined ? null : JSON.stringify(rolecall),
      attributes: Object.keys(others).length > 0,
      system: isReserved(user!) || words.includes('SUPER') || powerful.has(`${user}@${host}`),
      words,
      restrictions: restrictionsOf(row[17]),
      defaultRole: null,
    };
  });
};

const restrictionsOf = (value: Row[number] | undefined): ReadAccount['restrictions'] =>
  ((json(value) ?? []) as readonly { Database: string; Privileges: readonly string[] }[]).map(({ Database, Privileges }) => ({
    schema: Database,
    privileges: Privileges.map((word) => word.toUpperCase()).sort(byCodeUnit),
  }));

/** What global_priv holds of an account beside its mask and its password. */
type Priv = {
  readonly plugin?: string;
  readonly is_role?: boolean;
  readonly account_locked?: boolean;
  readonly password_lifetime?: number;
  readonly default_role?: string;
  /** 0 none, 1 ssl, 2 x509, 3 what the certificate must say */
  readonly ssl_type?: number;
  readonly ssl_cipher?: string;
  readonly x509_issuer?: string;
  readonly x509_subject?: string;
  readonly max_questions?: number;
  readonly max_updates?: number;
  readonly max_connections?: number;
  readonly max_user_connections?: number;
};

const mariadbAccounts = (tables: Tables): readonly ReadAccount[] => {
  const wordsOf = once((mask) => accessWords(mask, tables.version));
  return of(tables, 'accounts').map((row) => {
    const [user, host, mask, stored] = row.map(text) as [string, string, string, string];
    const priv = (json(row[5]) ?? {}) as Priv;
    const others = (json(row[4]) ?? []) as readonly string[];
    const locked = Boolean(priv.account_locked);
    const words = wordsOf(mask || '0');
    const plugin = [...others, priv.plugin || 'mysql_native_password'].join(' OR ');
    return {
      user,
      host,
      kind: priv.is_role ? 'role' : 'user',
      locked,
      options: {
        ...(priv.is_role ? { auth: 'none' as const } : authenticationOf(plugin, stored, locked)),
        require: required(['', 'ANY', 'X509', 'SPECIFIED'][priv.ssl_type ?? 0]!, {
          subject: priv.x509_subject ?? '',
          issuer: priv.x509_issuer ?? '',
          cipher: priv.ssl_cipher ?? '',
        }),
        queriesPerHour: priv.max_questions ?? 0,
        updatesPerHour: priv.max_updates ?? 0,
        connectionsPerHour: priv.max_connections ?? 0,
        passwordExpireDays: (priv.password_lifetime ?? -1) < 0 ? null : priv.password_lifetime!,
      },
      connectionLimit: priv.max_user_connections ?? 0,
      comment: null,
      mark: null,
      attributes: false,
      system: isReserved(user) || words.includes('SUPER'),
      words,
      restrictions: [],
      defaultRole: priv.default_role || null,
    };
  });
};

/** `stored`: '' nothing, 'RDS' that word, anything else some password. */
const authenticationOf = (plugin: string, stored: string, locked: boolean): Pick<AccountOptions, 'auth' | 'plugin'> => {
  if (isIamPlugin(plugin) && stored === 'RDS') return { auth: 'iam' };
  if (!isPasswordPlugin(plugin)) return { auth: 'other', plugin };
  if (stored !== '') return { auth: 'password' };
  // Open without a password, which no manifest asks for.
  return locked ? { auth: 'none' } : { auth: 'other', plugin };
};

const required = (type: string, certificate: { readonly subject: string; readonly issuer: string; readonly cipher: string }): string => {
  switch (type) {
    case 'ANY':
      return 'ssl';
    case 'X509':
      return 'x509';
    case 'SPECIFIED':
      return requireText(certificate);
    default:
      return 'none';
  }
};

/** Static and dynamic privileges of an account at `*.*` as one row. */
const globalGrants = (tables: Tables, accounts: readonly ReadAccount[], nameOf: NameOf): readonly SnapshotGrant[] => {
  const dynamic = new Map<string, string[]>();
  for (const [user, host, word, option] of of(tables, 'dynamic')) {
    const key = `${user}@${host}`;
    dynamic.set(key, [...(dynamic.get(key) ?? []), `${text(word).toUpperCase()}${option === 'Y' ? '*' : ''}`]);
  }
  return accounts.flatMap(({ user, host, words }) => {
    const own = dynamic.get(`${user}@${host}`) ?? [];
    const privileges = [...grantable(words), ...own].sort(byCodeUnit);
    return privileges.length === 0 ? [] : [{ account: nameOf(user, host), level: 'global' as const, schema: null, name: null, privileges }];
  });
};

const lowerGrants = (tables: Tables, nameOf: NameOf): readonly SnapshotGrant[] => {
  const lettersOf = once((letters) => privilegesOf(lettered(letters, tables.columns.db)));
  const schemas = of(tables, 'schemas').flatMap(([user, host, db, letters]) =>
    grant(nameOf(text(user), text(host)), 'schema', text(db), null, lettersOf(text(letters))),
  );
  const routines = of(tables, 'routines').flatMap(([user, host, db, name, kind, set]) =>
    grant(nameOf(text(user), text(host)), kind === 'FUNCTION' ? 'function' : 'procedure', text(db), text(name), setPrivileges(text(set))),
  );
  const proxies = of(tables, 'proxies').map(([user, host, proxiedUser, proxiedHost, option]) => ({
    account: nameOf(text(user), text(host)),
    level: 'proxy' as const,
    schema: null,
    name: accountName({ user: text(proxiedUser), host: text(proxiedHost) }),
    privileges: [Number(option) > 0 ? 'PROXY*' : 'PROXY'],
  }));
  return [...schemas, ...tableGrants(tables, nameOf), ...routines, ...proxies];
};

/**
 * The grant option of columns stands at their table: columns show it as theirs, and a table that holds nothing else is left out
 * where a column says it already.
 */
const tableGrants = (tables: Tables, nameOf: NameOf): readonly SnapshotGrant[] => {
  const key = (row: Row): string => JSON.stringify(row.slice(0, 4));
  const columns = of(tables, 'columns');
  const withColumns = new Set(columns.map(key));
  const withOption = new Set(
    columns.length === 0 ? [] : of(tables, 'tables').flatMap((row) => (members(text(row[4])).includes(OPTION) ? [key(row)] : [])),
  );
  return [
    ...of(tables, 'tables').flatMap((row) => {
      const [user, host, db, table, set] = row;
      if (set === 'Grant' && withColumns.has(key(row))) return [];
      return grant(nameOf(text(user), text(host)), 'table', text(db), text(table), setPrivileges(text(set)));
    }),
    ...columns.flatMap((row) => {
      const [user, host, db, table, column, set] = row;
      const privileges = setPrivileges(withOption.has(key(row)) ? `${set},Grant` : text(set));
      return grant(nameOf(text(user), text(host)), 'column', text(db), text(column), privileges, text(table));
    }),
  ];
};

const grant = (
  account: string,
  level: SnapshotGrant['level'],
  schema: string,
  name: string | null,
  privileges: readonly string[],
  relation?: string,
): readonly SnapshotGrant[] =>
  privileges.length === 0 ? [] : [{ account, level, schema, ...(relation === undefined ? {} : { relation }), name, privileges }];

/** By account, level, schema, table and name. */
const sortedGrants = (grants: readonly SnapshotGrant[]): readonly SnapshotGrant[] => {
  const byAccount = new Map<string, SnapshotGrant[]>();
  for (const row of grants) {
    const rows = byAccount.get(row.account);
    if (rows) rows.push(row);
    else byAccount.set(row.account, [row]);
  }
  const order = (a: SnapshotGrant, b: SnapshotGrant): number =>
    byCodeUnit(a.level, b.level) ||
    byCodeUnit(a.schema ?? '', b.schema ?? '') ||
    byCodeUnit(a.relation ?? '', b.relation ?? '') ||
    byCodeUnit(a.name ?? '', b.name ?? '');
  return [...byAccount.keys()].sort(byCodeUnit).flatMap((account) => byAccount.get(account)!.sort(order));
};

const OPTION = 'GRANT OPTION';

const privilegesOf = (words: readonly string[]): readonly string[] => [...grantable(words)].sort(byCodeUnit);

/** One grant option for all of a level: a star on every word, or, where it is alone, on itself. */
const grantable = (words: readonly string[]): readonly string[] => {
  const own = words.filter((word) => word !== OPTION);
  if (own.length === words.length) return own;
  return own.length === 0 ? [`${OPTION}*`] : own.map((word) => `${word}*`);
};

const lettered = (letters: string, columns: readonly string[]): readonly string[] =>
  columns.filter((_, index) => letters[index] === 'Y').map(columnWord);

const members = once((set): readonly string[] =>
  set
    .split(',')
    .filter((member) => member !== '')
    .map(setWord),
);

const setPrivileges = once((set) => privilegesOf(members(set)));

const of = ({ rows }: Tables, name: string): readonly Row[] => rows.get(name) ?? [];

const text = (value: Row[number] | undefined): string => (value === null || value === undefined ? '' : String(value));

const json = (value: Row[number] | undefined): unknown => (value === null || value === undefined ? null : JSON.parse(String(value)));

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
