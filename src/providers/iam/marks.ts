import type { Declared } from '../../model/declared.ts';
import type { ManagedPolicy } from './snapshot.ts';

/** Tags of what we make: whose it is, and of a policy also for whom. All else of the policy is its document. */
const STACK = 'rolecall:stack';
const PRINCIPAL = 'rolecall:principal';

/** The list of tags that IAM takes, sorted by key. */
export type TagList = readonly { readonly Key: string; readonly Value: string }[];

export const tagList = (tags: Readonly<Record<string, string>>): TagList =>
  Object.keys(tags)
    .sort()
    .map((key) => ({ Key: key, Value: tags[key]! }));

/** A comma may stand in an IAM name and not in a tag's value, a colon the other way round. */
export const policyTags = (stack: string, principal: string): TagList =>
  tagList({ [STACK]: stack, [PRINCIPAL]: principal.replaceAll(',', ':') });

/** Tags of a role of ours: those of the manifest, and our mark. */
export const roleTags = (stack: string, tags: Readonly<Record<string, string>>): TagList => tagList({ ...tags, [STACK]: stack });

/** Tags without our mark. */
export const foreignTags = (tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(tags).filter(([key]) => key !== STACK));

/** The stack whose mark something has; null: none. */
export const stackOf = ({ tags }: { readonly tags: Readonly<Record<string, string>> }): string | null => tags[STACK] ?? null;

/** Under our path, whoever made it. */
export const isUnderPath = (policy: Pick<ManagedPolicy, 'path'>, { iam }: Declared): boolean => iam !== null && policy.path === iam.path;

/** Ours: under our path, and with the mark of this stack. */
export const isOurs = (policy: ManagedPolicy, declared: Declared): boolean =>
  isUnderPath(policy, declared) && stackOf(policy) === declared.stack && principalOf(policy) !== null;

/** `role/x`: whom a policy of ours was made for. */
export const principalOf = ({ tags }: Pick<ManagedPolicy, 'tags'>): string | null => tags[PRINCIPAL]?.replaceAll(':', ',') ?? null;
