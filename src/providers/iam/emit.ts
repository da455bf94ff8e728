import { type IamRole, type Policy, type Principal, principalKey } from '../../model/iam.ts';
import { byCodeUnit } from '../../model/key.ts';
import { connectDocument } from './document.ts';

/** A file to hand over. `path`: relative, with `/`. */
export type EmittedFile = { readonly path: string; readonly text: string };

/** What we would make, for a team whose IAM lives elsewhere: each document as JSON, and all of it as Terraform. Sorted by path. */
export const emitFiles = (policies: readonly Policy[], roles: readonly IamRole[]): readonly EmittedFile[] => {
  const byName = <T extends { readonly name: string }>(items: readonly T[]): readonly T[] =>
    [...items].sort((a, b) => byCodeUnit(a.name, b.name));
  return [
    ...policies.map((policy) => ({ path: `policies/${policy.name}.json`, text: json(connectDocument(policy.entries)) })),
    ...roles.map(({ name, trust }) => ({ path: `roles/${name}.trust.json`, text: json(JSON.parse(trust)) })),
    { path: 'rolecall.tf', text: terraform(byName(policies), byName(roles)) },
  ].sort((a, b) => byCodeUnit(a.path, b.path));
};

/** A value as an expression of HCL; `${` and `%{`, which HCL would evaluate, are written so that they stand for themselves. */
export const hcl = (value: unknown, indent = ''): string => {
  const deeper = `${indent}  `;
  if (typeof value === 'string') return hclString(value);
  if (Array.isArray(value)) {
    return value.length === 0 ? '[]' : `[\n${value.map((item) => `${deeper}${hcl(item, deeper)},\n`).join('')}${indent}]`;
  }
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value);
  return entries.length === 0 ? '{}' : `{\n${entries.map((entry) => `${deeper}${assignment(entry, deeper)}\n`).join('')}${indent}}`;
};

const json = (document: unknown): string => `${JSON.stringify(document, null, 2)}\n`;

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const hclString = (text: string): string => {
  const escaped = text.replace(/[\\"\n\r\t]/g, (character) => ESCAPES[character]!);
  return `"${escaped.replace(/[$%](?=\{)/g, (sign) => sign + sign)}"`;
};

const assignment = ([key, value]: readonly [string, unknown], indent: string): string =>
  `${/^[A-Za-z_][\w-]*$/.test(key) ? key : hclString(key)} = ${hcl(value, indent)}`;

/** An expression as it is written: a reference or a call. */
type Expression = { readonly expression: string };

const block = (type: string, label: string, fields: Readonly<Record<string, unknown>>): string => {
  const lines = Object.entries(fields).map(([key, value]) => `  ${key} = ${isExpression(value) ? value.expression : hcl(value, '  ')}\n`);
  return `resource "${type}" "${label}" {\n${lines.join('')}}\n`;
};

const isExpression = (value: unknown): value is Expression => typeof value === 'object' && value !== null && 'expression' in value;

const jsonencode = (document: unknown): Expression => ({ expression: `jsonencode(${hcl(document, '  ')})` });

const terraform = (policies: readonly Policy[], roles: readonly IamRole[]): string => {
  const made = new Map(roles.map((role) => [principalKey({ kind: 'role', name: role.name }), label(role.name)]));
  return [
    ...roles.map((role) => block('aws_iam_role', label(role.name), roleFields(role))),
    ...policies.flatMap((policy) => [
      block('aws_iam_policy', label(policy.name), {
        name: policy.name,
        path: policy.path,
        policy: jsonencode(connectDocument(policy.entries)),
      }),
      attachment(policy, made.get(policy.principal)),
    ]),
  ].join('\n');
};

const roleFields = ({ name, path, description, maxSessionSeconds, boundary, trust, tags }: IamRole): Readonly<Record<string, unknown>> => ({
  name,
  path,
  ...(description ? { description } : {}),
  max_session_duration: maxSessionSeconds,
  ...(boundary ? { permissions_boundary: boundary } : {}),
  assume_role_policy: jsonencode(JSON.parse(trust)),
  ...(Object.keys(tags).length > 0 ? { tags } : {}),
});

/** A role that is made here is referred to, so that it is made first. */
const attachment = ({ name, principal }: Policy, role: string | undefined): string => {
  const slash = principal.indexOf('/');
  const kind = principal.slice(0, slash) as Principal['kind'];
  return block(`aws_iam_${kind}_policy_attachment`, label(name), {
    [kind]: role === undefined ? principal.slice(slash + 1) : { expression: `aws_iam_role.${role}.name` },
    policy_arn: { expression: `aws_iam_policy.${label(name)}.arn` },
  });
};

/** Labels have fewer characters than names, and IAM names are distinct without regard to case: the others are spelled out. */
const label = (name: string): string => {
  const plain = name.replace(/[^A-Za-z0-9-]/g, (character) => `_${character === '_' ? '_' : character.charCodeAt(0).toString(16)}`);
  return /^[A-Za-z_]/.test(plain) ? plain : `_${plain}`;
};
