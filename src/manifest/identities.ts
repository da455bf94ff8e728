import type { DeclaredRole } from '../model/declared.ts';
import { type Principal, principalKey } from '../model/iam.ts';
import { byCodeUnit } from '../model/key.ts';
import { accountOf } from './account.ts';
import type { TargetEntry } from './content.ts';
import { placeText } from './merge.ts';
import { readPrincipal } from './principal.ts';
import { regionOf } from './target.ts';
import type { Context, View } from './view.ts';

/** How the role proves who it is; a group does not log in. */
export const authOf = ({ kind, entry }: View): DeclaredRole['auth'] => (kind === 'group' ? 'none' : (entry.auth ?? 'password'));

/** Whether the user's clients come with a token: to the server, or to a proxy in front of it. */
const comesByToken = (view: View): boolean => view.kind === 'user' && (authOf(view) === 'iam' || viaOf(view) !== 'direct');

/** How the clients of the user come. */
export const viaOf = ({ entry }: View): DeclaredRole['via'] => entry.via ?? 'direct';

/** The identities that may log in as the user on the target, in order, with their places in its list; none where no token is taken. */
export const principalsOf = (view: View): readonly { readonly principal: Principal; readonly index: number }[] =>
  comesByToken(view)
    ? (view.entry.principals ?? [])
        .flatMap((text, index) => {
          const named = readPrincipal(text);
          return 'problem' in named ? [] : [{ principal: named.principal, index }];
        })
        .sort((a, b) => byCodeUnit(principalKey(a.principal), principalKey(b.principal)))
    : [];

/** Who may log in as the user through IAM, and by which way. */
export const checkIdentities = (view: View, context: Context): void => {
  if (view.kind !== 'user') return;
  checkList(view, context);
  checkVia(view, context);
  if (comesByToken(view)) checkName(view, context);
  else checkUnused(view, context);
  if (comesByToken(view) && (view.entry.principals ?? []).length > 0) checkPlace(view, context);
};

const checkList = (view: View, { report }: Context): void => {
  const seen = new Set<string>();
  for (const [index, text] of (view.entry.principals ?? []).entries()) {
    const path = [...view.path('principals'), index];
    const named = readPrincipal(text);
    if ('problem' in named) {
      report('principal', `principal '${text}' of '${view.name}' ${named.problem}`, path, { hint: named.hint });
      continue;
    }
    const key = principalKey(named.principal);
    if (seen.has(key)) report('declared-twice', `principal '${key}' is listed twice for '${view.name}'`, path);
    seen.add(key);
  }
};

/** One user of a server logs in by one means: the proxy by its own, or the clients by IAM. */
const checkVia = (view: View, { entry, target, report }: Context): void => {
  const via = viaOf(view);
  const auth = authOf(view);
  const [path, part] = view.entry.via === undefined ? ([view.top, 'key'] as const) : ([view.path('via'), 'value'] as const);
  if (via === 'proxy-secret' && auth !== 'password') {
    const message = `'${view.name}' has 'via: proxy-secret' and 'auth: ${auth}': the proxy logs in with a password, which it then does not have`;
    report('via', message, path, { hint: 'write auth: password or via: proxy-iam, or declare a user of its own for the proxy' }, part);
  } else if (via === 'proxy-iam' && auth !== 'iam') {
    const message = `'${view.name}' has 'via: proxy-iam' and 'auth: ${auth}': the proxy logs in by IAM`;
    report('via', message, path, { hint: 'write auth: iam or via: proxy-secret' }, part);
  } else if (via !== 'direct' && !isProxy(entry) && (entry.proxies ?? []).length === 0) {
    const message = `'${view.name}' has 'via: ${via}', and target '${target}' names no proxy`;
    report('via', message, path, { hint: `add proxies: [NAME] to target '${target}'` }, part);
  } else if (via === 'direct' && auth === 'iam' && isProxy(entry)) {
    const message = `'${view.name}' has 'auth: iam', and target '${target}' is a proxy: how that logs in as '${view.name}' is not said`;
    report('via', message, path, { hint: 'write via: proxy-iam, or via: proxy-secret with auth: password' }, part);
  }
};

/** The target is a proxy itself, not a server. */
const isProxy = ({ rds, endpoint }: TargetEntry): boolean =>
  rds?.proxy !== undefined || (typeof endpoint === 'object' && endpoint.resource_id?.startsWith('prx-') === true);

const checkUnused = (view: View, { report }: Context): void => {
  const { principals = [] } = view.entry;
  // What is written for one target alone may leave the principals to the others.
  if (principals.length === 0 || (view.overridden('auth') && !view.overridden('principals'))) return;
  const message = `'${view.name}' has principals and 'auth: ${authOf(view)}': IAM would let them in, and the server would not`;
  report('auth', message, view.path('principals'), { hint: 'write auth: iam; or via: proxy-secret where an RDS Proxy logs in' }, 'key');
};

/** In the name of a resource `*` and `?` are patterns, `$` begins a variable and `/` a part. */
const checkName = (view: View, { report }: Context): void => {
  const { name } = view;
  const sign = /[*?$/]/.exec(name)?.[0] ?? (/[^ -ÿ]/.exec(name) && (view.entry.principals ?? []).length > 0 ? 'other' : undefined);
  if (sign === undefined) return;
  const what = sign === 'other' ? 'has characters that no policy takes' : `has a '${sign}', which means more than itself in a policy`;
  report(
    'name',
    `user '${name}' ${what}: it cannot log in by IAM`,
    view.top,
    { hint: 'rename it, with renamed_from, or write auth: password' },
    'key',
  );
};

/** A policy names the server by its resource id, or nothing can be allowed. What `env` is, only a run knows. */
const checkPlace = (view: View, { content, entry: { endpoint }, target, report, at }: Context): void => {
  if (typeof endpoint !== 'object') return;
  const { account = accountOf(content), resource_id } = endpoint;
  const known = { region: regionOf(endpoint), account, resource_id };
  const missing = (['region', 'account', 'resource_id'] as const).filter((key) => known[key] === undefined);
  if (missing.length === 0) return;
  const message = `target '${target}' has no ${missing.join(' and no ')}: no policy can let the principals of '${view.name}' (${placeText(at(view.top, 'key'))}) in`;
  const hint = `write rds: { cluster: NAME, region: REGION } instead, or add ${missing.join(' and ')} to the endpoint`;
  report('place', message, ['targets', target, 'endpoint'], { hint }, 'key');
};
