import type * as Iam from '@aws-sdk/client-iam';
import type { Declared } from '../../model/declared.ts';
import { type Principal, principalKey } from '../../model/iam.ts';
import { distinct } from '../../model/key.ts';
import { codeOf } from '../aws-trouble.ts';
import { each } from '../lanes.ts';
import type { Connected } from './connect.ts';
import { decodeDocument } from './document.ts';
import { declaredPrincipals } from './logins.ts';
import type { IamIdentity, ManagedPolicy, Snapshot } from './snapshot.ts';

/** All items of a list that comes in pages. */
export const listAll = async <Item>(
  { call }: Connected,
  operation: string,
  input: Readonly<Record<string, unknown>>,
  itemsOf: (page: never) => readonly Item[] | undefined,
): Promise<Item[]> => {
  const items: Item[] = [];
  for (let marker: string | undefined; ; ) {
    const page = (await call(operation, { ...input, ...(marker === undefined ? {} : { Marker: marker }) })) as {
      readonly IsTruncated?: boolean;
      readonly Marker?: string;
    };
    items.push(...(itemsOf(page as never) ?? []));
    marker = page.IsTruncated ? page.Marker : undefined;
    if (marker === undefined) return items;
  }
};

type Unread = Snapshot['unread'][number];

/** Where the whole account may not be read: the declared identities, those that have a policy of ours, and our policies. */
export const readPart = async (connected: Connected, declared: Declared): Promise<Pick<Snapshot, 'identities' | 'policies' | 'unread'>> => {
  const path = declared.iam!.path;
  const listed = await listAll(
    connected,
    'ListPolicies',
    { Scope: 'Local', PathPrefix: path },
    (page: Iam.ListPoliciesCommandOutput) => page.Policies,
  );
  const own = await each(listed, ({ Arn = '' }) => readPolicy(connected, Arn));
  const holders = await each(own, (policy) => (policy ? holdersOf(connected, policy.arn) : Promise.resolve([])));
  const wanted = new Map([...declaredPrincipals(declared), ...holders.flat()].map((principal) => [principalKey(principal), principal]));
  const known = new Map(own.flatMap((policy) => (policy ? [[policy.arn, policy] as const] : [])));
  return await readPrincipals(connected, [...wanted.values()], known);
};

/** Identities with all that they have: their groups, and the policies of both. `known`: policies that are read already. */
export const readPrincipals = async (
  connected: Connected,
  principals: readonly Principal[],
  known: ReadonlyMap<string, ManagedPolicy> = new Map(),
): Promise<Pick<Snapshot, 'identities' | 'policies' | 'unread'>> => {
  const unread: Unread[] = [];
  const identities = new Map<string, IamIdentity>();
  const read = async (some: readonly Principal[]) => {
    for (const one of await each(some, (principal) => readIdentity(connected, principal, unread))) {
      if (one) identities.set(principalKey(one), one);
    }
  };
  await read(principals);
  const groups = distinct([...identities.values()].flatMap((one) => one.groups)).filter((name) => !identities.has(`group/${name}`));
  await read(groups.map((name) => ({ kind: 'group', name })));
  const policies = new Map(known);
  const others = distinct([...identities.values()].flatMap(({ attached, boundary }) => [...attached, ...(boundary ? [boundary] : [])]));
  const foreign = await each(
    others.filter((arn) => !policies.has(arn)),
    (arn) => attempt(() => readPolicy(connected, arn), `policy '${arn}'`, unread),
  );
  for (const policy of foreign) if (policy) policies.set(policy.arn, policy);
  return { identities, policies, unread };
};

/** What may not be read is noted, and null. */
const attempt = async <T>(read: () => Promise<T | null>, what: string, unread: Unread[]): Promise<T | null> => {
  try {
    return await read();
  } catch (error) {
    if (codeOf(error) !== 'AccessDenied') throw error;
    const reason = (error as Error).message.replace(/^target '[^']*': /, '');
    unread.push({ what, reason });
    return null;
  }
};

/** null: there is no such thing. */
export const orNothing = async <T>(read: () => Promise<T>): Promise<T | null> => {
  try {
    return await read();
  } catch (error) {
    if (codeOf(error) === 'NoSuchEntity') return null;
    throw error;
  }
};

/** A managed policy with its default version's document. */
export const readPolicy = async (connected: Connected, arn: string): Promise<ManagedPolicy | null> =>
  await orNothing(async () => {
    const { Policy = {} } = (await connected.call('GetPolicy', { PolicyArn: arn })) as Iam.GetPolicyCommandOutput;
    const input = { PolicyArn: arn, VersionId: Policy.DefaultVersionId };
    const { PolicyVersion } = (await connected.call('GetPolicyVersion', input)) as Iam.GetPolicyVersionCommandOutput;
    const versions = isAws(arn)
      ? [PolicyVersion ?? {}]
      : await listAll(connected, 'ListPolicyVersions', { PolicyArn: arn }, (page: Iam.ListPolicyVersionsCommandOutput) => page.Versions);
    return {
      name: Policy.PolicyName ?? '',
      path: Policy.Path ?? '/',
      arn,
      document: decodeDocument(PolicyVersion?.Document ?? '').document,
      versions: versionsOf(versions),
      attachments: Policy.AttachmentCount ?? 0,
      tags: tagsOf(Policy.Tags),
    };
  });

