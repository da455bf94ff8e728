import type { ObjectKind } from '../model/access.ts';
import type { DatabaseEngine, Part } from '../model/declared.ts';
import { principalKey } from '../model/iam.ts';
import { PRIVILEGES } from '../model/privilege.ts';
import { type Expectation, OWN, type Probe } from '../model/proof.ts';
import { literalName, parseSelector } from './address.ts';
import type { Checks } from './checks.ts';
import type { ExpectEntry, Manifest, Path } from './content.ts';
import { authOf, principalsOf, viaOf } from './identities.ts';
import { didYouMean } from './near.ts';
import { managed } from './objects.ts';
import { referenceOf } from './password.ts';
import { readPrincipal } from './principal.ts';
import { type Context, isOn, onlyDatabase, type View, validated, viewsOn } from './view.ts';

/** Who is expected to do what: the users are declared, the words are the engine's, and nothing contradicts itself. */
export const checkExpect = (checks: Checks): void => {
  if (!checks.content.expect) return;
  for (const context of checks.contexts) {
    for (const { entry, index, expectation, view } of readOn(context)) warnOf(entry, index, expectation, view, checks);
  }
};

/** The expectations of these targets, in the order of the manifest. */
export const expectationsOf = (manifest: Manifest, targets: readonly string[]): readonly Expectation[] =>
  targets
    .flatMap((name) => readOn(validated(manifest, name, manifest.content.targets[name]!)))
    .sort((a, b) => a.index - b.index)
    .map(({ expectation }) => expectation);

type Read = {
  readonly entry: ExpectEntry;
  readonly index: number;
  readonly expectation: Expectation;
  readonly view: View | undefined;
};

/** Entries for the target; what is wrong is reported. */
const readOn = (context: Context): readonly Read[] => {
  const { content, target } = context;
  const here = [...(content.expect ?? []).entries()].filter(
    ([, entry]) => entry && isOn(content, entry.target === undefined ? undefined : [entry.target], target),
  );
  if (here.length === 0) return [];
  const views = new Map(viewsOn(content, target).map((view) => [view.name, view]));
  return here.map(([index, entry]) => ({
    entry,
    index,
    view: views.get(entry.user),
    expectation: expectationOf(entry, index, views, context),
  }));
};

const expectationOf = (entry: ExpectEntry, index: number, views: ReadonlyMap<string, View>, context: Context): Expectation => {
  const { target, content, at } = context;
  const path: Path = ['expect', index];
  const view = views.get(entry.user);
  const removed = content.removed?.[entry.user];
  checkUser(entry, path, view, views, context);
  const as = asOf(entry, path, context);
  const probes = [...probesOf(entry, 'can', path, context), ...probesOf(entry, 'cannot', path, context)];
  const login = loginOf(entry, path, context);
  const auth = view ? authOf(view) : 'none';
  const by = as !== null || auth === 'iam' ? 'iam' : 'password';
  const password = by === 'password' && view?.entry.password !== undefined ? referenceOf(view.entry.password) : undefined;
  return {
    target,
    user: entry.user,
    as,
    by,
    ...(password ? { password } : {}),
    proxied: view !== undefined && viaOf(view) !== 'direct' && !isProxy(context),
    database: databaseOf(entry, probes, path, context),
    login: login.expected,
    probes,
    removed: removed !== undefined && isOn(content, removed.targets, target),
    source: at(path),
    loginSource: at(login.path),
  };
};

const isProxy = ({ entry: { rds, endpoint } }: Context): boolean =>
  rds?.proxy !== undefined || (typeof endpoint === 'object' && endpoint.resource_id?.startsWith('prx-') === true);

