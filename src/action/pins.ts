import type { Content, EndpointEntry, Manifest, Path, TargetEntry } from '../manifest/content.ts';
import { pathText } from '../manifest/shape.ts';
import type { Finding, Position } from '../model/finding.ts';
import { byCodeUnit, distinct } from '../model/key.ts';
import { codeSpan } from '../render/escape.ts';

/*
 * What a manifest says about where credentials go, what keeps changes back, and who hears of failed logins. Whoever opens a pull request
 * writes it, and its plan runs before anybody looked: logins and guards count as they stand on the base branch, and all of it is shown.
 */

/** A key that is not as on the base branch. `before` null: it was not there; `after` null: it is gone. Both as JSON. */
export type Pin = { readonly path: string; readonly before: string | null; readonly after: string | null; readonly source?: Position };

/** `base` null: the base branch has no manifest. `isSameFile`: whether a file of the repository is as on the base branch. */
export type Compared = {
  readonly base: Manifest | null;
  readonly head: Manifest;
  readonly isSameFile: (path: string) => boolean;
};

/** Every pinned key that differs, by path. */
export const pinsOf = ({ base, head, isSameFile }: Compared): readonly Pin[] => {
  const [before, after] = [base ? pinned(base.content) : new Map<string, Leaf>(), pinned(head.content)];
  const changed = distinct([...before.keys(), ...after.keys()]).flatMap((path): Pin[] => {
    const [was, is] = [before.get(path), after.get(path)];
    if (was?.json === is?.json) return [];
    const source = is ? head.at(is.path) : undefined;
    return [{ path, before: was?.json ?? null, after: is?.json ?? null, ...(source ? { source } : {}) }];
  });
  const files = [...after.values()].flatMap(({ path, json }): Pin[] => {
    if (path.at(-1) !== 'ca' || json === '"rds"' || isSameFile(JSON.parse(json))) return [];
    return [{ path: `${pathText(path)} (the file)`, before: json, after: json, source: head.at(path) }];
  });
  return [...changed, ...files];
};

type Leaf = { readonly path: Path; readonly json: string };

/** The pinned keys of a manifest, leaf by leaf. */
const pinned = ({ guard, iam, targets, users, groups, alarms }: Content): ReadonlyMap<string, Leaf> => {
  const leaves = new Map<string, Leaf>();
  const add = (value: unknown, path: Path): void => {
    if (value === undefined) return;
    if (value !== null && typeof value === 'object' && !Array.isArray(value))
      for (const [key, inner] of Object.entries(value)) add(inner, [...path, key]);
    else leaves.set(pathText(path), { path, json: JSON.stringify(value) });
  };
  add(guard, ['guard']);
  add(iam, ['iam']);
  for (const [name, { engine, endpoint, rds, login, proxies, manage, maintenance_database }] of Object.entries(targets))
    add({ engine, endpoint, rds, login, proxies, manage, maintenance_database }, ['targets', name]);
  // One that is raised by a million failed logins tells nobody either.
  for (const [name, { notify, source, threshold, period }] of Object.entries(alarms ?? {}))
    add({ notify, source, threshold, period }, ['alarms', name]);
  for (const [section, roles] of Object.entries({ users, groups }))
    for (const [name, { manage, password, targets: on }] of Object.entries(roles ?? {})) {
      add({ manage, password }, [section, name]);
      if (on !== undefined && !Array.isArray(on))
        for (const [target, over] of Object.entries(on))
          add({ manage: over?.manage, password: over?.password }, [section, name, 'targets', target]);
    }
  return leaves;
};

/**
 * Targets that a pull request's plan does not log in to, each with the reason: credentials go where the base branch sends them, to
 * servers whose name comes from AWS, and to hosts that the workflow allows.
 */
