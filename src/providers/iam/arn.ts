import { type ConnectArn, connectArn } from '../../core/aws.ts';
import type { DeclaredIam } from '../../model/iam.ts';
import { byCodeUnit } from '../../model/key.ts';
import type { Partition, Place } from '../../model/place.ts';
import { covers, isPattern } from './glob.ts';

/** A resource of `rds-db:connect` as somebody wrote it: each part may be a pattern or hold a variable. */
export type ConnectPattern = { readonly [K in keyof ConnectArn]: string };

/** What resources are judged by. */
export type Known = Pick<DeclaredIam, 'places' | 'logins'> & { readonly partition: Partition; readonly account: string };

/**
 * What a resource of `rds-db:connect` turns out to be. `right` is the ARN that was probably meant; `targets` are those that
 * it is about, sorted.
 *
 * exact, proxy: it lets one user in, to a server or a proxy in front of it · variable: who, depends on the identity ·
 * wildcard-user, wildcard-resource, everything: it lets in as more than one · wrong-…: it lets nobody in, a part is another's ·
 * identifier, member: a name, or an instance of a cluster, where the id of a resource belongs · unknown-resource: no target has
 * that id; `since`: where the user exists, which a restore leaves behind · unknown-user: no such user there · malformed: no ARN of rds-db.
 */
export type Judgement =
  | { readonly kind: 'exact' | 'proxy' | 'variable'; readonly targets: readonly string[]; readonly user: string }
  | { readonly kind: 'wildcard-user' | 'wildcard-resource' | 'everything'; readonly targets: readonly string[] }
  | {
      readonly kind: 'wrong-partition' | 'wrong-account' | 'wrong-region' | 'wrong-case' | 'identifier' | 'member';
      readonly targets: readonly string[];
      readonly right: string | null;
    }
  | { readonly kind: 'unknown-resource'; readonly targets: readonly string[]; readonly resource: string; readonly right: string | null }
  | { readonly kind: 'unknown-user'; readonly targets: readonly string[]; readonly user: string }
  | { readonly kind: 'malformed'; readonly targets: readonly string[]; readonly reason: string };

/** The parts of an ARN or pattern of rds-db; a string says why it is none. `*` and ARNs cut short stand for all that they leave open. */
export const parseConnect = (text: string): ConnectPattern | string => {
  if (text === '*') return EVERYTHING;
  const [prefix, partition = '*', service = '*', region = '*', account = '*', ...rest] = text.split(':');
  if (prefix !== 'arn') return 'it is no ARN';
  if (!covers(service.toLowerCase(), 'rds-db')) return `it is an ARN of '${service}', and rds-db:connect is about 'rds-db'`;
  const named = rest.join(':') || '*';
  const found = RESOURCE.exec(named);
  if (found) return { partition, region, account, resource: found[1]!, user: found[2]! };
  if (covers(named, 'dbuser:x/x')) return { partition, region, account, resource: '*', user: '*' };
  return `it ends in '${named}', and 'dbuser:RESOURCE-ID/USER' is expected`;
};

/** What this resource of a statement about `rds-db:connect` amounts to. */
export const judgeConnect = (text: string, known: Known): Judgement => {
  const parts = parseConnect(text);
  if (typeof parts === 'string') return { kind: 'malformed', targets: [], reason: parts };
  const { partition, account } = parts;
  if (!covers(partition.toLowerCase(), known.partition))
    return wrong('wrong-partition', text, parts, { partition: known.partition }, known);
  if (!covers(account, known.account) && !account.includes('${')) {
    return wrong('wrong-account', text, parts, { account: known.account }, known);
  }
  if (parts.resource.includes('${')) return { kind: 'variable', targets: [...known.places.keys()].sort(byCodeUnit), user: parts.user };
  if (isPattern(parts.resource)) return broad(parts, known);
  return judgeResource(parts, known);
};

/** Whether a user is itself in a resource: no pattern, no variable, and no end of a part. */
const isConnectable = (user: string): boolean => user !== '' && !/[*?$/]/.test(user);

/** A variable may have a slash in its key. */
const RESOURCE = /^dbuser:((?:\$\{[^}]*\}|\$(?!\{)|[^/$])*)\/(.*)$/s;

const EVERYTHING: ConnectPattern = { partition: '*', region: '*', account: '*', resource: '*', user: '*' };

type Candidate = { readonly target: string; readonly id: string; readonly region: string; readonly proxy: boolean };

