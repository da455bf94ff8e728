import { type Finding, isError } from '../../model/finding.ts';
import { byCodeUnit, distinct } from '../../model/key.ts';
import type { Path } from '../content.ts';
import { jsonProblem } from '../json.ts';
import { didYouMean } from '../near.ts';
import { referenceOf } from '../password.ts';
import { isRecord, parse, type Source } from '../source.ts';
import { type GroupEntry, readEntries, type Tell, type UserEntry } from './entries.ts';
import { grantedOn } from './privileges.ts';

/** What may be asked of the reading. */
export type ImportOptions = {
  /** Passwords that are written out are left out, and the manifest refers to variables; otherwise they are errors. */
  readonly allowPlaintextPasswords?: boolean;
  /** The stack, where no other file says it. */
  readonly stack?: string;
  /** Where the server is found in RDS; left out, it is that of the environment. */
  readonly rds?: { readonly region: string; readonly user: string } & Partial<Record<'cluster' | 'instance', string>>;
};

/** Whether a file is of postgres-user-manager: JSON with a list of users or groups, where a manifest has maps. */
export const isUserManager = ({ file, value }: Source): boolean =>
  file.endsWith('.json') && isRecord(value) && (Array.isArray(value.users) || Array.isArray(value.groups));

/** The JSON of a file with its positions, or where it is none. */
export const parseJson = (file: string, text: string): Source => {
  const problem = jsonProblem(text);
  if (problem === null) return parse(file, text.replace(/^\uFEFF/, ''));
  const before = text.slice(0, problem.offset).split('\n');
  const source = { file, line: before.length, column: before.at(-1)!.length + 1 };
  const finding: Finding = { severity: 'error', code: 'manifest/json', message: `not valid JSON: expected ${problem.expected}`, source };
  return { file, value: null, findings: [finding], at: () => source };
};

/**
 * postgres-user-manager's file as a source of a manifest: users, groups, and with `head` also version, stack and a target.
 * Findings point into the JSON. That tool takes nothing away, and so the target is additive.
 */
export const fromUserManager = (json: Source, head: boolean, options: ImportOptions): Source => {
  if (json.findings.length > 0) return json;
  const findings: Finding[] = [];
  const tell: Tell = (severity, slug, message, path, hint = {}, part) => {
    findings.push({ severity, code: `import/${slug}`, message, ...hint, source: json.at(path, part) });
  };
  const entries = readEntries(json.value, tell);
  if (entries === null || findings.some(isError)) return { ...json, value: null, findings };
  const groups = named(entries.groups, 'groups', ({ name }) => name, tell);
  const users = named(entries.users, 'users', ({ username }) => username, tell);
  const roles: Roles = { groups, users, variables: variablesOf(entries.users), known: !head || options.rds !== undefined, options, tell };
  const value = {
    ...(head ? headOf(json.file, entries, options, tell) : {}),
    ...existingOf(roles),
    ...section('groups', groups, (group, path) => groupOf(group, path, tell)),
    ...section('users', users, (user, path) => userOf(user, path, roles)),
  };
  return { file: json.file, value, findings, at: (path, part) => json.at(originOf(path, roles), path.length > 2 ? part : 'value') };
};

type Named<E> = ReadonlyMap<string, { readonly entry: E; readonly path: Path }>;
type Roles = {
  readonly groups: Named<GroupEntry>;
  readonly users: Named<UserEntry>;
  readonly variables: ReadonlyMap<string, string>;
  /** Whether it is said where the server is in AWS: policies need that. */
  readonly known: boolean;
  readonly options: ImportOptions;
  readonly tell: Tell;
};

/** Roles that PostgreSQL and RDS bring along are referenced, and never declared. */
const isServerRole = (name: string): boolean => /^(pg_|rds)/.test(name);

const named = <E>(entries: readonly E[], section: string, nameOf: (entry: E) => string, tell: Tell): Named<E> => {
  const known = new Map<string, { entry: E; path: Path }>();
  for (const [index, entry] of entries.entries()) {
    const [name, path] = [nameOf(entry), [section, index]];
    const first = known.get(name);
    if (first) tell('error', 'declared-twice', `'${name}' stands twice in '${section}', first as '${section}[${first.path[1]}]'`, path);
    else known.set(name, { entry, path });
  }
  return known;
};

