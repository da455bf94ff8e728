import type * as Iam from '@aws-sdk/client-iam';
import type { Declared } from '../../model/declared.ts';
import { codeOf } from '../aws-trouble.ts';
import { each } from '../lanes.ts';
import type { Inspection } from '../provider.ts';
import { type Connected, connect } from './connect.ts';
import { decodeDocument } from './document.ts';
import { presume } from './presumed.ts';
import type { IamIdentity, ManagedPolicy, Quotas, RawDocument, Snapshot } from './snapshot.ts';
import { isAws, readPart, roleOptions, tagsOf, versionsOf } from './targeted.ts';

/** Reads the account once: whole where that is permitted, else the declared identities and our own policies. */
export const inspect = async ({ declared, timeouts }: Inspection): Promise<Snapshot> => {
  const connected = await connect(declared, timeouts);
  try {
    return await inspectWithin(connected, declared);
  } finally {
    connected.close();
  }
};

/** The same on clients that are there. */
const inspectWithin = async (connected: Connected, declared: Declared): Promise<Snapshot> => {
  const { partition, account, caller } = connected;
  const [details, quotas] = await Promise.all([wholeAccount(connected), readQuotas(connected)]);
  const base = { partition, account, caller, quotas };
  if (!details) return { ...base, whole: false, ...(await readPart(connected, declared)) };
  const unread: { what: string; reason: string }[] = [];
  const read = documentReader(unread);
  const policies = details
    .flatMap(({ Policies = [] }) => Policies)
    .filter(({ Arn = '', AttachmentCount = 0 }) => !isAws(Arn) || AttachmentCount > 0)
    .map((detail) => policyOf(detail, read));
  const identities = await withOptions(
    connected,
    declared,
    details.flatMap((page) => identitiesOf(page, read)),
  );
  return await withTags(connected, declared, {
    ...base,
    whole: true,
    identities: new Map(identities.map((one) => [`${one.kind}/${one.name}`, one])),
    policies: new Map(policies.map((policy) => [policy.arn, policy])),
    unread,
  });
};

type Details = Iam.GetAccountAuthorizationDetailsCommandOutput;

/**
 * Every page of the account, null where that may not be read. AWS's own policies come with it, as far as anybody here has them:
 * who is administrator can log in as anybody. A page may be short and not the last.
 */
const wholeAccount = async ({ call }: Connected): Promise<readonly Details[] | null> => {
  const pages: Details[] = [];
  const filter = ['User', 'Role', 'Group', 'LocalManagedPolicy', 'AWSManagedPolicy'];
  for (let marker: string | undefined; ; ) {
    try {
      const input = { Filter: filter, MaxItems: 1000, ...(marker === undefined ? {} : { Marker: marker }) };
      const page = (await call('GetAccountAuthorizationDetails', input)) as Details;
      pages.push(page);
      marker = page.IsTruncated ? page.Marker : undefined;
    } catch (error) {
      if (codeOf(error) === 'AccessDenied') return null;
      throw error;
    }
    if (marker === undefined) return pages;
  }
};

/**
 * The details of an account hold no tags of policies, which say whose they are: they are asked for where something of ours would
 * change. Without them nothing can be planned.
 */
const withTags = async (connected: Connected, declared: Declared, snapshot: Snapshot): Promise<Snapshot> => {
  const { presumed, ask } = presume(snapshot, declared);
  const asked = await each(ask, async (arn): Promise<[string, ManagedPolicy]> => {
    const { Tags } = (await connected.call('ListPolicyTags', { PolicyArn: arn })) as Iam.ListPolicyTagsCommandOutput;
    return [arn, { ...snapshot.policies.get(arn)!, tags: tagsOf(Tags) }];
  });
  return { ...presumed, policies: new Map([...presumed.policies, ...asked]) };
};

/** Nor do they hold description and session length of roles: asked for where the manifest says them. */
const withOptions = async (connected: Connected, { iam }: Declared, identities: readonly IamIdentity[]): Promise<IamIdentity[]> => {
  const declared = new Set(iam?.roles.map(({ name }) => name));
  return await each(identities, async (one) => {
    if (one.kind !== 'role' || !declared.has(one.name)) return one;
    const { Role } = (await connected.call('GetRole', { RoleName: one.name })) as Iam.GetRoleCommandOutput;
    return Role ? { ...one, ...roleOptions(Role) } : one;
  });
};

