import type { ChangeOf } from '../../../model/change.ts';
import type { IamRole } from '../../../model/iam.ts';
import { byCodeUnit } from '../../../model/key.ts';
import { roleTags, tagList } from '../marks.ts';
import type { Draft, Drafts } from './draft.ts';

/** An IAM role that is made, changed or deleted. Its policies go before it. */
export const roleDrafts = (change: ChangeOf<'iam_role'>, index: number, stack: string): Drafts => {
  const { before, after } = change;
  if (!after)
    return {
      opening: [],
      closing: [{ operation: 'DeleteRole', input: { RoleName: before!.name }, phase: 'drop', changes: [index] }],
    };
  return { opening: before ? alter(before, after, index) : [create(after, index, stack)], closing: [] };
};

const create = (role: IamRole, index: number, stack: string): Draft => ({
  operation: 'CreateRole',
  input: {
    RoleName: role.name,
    Path: role.path,
    AssumeRolePolicyDocument: role.trust,
    ...(role.description === '' ? {} : { Description: role.description }),
    MaxSessionDuration: role.maxSessionSeconds,
    ...(role.boundary === null ? {} : { PermissionsBoundary: role.boundary }),
    Tags: roleTags(stack, role.tags),
  },
  phase: 'create',
  changes: [index],
});

/** A boundary that comes does so before the trust is changed, one that goes after it. */
const alter = (before: IamRole, after: IamRole, index: number): Draft[] => {
  const RoleName = after.name;
  const draft = (operation: string, input: Draft['input']): Draft => ({
    operation,
    input: { RoleName, ...input },
    phase: 'alter',
    changes: [index],
  });
  const bounded = before.boundary !== after.boundary;
  const tags = Object.entries(after.tags).filter(([key, value]) => before.tags[key] !== value);
  const untagged = Object.keys(before.tags)
    .filter((key) => after.tags[key] === undefined)
    .sort(byCodeUnit);
  return [
    ...(bounded && after.boundary !== null ? [draft('PutRolePermissionsBoundary', { PermissionsBoundary: after.boundary })] : []),
    ...(before.trust === after.trust ? [] : [draft('UpdateAssumeRolePolicy', { PolicyDocument: after.trust })]),
    ...(before.description === after.description && before.maxSessionSeconds === after.maxSessionSeconds
      ? []
      : [draft('UpdateRole', { Description: after.description, MaxSessionDuration: after.maxSessionSeconds })]),
    ...(bounded && after.boundary === null ? [draft('DeleteRolePermissionsBoundary', {})] : []),
    ...(tags.length === 0 ? [] : [draft('TagRole', { Tags: tagList(Object.fromEntries(tags)) })]),
    ...(untagged.length === 0 ? [] : [draft('UntagRole', { TagKeys: untagged })]),
  ];
};
