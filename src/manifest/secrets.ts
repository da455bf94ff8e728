import type { Checks } from './checks.ts';
import type { Path } from './content.ts';
import { referenceOf } from './password.ts';
import { pathText } from './shape.ts';

/** References `${…}` stand where a password is looked up and nowhere else, and a password is never written itself. */
export const checkSecrets = ({ report }: Checks, value: unknown): void => {
  const path: (string | number)[] = [];
  const visit = (part: unknown): void => {
    if (typeof part === 'string') checkText(part, path, report);
    else if (Array.isArray(part)) for (const [index, item] of part.entries()) inside(index, item);
    else if (typeof part === 'object' && part !== null) {
      for (const key of Object.keys(part)) {
        if (key.includes('${')) report('reference', `a key holds '\${', which only passwords may`, [...path, key], {}, 'key');
        inside(key, (part as Record<string, unknown>)[key]);
      }
    }
  };
  const inside = (step: string | number, part: unknown): void => {
    path.push(step);
    visit(part);
    path.pop();
  };
  visit(value);
};

const FORMS = '${env:NAME} or ${secret:ARN} or ${secret:ARN#key}';

/** No message repeats what is written: it may be a password. */
const checkText = (text: string, path: Path, report: Checks['report']): void => {
  if (isPassword(path)) {
    if (referenceOf(text)) return;
    const { found, hint } = misread(text);
    report('password', `'${pathText(path)}' is ${found}, expected ${FORMS}`, [...path], { hint });
  } else if (text.includes('${') && !isPolicyVariable(text, path)) {
    report('reference', `'${pathText(path)}' holds '\${', which only passwords may`, [...path], { hint: 'write the value itself' });
  }
};

/** What somebody may have meant. */
const misread = (text: string): { readonly found: string; readonly hint: string } => {
  if (/^\$\{secret:/.test(text)) {
    if (!/^\$\{secret:arn:/.test(text))
      return {
        found: 'a secret without its ARN',
        hint: 'write the ARN that this prints: aws secretsmanager describe-secret --query ARN --secret-id NAME',
      };
    if (/^\$\{secret:[^#]*:secret:[^#:]+:/.test(text))
      return { found: 'a secret with more after its name', hint: "a key of the secret stands after '#', and the current version is read" };
    return {
      found: 'no ARN of a secret',
      hint: 'it is like arn:aws:secretsmanager:eu-west-1:123456789012:secret:NAME-6RANDOM, without wildcards',
    };
  }
  return {
    found: text === '' ? 'empty' : text.includes('${') ? 'no reference that is understood' : 'written out',
    hint: 'put the password into the environment or a secret, never into the manifest',
  };
};

const isPassword = (path: Path): boolean => {
  const [section, , key, , inner] = path;
  if (section === 'targets') return path.length === 4 && key === 'login' && path[3] === 'password';
  if (section !== 'users') return false;
  return (path.length === 3 && key === 'password') || (path.length === 5 && key === 'targets' && inner === 'password');
};

/** In a trust policy `${aws:…}` is a variable of IAM. */
const isPolicyVariable = (text: string, [section, , , trust, policy]: Path): boolean =>
  section === 'iam' && trust === 'trust' && policy === 'policy' && !/\$\{(env|secret):/.test(text);