/** Everything that a declared target can be connected to by, in the order of targets. */
const candidates = (places: ReadonlyMap<string, Place>): readonly Candidate[] =>
  [...places]
    .sort(([a], [b]) => byCodeUnit(a, b))
    .flatMap(([target, { resources, proxies, kind }]) => [
      ...resources.map(({ id, region }) => ({ target, id, region, proxy: kind === 'proxy' })),
      ...proxies.map(({ id, region }) => ({ target, id, region, proxy: true })),
    ]);

const targetsOf = (found: readonly { readonly target: string }[]): readonly string[] => [...new Set(found.map(({ target }) => target))];

const broad = ({ region, resource, user }: ConnectPattern, known: Known): Judgement => {
  const met = candidates(known.places).filter((candidate) => covers(resource, candidate.id) && covers(region, candidate.region));
  const everything = resource === '*' && user === '*';
  return { kind: everything ? 'everything' : 'wildcard-resource', targets: targetsOf(met) };
};

const judgeResource = (parts: ConnectPattern, known: Known): Judgement => {
  const all = candidates(known.places);
  const named = all.filter(({ id }) => id === parts.resource);
  if (named.length === 0) return judgeUnknown(parts, known, all);
  const here = named.filter(({ region }) => covers(parts.region, region));
  if (here.length === 0) return { kind: 'wrong-region', targets: targetsOf(named), right: corrected(parts, named[0]!, known) };
  return judgeUser(parts, known, here);
};

/** No target has that id: a name instead of it, an instance of a cluster, another case, or one that is gone. */
const judgeUnknown = (parts: ConnectPattern, known: Known, all: readonly Candidate[]): Judgement => {
  const asked = parts.resource.toLowerCase();
  const meant = (target: string): string | null => {
    const candidate = all.find((other) => other.target === target);
    return candidate ? corrected(parts, candidate, known) : null;
  };
  const alike = all.filter(({ id }) => id.toLowerCase() === asked);
  if (alike.length > 0) return { kind: 'wrong-case', targets: targetsOf(alike), right: corrected(parts, alike[0]!, known) };
  for (const [target, place] of [...known.places].sort(([a], [b]) => byCodeUnit(a, b))) {
    const members = Object.entries(place.members).flat();
    if (members.some((member) => member.toLowerCase() === asked)) return { kind: 'member', targets: [target], right: meant(target) };
    const proxy = place.proxies.find(({ name }) => name.toLowerCase() === asked);
    if (proxy) return { kind: 'identifier', targets: [target], right: corrected(parts, proxy, known) };
    if (place.identifier.toLowerCase() === asked) return { kind: 'identifier', targets: [target], right: meant(target) };
  }
  const hosts = isConnectable(parts.user)
    ? all.filter(({ target, region }) => covers(parts.region, region) && has(known, target, parts.user))
    : [];
  const left = targetsOf(hosts);
  return {
    kind: 'unknown-resource',
    targets: left,
    resource: parts.resource,
    right: left.length === 1 ? corrected(parts, hosts[0]!, known) : null,
  };
};

const judgeUser = (parts: ConnectPattern, known: Known, here: readonly Candidate[]): Judgement => {
  const { user } = parts;
  const targets = targetsOf(here);
  if (user.includes('${')) return { kind: 'variable', targets, user };
  if (isPattern(user)) return { kind: 'wildcard-user', targets };
  const logins = known.logins?.get(here[0]!.target);
  if (logins && !logins.has(user)) {
    const alike = [...logins].sort(byCodeUnit).find((login) => login.toLowerCase() === user.toLowerCase());
    if (alike === undefined) return { kind: 'unknown-user', targets, user };
    return { kind: 'wrong-case', targets, right: corrected({ ...parts, user: alike }, here[0]!, known) };
  }
  return { kind: here[0]!.proxy ? 'proxy' : 'exact', targets, user };
};

const has = ({ logins }: Known, target: string, user: string): boolean => logins?.get(target)?.has(user) ?? false;

/** Of a part that is another's: the same ARN with the account's own, where a target has that id. */
const wrong = (
  kind: 'wrong-partition' | 'wrong-account',
  text: string,
  parts: ConnectPattern,
  change: Partial<ConnectPattern>,
  known: Known,
): Judgement => {
  const met = candidates(known.places).filter(({ id }) => id === parts.resource);
  return { kind, targets: targetsOf(met), right: met[0] && text !== '*' ? corrected({ ...parts, ...change }, met[0], known) : null };
};

const corrected = (parts: ConnectPattern, { id, region }: { readonly id: string; readonly region: string }, known: Known): string =>
  connectArn({ partition: known.partition, region, account: known.account, resource: id, user: parts.user });
