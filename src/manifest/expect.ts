import type { ObjectKind } from '../model/access.ts';
import { principalKey } from '../model/iam.ts';
import type { Expectation, Probe } from '../model/proof.ts';
import { literalName, parseSelector } from './address.ts';
import type { Checks } from './checks.ts';
import type { ExpectEntry, Manifest, Path } from './content.ts';
import { authOf, principalsOf, viaOf } from './identities.ts';
import { didYouMean } from './near.ts';
import { managed } from './objects.ts';
import { referenceOf } from './password.ts';
import { readPrincipal } from './principal.ts';
import { readProbe } from './probe.ts';
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
  const password =
    by === 'password' && view?.entry.password !== undefined ? referenceOf(view.entry.password, at(view.path('password'))) : undefined;
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
