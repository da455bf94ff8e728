import { byCodeUnit } from '../../model/key.ts';
import type { Flavour } from '../../model/privilege-mysql.ts';
import { requireText } from '../../model/require.ts';
import type { AccountOptions } from '../../model/state.ts';
import { isReserved } from './catalog.ts';
import { accessWords, columnWord, isIamPlugin, isPasswordPlugin } from './flavour.ts';
import type { SnapshotAccount } from './snapshot.ts';

/** One row as the driver gives it. */
export type Row = readonly (string | number | null)[];
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

/** An account with what other parts of the snapshot say of it. */
export type ReadAccount = {
  readonly user: string;
  readonly host: string;
  readonly traits: Traits;
  /** SUPER, SYSTEM_USER or an account of the server or of RDS. */
  readonly system: boolean;
};

/** What accounts may have alike. */
type Traits = {
  readonly account: Omit<SnapshotAccount, 'name' | 'user' | 'host' | 'system'>;
  /** Static privileges at `*.*`, the grant option among them. */
  readonly words: readonly string[];
  readonly restrictions: readonly { readonly schema: string; readonly privileges: readonly string[] }[];
  readonly defaultRole: string | null;
};

/** The rows of mysql.user or mysql.global_priv. Ten thousand accounts are of a dozen kinds, each of which is thought about once. */
export const accountsOf = (tables: Tables): readonly ReadAccount[] => {
  const powerful = new Set(of(tables, 'dynamic').flatMap(([user, host, word]) => (word === 'SYSTEM_USER' ? [`${user}@${host}`] : [])));
  const isMysql = tables.flavour === 'mysql';
  const traitsOf = once((values) => (isMysql ? mysqlTraits(tables, values.split('\0')) : mariadbTraits(tables, values)));
  return of(tables, 'accounts').map(([name, at, values]) => {
    const [user, host] = [text(name), text(at)];
    const traits = traitsOf(isMysql ? text(values) : text(values).replace(CHANGED, '"password_last_changed": 0'));
    return { user, host, traits, system: isReserved(user) || traits.words.includes('SUPER') || powerful.has(`${user}@${host}`) };
  });
};

/** MariaDB's note of when a password was changed: no two accounts would be alike. */
const CHANGED = /"password_last_changed": ?\d+/;

/** Of the values of MYSQL_ACCOUNTS. */
const mysqlTraits = (tables: Tables, values: readonly string[]): Traits => {
  const [letters, plugin, stored, locked, expired, lifetime, ssl, subject, issuer, cipher] = values;
  const [questions, updates, connections, perUser] = values.slice(10, 14).map(Number) as [number, number, number, number];
  const metadata = json(values[14]) as { comment?: unknown; rolecall?: unknown } | null;
  const locking = json(values[16]) as { failed_login_attempts?: number; password_lock_time_days?: number } | null;
  const { comment, rolecall, ...others } = metadata ?? {};
  const isLocked = locked === 'Y';
  return {
    account: {
      kind: isLocked && expired === 'Y' && stored === '' ? 'role' : 'user',
      locked: isLocked,
      options: {
        ...authenticationOf(plugin!, stored!, isLocked),
        require: required(ssl!, { subject: subject!, issuer: issuer!, cipher: cipher! }),
        queriesPerHour: questions,
        updatesPerHour: updates,
        connectionsPerHour: connections,
        passwordExpireDays: lifetime === '' ? null : Number(lifetime),
        ...(tables.version >= 80_019
          ? { failedLoginAttempts: locking?.failed_login_attempts ?? 0, passwordLockDays: locking?.password_lock_time_days ?? 0 }
          : {}),
      },
      connectionLimit: perUser,
      comment: typeof comment === 'string' ? comment : null,
      mark: rolecall === undefined ? null : JSON.stringify(rolecall),
      attributes: Object.keys(others).length > 0,
    },
    words: lettered(letters!, tables.columns.user),
    restrictions: restrictionsOf(values[15]),
    defaultRole: null,
  };
};

const restrictionsOf = (value: string | undefined): Traits['restrictions'] =>
  ((json(value) ?? []) as readonly { Database: string; Privileges: readonly string[] }[]).map(({ Database, Privileges }) => ({
    schema: Database,
    privileges: Privileges.map((word) => word.toUpperCase()).sort(byCodeUnit),
  }));

/** What is read of the column Priv of global_priv, which is JSON. */
type Priv = {
  readonly plugin?: string;
  /** '', 'RDS', or 'set' for any other */
  readonly authentication_string?: string;
  readonly auth_or?: readonly { readonly plugin?: string }[];
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

/** Of the column of MARIADB_ACCOUNTS. The mask is taken as text: it has more bits than a number of JSON. */
const mariadbTraits = (tables: Tables, column: string): Traits => {
  const [, mask = '0'] = /"access": ?(\d+)/.exec(column) ?? [];
  const priv = (json(column) ?? {}) as Priv;
  const locked = Boolean(priv.account_locked);
  const others = (priv.auth_or ?? []).flatMap((way) => way.plugin ?? []);
  const plugin = [...others, priv.plugin || 'mysql_native_password'].join(' OR ');
  return {
    account: {
      kind: priv.is_role ? 'role' : 'user',
      locked,
      options: {
        ...(priv.is_role ? { auth: 'none' as const } : authenticationOf(plugin, priv.authentication_string ?? '', locked)),
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
    },
    words: accessWords(mask, tables.version),
    restrictions: [],
    defaultRole: priv.default_role || null,
  };
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

/** The same function, that thinks about each text once: a hundred thousand rows name a thousand accounts, and hold a dozen sets. */
export const once = <T>(compute: (text: string) => T): ((text: string) => T) => {
  const known = new Map<string, T>();
  return (text) => {
    const answer = known.get(text);
    if (answer !== undefined) return answer;
    known.set(text, compute(text));
    return known.get(text)!;
  };
};

/** The words of the columns whose letter is Y. */
export const lettered = (letters: string, columns: readonly string[]): readonly string[] =>
  columns.filter((_, index) => letters[index] === 'Y').map(columnWord);

/** The rows of a query; none where it was not asked. */
export const of = ({ rows }: Tables, name: string): readonly Row[] => rows.get(name) ?? [];

/** A value as text, null as none. */
export const text = (value: Row[number] | undefined): string => (value === null || value === undefined ? '' : String(value));

const json = (value: string | undefined): unknown => (value === undefined || value === '' ? null : JSON.parse(value));