/** Documented defaults (IAM User Guide, "IAM and AWS STS quotas"): the live ones may be higher. */
const DEFAULTS: Quotas = {
  policySize: 6_144,
  versionsPerPolicy: 5,
  attachedPerRole: 10,
  attachedPerUser: 10,
  attachedPerGroup: 10,
  policies: null,
};

const readQuotas = async ({ call }: Connected): Promise<Quotas> => {
  try {
    const { SummaryMap: live = {} } = (await call('GetAccountSummary', {})) as Iam.GetAccountSummaryCommandOutput;
    const quota = (name: string, otherwise: number): number => live[name as keyof typeof live] ?? otherwise;
    const limit = quota('PoliciesQuota', 0);
    return {
      policySize: quota('PolicySizeQuota', DEFAULTS.policySize),
      versionsPerPolicy: quota('VersionsPerPolicyQuota', DEFAULTS.versionsPerPolicy),
      attachedPerRole: quota('AttachedPoliciesPerRoleQuota', DEFAULTS.attachedPerRole),
      attachedPerUser: quota('AttachedPoliciesPerUserQuota', DEFAULTS.attachedPerUser),
      attachedPerGroup: quota('AttachedPoliciesPerGroupQuota', DEFAULTS.attachedPerGroup),
      policies: limit > 0 ? { used: quota('Policies', 0), limit } : null,
    };
  } catch (error) {
    if (codeOf(error) === 'AccessDenied') return DEFAULTS;
    throw error;
  }
};

type Read = (text: string | undefined, what: string) => RawDocument | null;

const documentReader =
  (unread: { what: string; reason: string }[]): Read =>
  (text, what) => {
    if (text === undefined) return null;
    const { document, reason } = decodeDocument(text);
    if (reason !== null) unread.push({ what, reason });
    return document;
  };

const policyOf = (detail: Iam.ManagedPolicyDetail, read: Read): ManagedPolicy => {
  const { PolicyName: name = '', Arn: arn = '', PolicyVersionList: versions = [] } = detail;
  return {
    name,
    path: detail.Path ?? '/',
    arn,
    document: read(versions.find(({ IsDefaultVersion }) => IsDefaultVersion)?.Document, `policy '${name}'`),
    versions: versionsOf(versions),
    attachments: detail.AttachmentCount ?? 0,
    tags: {},
  };
};

const identitiesOf = (page: Details, read: Read): IamIdentity[] => [
  ...(page.RoleDetailList ?? []).map((role): IamIdentity => {
    const name = role.RoleName ?? '';
    return {
      ...identity('role', name, role, role.RoleId, role.RolePolicyList, read),
      boundary: role.PermissionsBoundary?.PermissionsBoundaryArn ?? null,
      trust: read(role.AssumeRolePolicyDocument, `the trust policy of 'role/${name}'`),
      tags: tagsOf(role.Tags),
    };
  }),
  ...(page.UserDetailList ?? []).map(
    (user): IamIdentity => ({
      ...identity('user', user.UserName ?? '', user, user.UserId, user.UserPolicyList, read),
      boundary: user.PermissionsBoundary?.PermissionsBoundaryArn ?? null,
      groups: user.GroupList ?? [],
      tags: tagsOf(user.Tags),
    }),
  ),
  ...(page.GroupDetailList ?? []).map((group) =>
    identity('group', group.GroupName ?? '', group, group.GroupId, group.GroupPolicyList, read),
  ),
];

type Detail = {
  readonly Path?: string | undefined;
  readonly Arn?: string | undefined;
  readonly AttachedManagedPolicies?: readonly Iam.AttachedPolicy[] | undefined;
};

/** What all three kinds have in common. The account's details hold neither description nor session length of a role. */
const identity = (
  kind: IamIdentity['kind'],
  name: string,
  { Path, Arn, AttachedManagedPolicies = [] }: Detail,
  id: string | undefined,
  inline: readonly Iam.PolicyDetail[] | undefined,
  read: Read,
): IamIdentity => ({
  kind,
  name,
  path: Path ?? '/',
  arn: Arn ?? '',
  id: id ?? '',
  inline: (inline ?? []).map(({ PolicyName = '', PolicyDocument }) => ({
    name: PolicyName,
    document: read(PolicyDocument, `inline policy '${PolicyName}' of '${kind}/${name}'`),
  })),
  attached: AttachedManagedPolicies.map(({ PolicyArn = '' }) => PolicyArn),
  boundary: null,
  groups: [],
  trust: null,
  description: '',
  maxSessionSeconds: null,
  tags: {},
});
