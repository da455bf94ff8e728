import type { Declared } from '../../model/declared.ts';
import { type DeclaredConnect, type DeclaredIam, type PolicyEntry, type Principal, principalKey } from '../../model/iam.ts';
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
  for (const connect of connects) {
    const key = principalKey(connect.principal);
    const list = found.get(key);
    if (list) list.push(connect);
    else found.set(key, [connect]);
  }
  return found;
};

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
