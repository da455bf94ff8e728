import type { Principal } from '../model/iam.ts';

/** An identity as the manifest names it; `account` where it is a full ARN. Or what is wrong with it, and the way out. */
export type Named = { readonly principal: Principal; readonly account?: string } | { readonly problem: string; readonly hint: string };

const ARN = /^arn:aws[a-z-]*:iam::(\d{12}):(role|user|group)\/((?:[!-~]+\/)?)([^/]+)$/;
const SHORT = /^(role|user|group)\/([^/]+)$/;
/** IAM's letters for names. */
const LETTERS = /^[A-Za-z0-9_+=,.@-]+$/;
const LONGEST = { role: 64, user: 64, group: 128 };

/** Reads `role/NAME`, `user/NAME`, `group/NAME` or an ARN of one of them. */
export const readPrincipal = (text: string): Named => {
  if (/[*?]/.test(text))
    return { problem: 'is a pattern, expected one identity', hint: 'name each of them, or a group/NAME that users are in' };
  const session = /^arn:[^:]*:sts::\d*:assumed-role\/([^/]*)/.exec(text);
  if (session) return reserved(session[1]!, '') ?? { problem: 'is a session of a role', hint: `name the role: role/${session[1]}` };
  if (/^(root|\d{12}|arn:[^:]*:iam::\d*:root)$/.test(text))
    return { problem: 'means a whole account, expected one identity', hint: 'name a role, user or group of the account' };
  const arn = ARN.exec(text);
  if (arn) return identity(arn[2]!, arn[4]!, arn[3]!, arn[1]);
  const short = SHORT.exec(text);
  if (short) return identity(short[1]!, short[2]!, '');
  const path = /^(role|user|group)\/(.*\/)([^/]+)$/.exec(text);
  if (path)
    return reserved(path[3]!, path[2]!) ?? { problem: 'has a path', hint: `names are unique in an account: write ${path[1]}/${path[3]}` };
  const hint = LETTERS.test(text) ? `write role/${text}, user/${text} or group/${text}` : 'such as role/orders-api';
  return { problem: 'is no principal, expected role/NAME, user/NAME, group/NAME or the ARN of one', hint };
};

const identity = (word: string, name: string, path: string, account?: string): Named => {
  const kind = word as Principal['kind'];
  const taken = reserved(name, path);
  if (taken) return taken;
  const problem = nameProblem(name, LONGEST[kind]);
  if (problem) return { problem, hint: 'check the name in the IAM console' };
  return { principal: { kind, name }, ...(account === undefined ? {} : { account }) };
};

/** What IAM does not take as the name of a role, user, group or policy. */
export const nameProblem = (name: string, longest: number): string | undefined => {
  if (!LETTERS.test(name)) return 'has characters that no name in IAM has, expected letters, digits and _+=,.@-';
  return name.length > longest ? `has a name of ${name.length} characters, expected at most ${longest}` : undefined;
};

/** Roles that AWS keeps to itself: nothing can be attached to them from the account. */
export const reserved = (name: string, path: string): { readonly problem: string; readonly hint: string } | undefined => {
  if (/^AWSReservedSSO_/i.test(name) || path.startsWith('aws-reserved/'))
    return {
      problem: 'belongs to IAM Identity Center, and nobody else may change it',
      hint: 'name a role of your own that its sessions may assume, or reference a customer managed policy in its permission set',
    };
  if (/^AWSServiceRoleFor/i.test(name) || path.startsWith('aws-service-role/'))
    return {
      problem: 'is linked to a service of AWS, which alone may change it',
      hint: 'give the service a role of your own, under iam.roles, and name that',
    };
  return undefined;
};
