import { type Attachment, type DeclaredIam, type Policy, type PolicyEntry, principalKey } from '../../model/iam.ts';

/** Whether a line of the policy of a principal (`role/NAME`) is there only because nobody took it away when its `until` had passed. */
export type IsExpired = (principal: string, entry: PolicyEntry) => boolean;

export const expiryOf = ({ connects, expired }: DeclaredIam): IsExpired => {
  const keyOf = (principal: string, login: string): string => `${principal}\0${login}`;
  const keysOf = (logins: DeclaredIam['expired']) =>
    new Set(logins.map(({ principal, target, user }) => keyOf(principalKey(principal), `${target}/${user}`)));
  const [lasting, past] = [keysOf(connects), keysOf(expired)];
  return (principal, { login }) => {
    const key = keyOf(principal, login ?? '');
    return past.has(key) && !lasting.has(key);
  };
};

/**
 * Policies as they are, but for what has expired: one that has nothing else goes. What somebody else wrote into a policy would go with
 * any other version of it, so that one waits for an apply of everything.
 */
export const withoutExpired = (policies: Iterable<Policy>, isExpired: IsExpired): readonly Policy[] =>
  [...policies].flatMap((policy) => {
    if (policy.foreign !== null) return [policy];
    const entries = policy.entries.filter((entry) => !isExpired(policy.principal, entry));
    if (entries.length === policy.entries.length) return [policy];
    return entries.length === 0 ? [] : [{ ...policy, entries }];
  });

/** What a policy loses has expired, all of it, and nothing else becomes of it. `after` undefined: it goes. */
export const isExpiry = (before: Policy | undefined, after: Policy | undefined, isExpired: IsExpired): boolean => {
  if (before === undefined || before.foreign !== null) return false;
  const [held, kept] = [before, after].map((policy) => new Set(policy?.entries.map(({ arn }) => arn)));
  const lost = before.entries.filter(({ arn }) => !kept!.has(arn));
  const gains = [...kept!].some((arn) => !held!.has(arn));
  return lost.length > 0 && !gains && lost.every((entry) => isExpired(before.principal, entry));
};

/** Attachments of policies that are still there. */
export const stillAttached = (
  attachments: ReadonlyMap<string, Attachment>,
  policies: ReadonlyMap<string, Policy>,
): ReadonlyMap<string, Attachment> => new Map([...attachments].filter(([, { policy }]) => policies.has(policy)));
