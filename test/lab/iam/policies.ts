import {
  GetGroupPolicyCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  GetUserCommand,
  GetUserPolicyCommand,
  type IAMClient,
  paginateListAttachedGroupPolicies,
  paginateListAttachedRolePolicies,
  paginateListAttachedUserPolicies,
  paginateListGroupPolicies,
  paginateListGroupsForUser,
  paginateListRolePolicies,
  paginateListUserPolicies,
  type Tag,
} from '@aws-sdk/client-iam';

/** A policy as AWS stores it; `name` says whose it is. */
export type NamedPolicy = { readonly name: string; readonly policy: unknown };

/** What IAM says about a principal at the moment of asking. */
export type Held = {
  /** Unique id: `AIDA…` or `AROA…`. */
  readonly id: string;
  readonly tags: readonly Tag[];
  readonly identity: readonly NamedPolicy[];
  /** Permissions boundary; empty: none. */
  readonly boundary: readonly NamedPolicy[];
};

/** A user's own policies and those of its groups. */
export async function userHolds(iam: IAMClient, name: string): Promise<Held> {
  const client = { client: iam };
  const { User } = await iam.send(new GetUserCommand({ UserName: name }));
  const inline = (await all(paginateListUserPolicies(client, { UserName: name }), (page) => page.PolicyNames)).map(async (policy) =>
    named(`user ${name}: ${policy}`, (await iam.send(new GetUserPolicyCommand({ UserName: name, PolicyName: policy }))).PolicyDocument),
  );
  const attached = await all(paginateListAttachedUserPolicies(client, { UserName: name }), (page) => page.AttachedPolicies);
  const groups = await all(paginateListGroupsForUser(client, { UserName: name }), (page) => page.Groups);
  const ofGroups = await Promise.all(groups.map((group) => groupHolds(iam, group.GroupName ?? '')));
  return {
    id: User?.UserId ?? '',
    tags: User?.Tags ?? [],
    identity: [...(await Promise.all([...inline, ...managed(iam, attached)])), ...ofGroups.flat()],
    boundary: await boundaryOf(iam, User?.PermissionsBoundary?.PermissionsBoundaryArn),
  };
}

/** A role's policies. */
export async function roleHolds(iam: IAMClient, name: string): Promise<Held> {
  const client = { client: iam };
  const { Role } = await iam.send(new GetRoleCommand({ RoleName: name }));
  const inline = (await all(paginateListRolePolicies(client, { RoleName: name }), (page) => page.PolicyNames)).map(async (policy) =>
    named(`role ${name}: ${policy}`, (await iam.send(new GetRolePolicyCommand({ RoleName: name, PolicyName: policy }))).PolicyDocument),
  );
  const attached = await all(paginateListAttachedRolePolicies(client, { RoleName: name }), (page) => page.AttachedPolicies);
  return {
    id: Role?.RoleId ?? '',
    tags: Role?.Tags ?? [],
    identity: await Promise.all([...inline, ...managed(iam, attached)]),
    boundary: await boundaryOf(iam, Role?.PermissionsBoundary?.PermissionsBoundaryArn),
  };
}

async function groupHolds(iam: IAMClient, name: string): Promise<readonly NamedPolicy[]> {
  const client = { client: iam };
  const inline = (await all(paginateListGroupPolicies(client, { GroupName: name }), (page) => page.PolicyNames)).map(async (policy) =>
    named(`group ${name}: ${policy}`, (await iam.send(new GetGroupPolicyCommand({ GroupName: name, PolicyName: policy }))).PolicyDocument),
  );
  const attached = await all(paginateListAttachedGroupPolicies(client, { GroupName: name }), (page) => page.AttachedPolicies);
  return await Promise.all([...inline, ...managed(iam, attached)]);
}

async function boundaryOf(iam: IAMClient, arn: string | undefined): Promise<readonly NamedPolicy[]> {
  return arn === undefined ? [] : await Promise.all(managed(iam, [{ PolicyArn: arn }]));
}

function managed(iam: IAMClient, attached: readonly { readonly PolicyArn?: string | undefined }[]): Promise<NamedPolicy>[] {
  return attached.map(async ({ PolicyArn }) => {
    const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
    const version = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: Policy?.DefaultVersionId }));
    return named(PolicyArn ?? '', version.PolicyVersion?.Document);
  });
}

/** Documents come encoded as in a URL. */
function named(name: string, document: string | undefined): NamedPolicy {
  const text = document ?? 'null';
  return { name, policy: JSON.parse(text.startsWith('%') ? decodeURIComponent(text) : text) };
}

async function all<Page, Item>(pages: AsyncIterable<Page>, items: (page: Page) => readonly Item[] | undefined): Promise<Item[]> {
  const found: Item[] = [];
  for await (const page of pages) found.push(...(items(page) ?? []));
  return found;
}
