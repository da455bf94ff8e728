import { append } from '../../core/group.ts';
import type { Declared } from '../../model/declared.ts';
import { type DeclaredConnect, type DeclaredIam, type Policy, type PolicyEntry, type Principal, principalKey } from '../../model/iam.ts';
import { byCodeUnit } from '../../model/key.ts';

/** Principals that the manifest names, and the roles that it makes; each once, sorted. */
export const declaredPrincipals = ({ iam }: Declared): Principal[] => {
  const roles = (iam?.roles ?? []).map(({ name }): Principal => ({ kind: 'role', name }));
  const all = [...(iam?.connects ?? []).map(({ principal }) => principal), ...roles];
  return [...new Map(all.map((one) => [principalKey(one), one])).entries()].sort(([a], [b]) => byCodeUnit(a, b)).map(([, one]) => one);
};

/** What the manifest wants each principal to log in as, by `role/NAME`. */
export const connectsByPrincipal = ({ connects }: DeclaredIam): ReadonlyMap<string, readonly DeclaredConnect[]> => {
  const found = new Map<string, DeclaredConnect[]>();
  for (const connect of connects) append(found, principalKey(connect.principal), connect);
  return found;
};

/**
 * The lines of each principal's policies: what the manifest wants it to log in as, and what it has of users that are forgotten. Whoever
 * takes those over gives a line of its own first.
 */
export const linesByPrincipal = (iam: DeclaredIam, own: Iterable<Policy>, naming: Naming): ReadonlyMap<string, readonly PolicyEntry[]> => {
  const lines = new Map<string, PolicyEntry[]>();
  for (const [principal, connects] of connectsByPrincipal(iam))
    lines.set(principal, connects.flatMap(({ arns }) => arns).map(naming.entry));
  const wanted = new Set([...lines].flatMap(([principal, entries]) => entries.map(({ arn }) => `${principal} ${arn}`)));
  for (const { principal, entries } of own) {
    const kept = entries.filter((entry) => isForgotten(iam, entry) && !wanted.has(`${principal} ${entry.arn}`));
    for (const entry of kept) append(lines, principal, entry);
  }
  return lines;
};

/** Whether a line is that of a user that is forgotten. */
export const isForgotten = ({ forgotten = [] }: DeclaredIam, { login }: PolicyEntry): boolean =>
  forgotten.some(({ target, user }) => login === `${target}/${user}`);

/** Names what an ARN lets in to. */
export type Naming = {
  /** The line of a policy: `target/user`, null where no target of the manifest is meant. */
  readonly entry: (arn: string) => PolicyEntry;
  /** The target that an ARN is about. */
  readonly target: (arn: string) => string | null;
};

/** Both sides of a comparison are named by the same: what is declared, else what the id of a resource says. */
export const namingOf = ({ connects, places }: DeclaredIam): Naming => {
  const known = new Map<string, { readonly target: string; readonly user: string }>();
  const sorted = [...connects].sort((a, b) => byCodeUnit(a.target, b.target) || byCodeUnit(a.user, b.user));
  for (const { arns, target, user } of sorted) for (const arn of arns) if (!known.has(arn)) known.set(arn, { target, user });
  const targets = new Map<string, string>();
  for (const [target, place] of [...places].sort(([a], [b]) => byCodeUnit(b, a))) {
    for (const { region, id } of [...place.resources, ...place.proxies]) targets.set(`${region} ${place.account} ${id}`, target);
  }
  const find = (arn: string): { readonly target: string; readonly user: string } | null => {
    const declared = known.get(arn);
    if (declared) return declared;
    const [, region, account, id, user] = /^arn:[^:]*:rds-db:([^:]*):([^:]*):dbuser:([^/]*)\/(.*)$/s.exec(arn) ?? [];
    const target = targets.get(`${region} ${account} ${id}`);
    return target === undefined || user === undefined || /[*?$]/.test(user) ? null : { target, user };
  };
  return {
    entry: (arn) => {
      const found = find(arn);
      return { arn, login: found && `${found.target}/${found.user}` };
    },
    target: (arn) => find(arn)?.target ?? null,
  };
};