const headOf = (
  file: string,
  { users, groups }: { readonly users: readonly UserEntry[]; readonly groups: readonly GroupEntry[] },
  { stack, rds }: ImportOptions,
  tell: Tell,
): Record<string, unknown> => {
  const stem = file.replace(/^.*[/\\]/, '').replace(/\.json$/, '');
  const name = stack ?? `postgres-user-manager/${stem.replace(/[^A-Za-z0-9_.-]/g, '-')}`;
  if (stack === undefined)
    tell('warning', 'stack', `the file does not say whose roles these are: they get the mark of stack '${name}'`, [], {
      hint: 'import it with --stack OWNER/REPOSITORY, or name a manifest with version, stack and targets beside it',
    });
  const databases = distinct([...users, ...groups.filter(({ name }) => !isServerRole(name))].flatMap((entry) => entry.databases));
  const place = rds === undefined ? { endpoint: 'env' } : { rds: placeOf(rds), login: { user: rds.user, auth: 'iam' } };
  const target = { engine: 'postgres', ...place, ...(databases.length === 0 ? {} : { databases }), manage: 'additive' };
  return { version: 1, stack: name, targets: { postgres: target }, ...(rds === undefined ? {} : { iam: accountOf(users) }) };
};

const placeOf = ({ user: _, ...place }: NonNullable<ImportOptions['rds']>): object => place;

/** The account of the first ARN; another one beside it is found where it stands. */
const accountOf = (users: readonly UserEntry[]): object => {
  const [account] = users.flatMap(({ iam_role: role }) => /^arn:[^:]*:iam::(\d{12}):/.exec(role)?.[1] ?? []);
  return account === undefined ? {} : { account };
};

/** Groups that are used and not described live on the server already: that tool would not make them. */
const existingOf = ({ groups, users, tell }: Roles): { readonly existing?: readonly string[] } => {
  const used = [...users.values()].flatMap(({ entry, path }) =>
    entry.groups.map((name, index) => ({ name, path: [...path, 'groups', index] })),
  );
  const unknown = used.filter(({ name }) => !groups.has(name) && !users.has(name) && !isServerRole(name));
  for (const { name, path } of unknown)
    tell(
      'warning',
      'existing',
      `group '${name}' is not described: it is taken for a role of the server`,
      path,
      didYouMean(name, groups.keys()),
    );
  return unknown.length === 0 ? {} : { existing: distinct(unknown.map(({ name }) => name)) };
};

const section = <E>(name: string, entries: Named<E>, convert: (entry: E, path: Path) => object | null): Record<string, unknown> => {
  const converted: Record<string, unknown> = Object.create(null);
  for (const key of [...entries.keys()].sort(byCodeUnit)) {
    const { entry, path } = entries.get(key)!;
    const role = convert(entry, path);
    if (role !== null) converted[key] = role;
  }
  return Object.keys(converted).length === 0 ? {} : { [name]: converted };
};

const groupOf = (group: GroupEntry, path: Path, tell: Tell): object | null => {
  if (isServerRole(group.name)) {
    tell('warning', 'server-role', `group '${group.name}' comes with the server: what it is granted is left alone`, path, {
      hint: 'users can be in it all the same',
    });
    return null;
  }
  return {
    ...(group.description === '' ? {} : { description: group.description }),
    ...(group.inherit ? {} : { inherit: false }),
    ...grantedOn(group, path, tell),
  };
};

const userOf = (user: UserEntry, path: Path, roles: Roles): object => {
  const iam = isIam(user, path, roles.tell);
  const groups = [...new Set(user.groups)].filter((name) => !(iam && name === 'rds_iam'));
  const limit = limitOf(user, path, roles.tell);
  return {
    ...(user.description === '' ? {} : { description: user.description }),
    auth: iam ? 'iam' : 'password',
    ...passwordOf(user, iam, path, roles),
    ...principalsOf(user, iam, path, roles),
    ...(user.enabled && user.can_login ? {} : { enabled: false }),
    ...(limit === undefined ? {} : { connection_limit: limit }),
    ...(groups.length === 0 ? {} : { groups }),
    ...grantedOn(user, path, roles.tell),
  };
};

