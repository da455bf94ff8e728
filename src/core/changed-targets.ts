import type { Declared, Target } from '../model/declared.ts';
import type { DeclaredIam } from '../model/iam.ts';

/** What a manifest says of its targets, of the account, and of its alarms. */
export type Declarations = {
  readonly declareds: readonly Declared[];
  readonly account:
    | (Omit<Declared, 'iam'> & { readonly iam: Pick<DeclaredIam, 'roles'> & { readonly connects: readonly { readonly target: string }[] } })
    | null;
  readonly watch?: (Omit<Declared, 'alarms'> & { readonly alarms: { readonly alarms: readonly { readonly target: string }[] } }) | null;
};

/**
 * Targets of `after` that `before` does not declare alike, in the order of the manifest, account and alarms last: by what it comes to, groups,
 * profiles and guards expanded, wherever it is written. Policies and alarms name servers, so that they change with a server that moves.
 */
export const changedTargets = (before: Declarations, after: Declarations): readonly string[] => {
  const known = new Map(before.declareds.map((declared) => [declared.target.name, declared]));
  const servers = after.declareds.filter((declared) => meaning(declared) !== meaning(known.get(declared.target.name)));
  const moved = new Set(
    after.declareds.flatMap(({ target }) => (place(target) === place(known.get(target.name)?.target) ? [] : [target.name])),
  );
  const { account, watch } = after;
  const accountChanges =
    account !== null && (meaning(account) !== meaning(before.account) || account.iam.connects.some(({ target }) => moved.has(target)));
  const watchChanges = watch && (meaning(watch) !== meaning(before.watch) || watch.alarms.alarms.some(({ target }) => moved.has(target)));
  return [
    ...servers.map(({ target }) => target.name),
    ...(accountChanges ? [account.target.name] : []),
    ...(watchChanges ? [watch.target.name] : []),
  ];
};

const place = (target: Target | undefined): string => meaning(target && { endpoint: target.endpoint, rds: target.rds });

/** Text that is equal where what is declared is: without where it is written, and what is said about it. */
const meaning = (value: unknown): string =>
  JSON.stringify(value ?? null, (key, inner: unknown) => {
    if (key === 'findings' || isPosition(inner)) return undefined;
    return inner instanceof Map || inner instanceof Set ? [...inner] : inner;
  });

const isPosition = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'file' in value && 'line' in value && 'column' in value;