/** Somebody that the manifest knows on this target: declared, removed, or existing. */
const checkUser = (
  { user }: ExpectEntry,
  path: Path,
  view: View | undefined,
  views: ReadonlyMap<string, View>,
  { content, target, has, report }: Context,
): void => {
  const place = [...path, 'user'];
  if (view?.kind === 'group') {
    report('expect', `'${user}' is a group, and groups do not log in`, place, { hint: 'name a user that is in it' });
    return;
  }
  const removed = content.removed?.[user];
  if (view || content.existing?.includes(user) || (removed && isOn(content, removed.targets, target))) return;
  const elsewhere = content.users?.[user] ?? removed;
  if (elsewhere) {
    const hint = { hint: `add '${target}' to its targets, or name another target` };
    if (elsewhere.targets !== undefined) report('unknown-user', `user '${user}' is not on target '${target}'`, place, hint);
    return;
  }
  if (has('users', user) || has('groups', user) || has('removed', user)) return;
  const near = didYouMean(user, [
    ...[...views.values()].flatMap(({ kind, name }) => (kind === 'user' ? [name] : [])),
    ...(content.existing ?? []),
  ]);
  report(
    'unknown-user',
    `user '${user}' is expected something of, and nothing declares it`,
    place,
    near.hint ? near : { hint: "declare it, or list it under 'existing' when it lives on the server" },
  );
};

const asOf = ({ as }: ExpectEntry, path: Path, { report }: Context): Expectation['as'] => {
  if (as === undefined) return null;
  const named = readPrincipal(as);
  if ('problem' in named) {
    report('principal', `principal '${as}' ${named.problem}`, [...path, 'as'], { hint: named.hint });
    return null;
  }
  if (named.principal.kind === 'group')
    report('principal', `'${as}' is a group, and groups do not log in`, [...path, 'as'], { hint: 'name a user that is in it' });
  return { ...named.principal, ...(as.startsWith('arn:') ? { arn: as } : {}) };
};

/** `login:`, or the word among what can and cannot be done. */
const loginOf = (
  { login, can = [], cannot = [] }: ExpectEntry,
  path: Path,
  { report }: Context,
): { readonly expected: Expectation['login']; readonly path: Path } => {
  const [allowed, denied] = [can.findIndex(isLogin), cannot.findIndex(isLogin)];
  const said: (readonly [Expectation['login'], Path])[] = [
    ...(login === undefined ? [] : [[login, [...path, 'login']] as const]),
    ...(allowed < 0 ? [] : [['allowed', [...path, 'can', allowed]] as const]),
    ...(denied < 0 ? [] : [['denied', [...path, 'cannot', denied]] as const]),
  ];
  const [first = ['allowed', path] as const] = said;
  const other = said.find(([expected]) => expected !== first[0]);
  if (other) report('expect', `the login is expected to be ${first[0]} and to be ${other[0]}`, other[1]);
  const more = [...can, ...cannot].filter((text) => !isLogin(text));
  if (!other && first[0] === 'denied' && more.length > 0)
    report('expect', `the login is expected to be denied: whether it can '${more[0]}' cannot be tried`, first[1], {
      hint: "leave 'can' and 'cannot' out, or write an entry of its own",
    });
  return { expected: first[0], path: first[1] };
};

const isLogin = (text: string): boolean => /^\s*login\s*$/i.test(text);

const probesOf = (entry: ExpectEntry, key: 'can' | 'cannot', path: Path, context: Context): readonly Probe[] =>
  (entry[key] ?? []).flatMap((text, index) => {
    if (isLogin(text)) return [];
    const place = [...path, key, index];
    const read = readProbe(text, place, context);
    return read ? [{ text: text.trim(), can: key === 'can', ...read, source: context.at(place) }] : [];
  });

/** How SQL calls the kinds of object before their names. */
const KEYWORDS: Readonly<Record<string, ObjectKind>> = {
  table: 'table',
  view: 'table',
  sequence: 'sequence',
  function: 'routine',
  procedure: 'routine',
  routine: 'routine',
  type: 'type',
  domain: 'type',
  schema: 'schema',
  database: 'database',
  language: 'language',
  'foreign data wrapper': 'foreign_data_wrapper',
  'foreign server': 'foreign_server',
  tablespace: 'tablespace',
  'large object': 'large_object',
  parameter: 'parameter',
};
const KEYWORD = new RegExp(`^(${Object.keys(KEYWORDS).join('|').replaceAll(' ', '\\s+')})\\s+(.+)$`, 'is');
const PROBE = /^\s*([a-z]+(?:\s+(?!on\s)[a-z]+)*)\s*(?:\(([^()]*)\))?\s+on\s+(.+?)\s*$/is;