/** AWS's own policies belong to no account. */
export const isAws = (arn: string): boolean => /^arn:[\w-]+:iam::aws:/.test(arn);

/** Oldest first: versions are numbered, v2 before v10. */
export const versionsOf = (versions: readonly Iam.PolicyVersion[]): ManagedPolicy['versions'] =>
  versions
    .map(({ VersionId: id = '', IsDefaultVersion }) => ({ id, isDefault: IsDefaultVersion === true }))
    .sort((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)));

/** Tags as a map. */
export const tagsOf = (tags: readonly Iam.Tag[] | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));

/** Who has a policy. */
export const holdersOf = async (connected: Connected, arn: string): Promise<Principal[]> =>
  await listAll(connected, 'ListEntitiesForPolicy', { PolicyArn: arn }, (page: Iam.ListEntitiesForPolicyCommandOutput) => [
    ...(page.PolicyRoles ?? []).map(({ RoleName: name = '' }): Principal => ({ kind: 'role', name })),
    ...(page.PolicyUsers ?? []).map(({ UserName: name = '' }): Principal => ({ kind: 'user', name })),
    ...(page.PolicyGroups ?? []).map(({ GroupName: name = '' }): Principal => ({ kind: 'group', name })),
  ]);

/** The words of the API for each kind. */
const WORDS = { role: 'Role', user: 'User', group: 'Group' } as const;

/** One identity with all that it may do by itself; null where there is none, or it may not be read. */
const readIdentity = async (connected: Connected, principal: Principal, unread: Unread[]): Promise<IamIdentity | null> =>
  await attempt(() => orNothing(() => wholeIdentity(connected, principal)), `'${principalKey(principal)}'`, unread);

export const wholeIdentity = async (connected: Connected, { kind, name }: Principal): Promise<IamIdentity> => {
  const word = WORDS[kind];
  const who = { [`${word}Name`]: name };
  const own = (await connected.call(`Get${word}`, kind === 'group' ? { ...who, MaxItems: 1 } : who)) as Iam.GetRoleCommandOutput &
    Iam.GetUserCommandOutput &
    Iam.GetGroupCommandOutput;
  const found = own[word]! as Iam.Role & Iam.User & Iam.Group;
  return {
    kind,
    name,
    path: found.Path ?? '/',
    arn: found.Arn ?? '',
    id: found[`${word}Id`] ?? '',
    inline: await inlineOf(connected, word, who),
    attached: await attachedTo(connected, { kind, name }),
    boundary: found.PermissionsBoundary?.PermissionsBoundaryArn ?? null,
    groups: kind === 'user' ? await groupsOf(connected, name) : [],
    trust: found.AssumeRolePolicyDocument === undefined ? null : decodeDocument(found.AssumeRolePolicyDocument).document,
    ...roleOptions(found),
    tags: tagsOf(found.Tags),
  };
};

/** What only GetRole tells. */
export const roleOptions = (role: Iam.Role): Pick<IamIdentity, 'description' | 'maxSessionSeconds'> => ({
  description: role.Description ?? '',
  maxSessionSeconds: role.MaxSessionDuration ?? null,
});

/** ARNs of managed policies of an identity. */
export const attachedTo = async (connected: Connected, { kind, name }: Principal): Promise<string[]> => {
  const word = WORDS[kind];
  type Page = Iam.ListAttachedRolePoliciesCommandOutput;
  const attached = await listAll(
    connected,
    `ListAttached${word}Policies`,
    { [`${word}Name`]: name },
    (page: Page) => page.AttachedPolicies,
  );
  return attached.map(({ PolicyArn = '' }) => PolicyArn);
};

const inlineOf = async (connected: Connected, word: string, who: Readonly<Record<string, string>>): Promise<IamIdentity['inline']> => {
  const names = await listAll(connected, `List${word}Policies`, who, (page: Iam.ListRolePoliciesCommandOutput) => page.PolicyNames);
  return await each(names, async (name) => {
    const { PolicyDocument = '' } = (await connected.call(`Get${word}Policy`, {
      ...who,
      PolicyName: name,
    })) as Iam.GetRolePolicyCommandOutput;
    return { name, document: decodeDocument(PolicyDocument).document };
  });
};

const groupsOf = async (connected: Connected, name: string): Promise<string[]> => {
  const groups = await listAll(
    connected,
    'ListGroupsForUser',
    { UserName: name },
    (page: Iam.ListGroupsForUserCommandOutput) => page.Groups,
  );
  return groups.map(({ GroupName = '' }) => GroupName);
};