const isIam = ({ auth_method: method }: UserEntry, path: Path, tell: Tell): boolean => {
  if (method !== '' && method !== 'iam' && method !== 'password')
    tell(
      'error',
      'value',
      `'auth_method' is '${method}', expected iam or password`,
      [...path, 'auth_method'],
      didYouMean(method, ['iam', 'password']),
    );
  return method === 'iam';
};

/** 0 is no limit there. */
const limitOf = ({ connection_limit: limit }: UserEntry, path: Path, tell: Tell): number | undefined => {
  if (limit < -1) tell('error', 'value', `'connection_limit' is ${limit}, expected at least -1`, [...path, 'connection_limit']);
  return limit > 0 ? limit : undefined;
};

/** A reference is kept. A password that is written out never gets into a manifest: a variable is named in its place. */
const passwordOf = (user: UserEntry, iam: boolean, path: Path, { variables, options, tell }: Roles): { readonly password?: string } => {
  const { password, username } = user;
  if (password === '') return {};
  const place = [...path, 'password'];
  const written = referenceOf(password) === undefined;
  if (written && !options.allowPlaintextPasswords) {
    tell('error', 'password', `the password of '${username}' is written out`, place, {
      hint: 'remove it and change it, or pass --allow-plaintext-passwords: the manifest then refers to a variable',
    });
  } else if (iam) {
    tell('warning', 'ignored', `the password of '${username}' is not used: it logs in by IAM`, place, {}, 'key');
  } else if (!written) {
    return { password };
  } else {
    const variable = variables.get(username)!;
    tell('note', 'variable', `the password of '${username}' is left out: set ${variable} to it when the user is created`, place, {}, 'key');
    return { password: `\${env:${variable}}` };
  }
  return {};
};

/** A name of a variable for each user whose password is written out: no two the same. */
const variablesOf = (users: readonly UserEntry[]): ReadonlyMap<string, string> => {
  const variables = new Map<string, string>();
  const taken = new Set<string>();
  for (const { username } of users) {
    const plain = `${username.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_PASSWORD`.replace(/^(?=\d)/, '_');
    let name = plain;
    for (let count = 2; taken.has(name); count++) name = `${plain}_${count}`;
    taken.add(name);
    variables.set(username, name);
  }
  return variables;
};

const ROLE = /^(?:arn:aws[a-z-]*:iam::\d{12}:role\/(?:[\w+=,.@-]+\/)*|(?:role\/)?)[\w+=,.@-]+$/;

/** That tool reads `iam_role` and does nothing with it; here it is who may log in. */
const principalsOf = (
  { iam_role: role, username }: UserEntry,
  iam: boolean,
  path: Path,
  { known, tell }: Roles,
): { readonly principals?: readonly string[] } => {
  if (role === '') return {};
  const place = [...path, 'iam_role'];
  if (!iam) tell('warning', 'ignored', `'iam_role' of '${username}' is not used: it logs in with a password`, place, {}, 'key');
  else if (ROLE.test(role) && !known)
    tell('warning', 'no-policy', `no policy lets '${role}' log in as '${username}': where the server is in AWS is not said`, place, {
      hint: 'import it with --cluster or --instance and --region, or name a manifest with a target of rds: beside it',
    });
  else if (ROLE.test(role)) return { principals: [/^(arn:|role\/)/.test(role) ? role : `role/${role}`] };
  else
    tell('error', 'value', `'iam_role' is '${role}', expected an IAM role's ARN or name`, place, {
      hint: 'such as arn:aws:iam::123456789012:role/orders-api',
    });
  return {};
};

const KEYS: Readonly<Record<string, string>> = {
  read: 'privileges',
  write: 'privileges',
  grants: 'privileges',
  principals: 'iam_role',
  auth: 'auth_method',
};

/** Where in the JSON a part of the manifest comes from; the start of the file where nothing there says it. */
const originOf = ([section, name, key, ...rest]: Path, { groups, users }: Roles): Path => {
  const entry = section === 'users' ? users.get(String(name)) : section === 'groups' ? groups.get(String(name)) : undefined;
  if (!entry) return [];
  if (key === undefined) return [...entry.path, section === 'users' ? 'username' : 'name'];
  const own = KEYS[key];
  return own === undefined ? [...entry.path, key, ...rest] : [...entry.path, own];
};