const FORM = 'PRIVILEGE on OBJECT, own on OBJECT, or login';
const WITHIN_SCHEMA: ReadonlySet<ObjectKind> = new Set(['table', 'sequence', 'routine', 'type']);

type Tried = Pick<Probe, 'privilege' | 'kind' | 'schema' | 'name' | 'columns'>;

/** `insert on public.orders`, `update (status) on public.tickets`, `usage on schema public`, `own on function s.f(integer)`. */
const readProbe = (text: string, place: Path, context: Context): Tried | undefined => {
  const { report } = context;
  const found = PROBE.exec(text);
  if (!found) {
    const hint = didYouMean(text.trim(), ['login']);
    report('expect', `'${text}' is none of ${FORM}`, place, hint.hint ? hint : { hint: 'such as: insert on public.orders' });
    return undefined;
  }
  const privilege = wordOf(found[1]!);
  const columns = (found[2] ?? '').split(',').flatMap((name) => (name.trim() === '' ? [] : [columnOf(name.trim())]));
  const [, keyword, named] = KEYWORD.exec(found[3]!) ?? [];
  const selector = named ?? found[3]!;
  const said = keyword === undefined ? undefined : KEYWORDS[keyword.toLowerCase().replace(/\s+/g, ' ')]!;
  const parts = partsOf(selector, said, privilege, place, context);
  if (!parts) return undefined;
  const kind = said ?? (context.entry.engine === 'postgres' ? kindOf(privilege, selector, parts.length) : null);
  if (!knows(privilege, columns.length > 0 ? 'column' : kind, context.entry.engine, text, place, context)) return undefined;
  if (columns.length > 0 && kind !== 'table') {
    report('expect', `'${text}': columns are of tables`, place);
    return undefined;
  }
  const expected = kind === null || WITHIN_SCHEMA.has(kind) ? 2 : 1;
  if (parts.length !== expected && context.entry.engine === 'postgres') {
    const form = expected === 2 ? 'schema.object' : `${(kind ?? 'object').replaceAll('_', ' ')} NAME`;
    const hint =
      parts.length > expected && expected === 2 ? { hint: `the database is written beside it: database: ${parts[0]!.text}` } : {};
    report('selector', `'${selector}' has ${parts.length} part${parts.length > 1 ? 's' : ''}, expected the form ${form}`, place, hint);
    return undefined;
  }
  if (kind === 'database' && !managed(parts[0]!, place, context)) return undefined;
  return { privilege, kind, schema: parts.length > 1 ? parts[0]! : null, name: parts.at(-1)!, columns };
};

const SYNONYMS: Readonly<Record<string, string>> = { TEMP: 'TEMPORARY' };

const wordOf = (written: string): string => {
  const upper = written.trim().replace(/\s+/g, ' ').toUpperCase();
  return SYNONYMS[upper] ?? upper;
};

const columnOf = (name: string): string => /^"((?:[^"]|"")+)"$/.exec(name)?.[1]?.replaceAll('""', '"') ?? name;

const partsOf = (
  selector: string,
  said: ObjectKind | undefined,
  privilege: string,
  place: Path,
  { report }: Context,
): readonly Part[] | undefined => {
  if (said === 'parameter' || PARAMETER.has(privilege)) return [{ text: selector, literal: true }];
  const address = parseSelector(selector, said === 'routine' || privilege === 'EXECUTE' || selector.endsWith(')'));
  if (!('problem' in address)) return address.parts;
  report('selector', `selector '${selector}': ${address.problem}`, place);
  return undefined;
};

const PARAMETER = new Set(['SET', 'ALTER SYSTEM']);

/** The kind that a privilege is usually meant for; null: a sequence or a type, whichever it is. */
const kindOf = (privilege: string, selector: string, parts: number): ObjectKind | null => {
  if (privilege === 'CONNECT' || privilege === 'TEMPORARY') return 'database';
  if (PARAMETER.has(privilege)) return 'parameter';
  if (privilege === 'EXECUTE' || selector.endsWith(')')) return 'routine';
  if (privilege === 'CREATE' || (parts === 1 && (privilege === 'USAGE' || privilege === OWN))) return 'schema';
  return privilege === 'USAGE' ? null : 'table';
};