export const withheldOf = (compared: Compared, allowedHosts: readonly string[]): readonly Finding[] => {
  const changed = pinsOf(compared).filter(({ path }) => path.startsWith('targets.'));
  return Object.entries(compared.head.content.targets).flatMap(([name, entry]): Finding[] => {
    const own = changed.filter(({ path }) => path.startsWith(`${pathText(['targets', name])}.`));
    const known = compared.base?.content.targets[name];
    // A server that the base branch has is read by the login that the base branch names, whatever stands here (logins.ts).
    const login = pathText(['targets', name, 'login']);
    const about = own.filter(({ path }) => !path.endsWith('.manage') && !(known && path.startsWith(`${login}.`)));
    const reason =
      about.length === 0
        ? undefined
        : (redirection(entry, known ?? entry, allowedHosts) ??
          (known ? undefined : (otherSecret(entry, compared.base) ?? writes(entry, compared.base))));
    if (reason === undefined) return [];
    return [
      {
        severity: 'error',
        code: 'pin/withheld',
        message: `target '${name}' is not planned here: ${known ? `${about.map(({ path }) => path).join(', ')} ${about.length === 1 ? 'is' : 'are'} not as on the base branch` : 'the base branch does not have it'}, and ${reason}`,
        hint: 'merge that by itself first, after a look at where credentials will go',
        target: name,
        source: compared.head.at(['targets', name], 'key'),
      },
    ];
  });
};

/** Why credentials might go to somebody else; undefined: they cannot. */
const redirection = ({ endpoint, rds }: TargetEntry, { login }: TargetEntry, allowedHosts: readonly string[]): string | undefined => {
  if (rds) {
    const dialled = (['via', 'ca', 'assume_role'] as const).find((key) => rds[key] !== undefined);
    if (dialled !== undefined) return `'${dialled}' decides where its credentials go`;
    return login?.auth === 'iam' ? undefined : 'its password would be sent to it';
  }
  if (endpoint === undefined || endpoint === 'env') return 'the environment of the workflow says where it is';
  const hosts = [endpoint.host, ...(endpoint.via ? [endpoint.via.host] : [])];
  const unknown = hosts.find((host) => !allowedHosts.includes(host));
  if (unknown !== undefined) return `'allowed-hosts' does not name '${unknown}'`;
  return isVerified(endpoint) ? undefined : 'its certificate would not be verified';
};

/** Why a password could be somebody else's: whoever opens a pull request chose the secret, and whoever plans may read it. */
const otherSecret = ({ login }: TargetEntry, base: Manifest | null): string | undefined => {
  const { password = '' } = login ?? {};
  if (!password.startsWith('${secret:')) return undefined;
  const known = Object.values(base?.content.targets ?? {}).map((entry) => entry.login?.password);
  return known.includes(password) ? undefined : 'its login names a secret that no login of the base branch names';
};

/** Why reading by token could be more than reading: the plan's login is one that changes servers, and whoever opens a pull request chose it. */
const writes = ({ login }: TargetEntry, base: Manifest | null): string | undefined => {
  if (login?.auth !== 'iam') return undefined;
  if (login.plan_user === undefined) return "it names no 'plan_user' to be read by";
  const writers = [login.user, ...Object.values(base?.content.targets ?? {}).map((entry) => entry.login?.user)];
  return writers.includes(login.plan_user) ? `its 'plan_user' ${login.plan_user} is a login that changes servers` : undefined;
};

/** Own authorities are the pull request's: whoever they vouch for is nobody that the base branch knows. */
const isVerified = ({ tls = 'verify-full', ca = 'rds', host }: EndpointEntry): boolean =>
  (tls === 'verify-full' && ca === 'rds') || ['127.0.0.1', '::1', 'localhost'].includes(host);

/** The section of a comment that is never folded; '' where nothing pinned differs. */
export const pinsMarkdown = (pins: readonly Pin[]): string => {
  if (pins.length === 0) return '';
  const lines = [...pins]
    .sort((a, b) => byCodeUnit(a.path, b.path))
    .slice(0, PINS_SHOWN)
    .map((pin) => `> - ${codeSpan(pin.path)} ${whatOf(pin)}${pin.source ? ` · ${codeSpan(`${pin.source.file}:${pin.source.line}`)}` : ''}`);
  const rest = pins.length - lines.length;
  return [
    '> [!CAUTION]',
    `> **This changes ${pins.some(({ path }) => path.startsWith('alarms.')) ? 'where credentials go, what keeps changes back, or who hears of failed logins' : 'where credentials go, or what keeps changes back'}**`,
    '>',
    ...lines,
    ...(rest > 0 ? [`> - **and ${rest} more**`] : []),
  ].join('\n');
};

const PINS_SHOWN = 50;

const whatOf = ({ before, after }: Pin): string => {
  if (before === after) return 'has other content';
  if (before === null) return `is new: ${codeSpan(after ?? '')}`;
  return after === null ? `is gone, it was ${codeSpan(before)}` : `${codeSpan(before)} → ${codeSpan(after)}`;
};
