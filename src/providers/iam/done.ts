import type * as Iam from '@aws-sdk/client-iam';
import type { Declared } from '../../model/declared.ts';
import { failure } from '../../model/finding.ts';
import type { Principal } from '../../model/iam.ts';
import type { Step } from '../../model/plan.ts';
import type { Connected } from './connect.ts';
import { decodeDocument, sameDocument } from './document.ts';
import { isOurs, stackOf } from './marks.ts';
import { attachedTo, orNothing, readPolicy, tagsOf } from './targeted.ts';

type Input = Readonly<Record<string, unknown>>;

/**
 * Whether the account already is as a call would make it. Something of that name that is not ours is no reason to go on, and
 * something of ours that is another is a reason to plan again: both throw a Failure.
 */
export const isDone = async (connected: Connected, step: Step, declared: Declared): Promise<boolean> => {
  const { operation, input } = step.call!;
  switch (operation) {
    case 'CreatePolicy':
      return await isPolicyMade(connected, input, declared);
    case 'CreateRole':
      return await isRoleMade(connected, input, declared);
    case 'CreatePolicyVersion': {
      const policy = await readPolicy(connected, String(input.PolicyArn));
      return policy !== null && sameDocument(policy.document, documentOf(input.PolicyDocument));
    }
    case 'DeletePolicyVersion': {
      const policy = await readPolicy(connected, String(input.PolicyArn));
      return !policy?.versions.some(({ id }) => id === input.VersionId);
    }
    case 'DeletePolicy':
      return (await readPolicy(connected, String(input.PolicyArn))) === null;
    case 'DeleteRole':
      return (await roleNow(connected, input)) === null;
    case 'UpdateAssumeRolePolicy': {
      const role = await roleNow(connected, input);
      return role !== null && sameDocument(documentOf(role.AssumeRolePolicyDocument), documentOf(input.PolicyDocument));
    }
  }
  const holder = /^(Attach|Detach)(Role|User|Group)Policy$/.exec(operation);
  return holder ? await isHeld(connected, input, holder[2]!, holder[1] === 'Attach') : false;
};

const documentOf = (text: unknown): unknown => decodeDocument(String(text)).document;

const isPolicyMade = async (connected: Connected, input: Input, declared: Declared): Promise<boolean> => {
  const { partition, account } = connected;
  const policy = await readPolicy(connected, `arn:${partition}:iam::${account}:policy${input.Path}${input.PolicyName}`);
  if (policy === null) return false;
  if (!isOurs(policy, declared)) throw notOurs('policy', String(input.PolicyName));
  if (!sameDocument(policy.document, documentOf(input.PolicyDocument))) throw changed('policy', String(input.PolicyName));
  return true;
};

const isRoleMade = async (connected: Connected, input: Input, { stack }: Declared): Promise<boolean> => {
  const role = await roleNow(connected, input);
  if (role === null) return false;
  if (stackOf({ tags: tagsOf(role.Tags) }) !== stack) throw notOurs('role', String(input.RoleName));
  if (!sameDocument(documentOf(role.AssumeRolePolicyDocument), documentOf(input.AssumeRolePolicyDocument)))
    throw changed('role', String(input.RoleName));
  return true;
};

const roleNow = async ({ call }: Connected, { RoleName }: Input): Promise<Iam.Role | null> =>
  await orNothing(async () => ((await call('GetRole', { RoleName })) as Iam.GetRoleCommandOutput).Role!);

const isHeld = async (connected: Connected, input: Input, word: string, wanted: boolean): Promise<boolean> => {
  const principal = { kind: word.toLowerCase() as Principal['kind'], name: String(input[`${word}Name`]) };
  const attached = await orNothing(() => attachedTo(connected, principal));
  return attached === null ? !wanted : attached.includes(String(input.PolicyArn)) === wanted;
};

const notOurs = (kind: string, name: string) =>
  failure('iam/not-ours', `${kind} '${name}' exists, made by somebody else meanwhile: it is left alone`, {
    hint: 'delete it, or choose another name, and plan again',
  });

const changed = (kind: string, name: string) =>
  failure('iam/changed-meanwhile', `${kind} '${name}' was made by another run meanwhile, and is not the same`, {
    hint: 'plan again',
  });