/** Words of other engines than PostgreSQL are their provider's. */
const knows = (
  privilege: string,
  kind: ObjectKind | null,
  engine: DatabaseEngine,
  text: string,
  place: Path,
  { report }: Context,
): boolean => {
  if (engine !== 'postgres' || (privilege === OWN && kind !== 'column' && kind !== 'parameter')) return true;
  const known = (kind === null ? ['USAGE'] : PRIVILEGES[kind].map(({ word }) => word)) as readonly string[];
  if (known.includes(privilege)) return true;
  const every = [...new Set(Object.values(PRIVILEGES).flatMap((words) => words.map(({ word }) => word)))];
  const near = every.includes(privilege) ? {} : didYouMean(privilege, [...known, ...every, OWN]);
  const what = kind === null ? 'sequence or type' : kind.replaceAll('_', ' ');
  report(
    'unknown-privilege',
    `'${text}': privilege '${privilege}' is unknown for ${what}s, expected one of ${known.join(', ')}`,
    place,
    near,
  );
  return false;
};

/** The database to log in to: written, the only one that is managed, or null where nothing in one is tried. */
const databaseOf = (entry: ExpectEntry, probes: readonly Probe[], path: Path, context: Context): string | null => {
  const { target, report } = context;
  if (context.entry.engine !== 'postgres') {
    if (entry.database !== undefined)
      report('database', `'database' is for PostgreSQL, and target '${target}' is ${context.entry.engine}`, [...path, 'database'], {
        hint: 'MySQL addresses are schema.object',
      });
    return null;
  }
  if (entry.database !== undefined) {
    const place = [...path, 'database'];
    const address = parseSelector(entry.database);
    const name = 'problem' in address || address.parts.length > 1 ? undefined : literalName(address.parts[0]!);
    if (name === undefined)
      report('selector', `'${entry.database}' is no database: one is logged in to`, place, {
        hint: `a name with a dot is written '"${entry.database}"'`,
      });
    else managed({ text: name, literal: true }, place, context);
    return name ?? null;
  }
  const inside = probes.some(({ kind }) => kind === null || !SHARED.has(kind));
  const only = onlyDatabase(context.entry);
  if (inside && only === undefined)
    report(
      'database',
      `no 'database' is given, and target '${target}' manages ${context.entry.databases ? 'several' : 'every one'}`,
      path,
      {
        hint: 'add database: NAME',
      },
    );
  return inside || probes.length === 0 ? (only ?? null) : null;
};

const SHARED: ReadonlySet<ObjectKind> = new Set(['database', 'tablespace', 'parameter']);

/** What the manifest itself says otherwise, before anybody logs in. */
const warnOf = ({ as: written }: ExpectEntry, index: number, expectation: Expectation, view: View | undefined, { warn }: Checks): void => {
  const { as, user, login } = expectation;
  const path: Path = ['expect', index, written === undefined ? 'user' : 'as'];
  if (view === undefined || view.kind !== 'user') return;
  if (login === 'allowed' && view.entry.enabled === false)
    warn('expect', `'${user}' is expected to log in, and its login is closed in the manifest`, path);
  else if (as === null) return;
  else if (login === 'allowed' && authOf(view) !== 'iam' && viaOf(view) === 'direct')
    warn('expect', `'${user}' is expected to log in by IAM, and has auth: ${authOf(view)}`, path, { hint: "leave 'as' out" });
  else {
    const named = principalsOf(view).some(({ principal }) => principalKey(principal) === principalKey(as));
    const groups = principalsOf(view).some(({ principal }) => principal.kind === 'group');
    if (login === 'allowed' && !named && !(as.kind === 'user' && groups))
      warn('expect', `'${principalKey(as)}' is expected to log in as '${user}', and is none of its principals`, path, {
        hint: `add it to the principals of '${user}'`,
      });
    if (login === 'denied' && named && view.entry.enabled !== false)
      warn('expect', `'${principalKey(as)}' is expected to be denied, and is a principal of '${user}'`, path);
  }
};
