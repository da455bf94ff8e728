import type { Reference } from '../model/declared.ts';

/** The password that a secret's text holds, or why there is none in it. No word of the text is ever part of what is told. */
export type SecretValue = { readonly value: string } | { readonly slug: string; readonly problem: string; readonly hint: string };

/** What a reference stands for in the text of its secret; null: the secret holds bytes. */
export const secretValue = (text: string | null, { key }: Pick<Reference, 'key'>): SecretValue => {
  if (text === null) return wrong('binary', 'holds binary data, and a password is text', 'store it as text, as SecretString');
  if (key === undefined) return wholeOf(text);
  const fields = objectIn(text);
  if (fields === undefined) return wrong('not-json', `is no JSON object, and '#${key}' asks for a key of one`, `leave '#${key}' out`);
  if (!Object.hasOwn(fields, key)) return wrong('no-key', `has no key '${key}'`, `name another key after '#', or add it; ${RDS}`);
  const value = fields[key];
  if (typeof value !== 'string')
    return wrong('not-text', `has ${kindOf(value)} at '${key}', expected a string`, `write it in quotes there`);
  return checked(value, `is empty at '${key}'`);
};

const RDS = "RDS writes 'username' and 'password'";

const wrong = (slug: string, problem: string, hint: string): SecretValue => ({ slug, problem, hint });

/** Whoever stores an object hardly means all of it. */
const wholeOf = (text: string): SecretValue =>
  objectIn(text) === undefined
    ? checked(text, 'is empty')
    : wrong('whole-json', 'is a JSON object, and no key of it is named', `write \${secret:ARN#KEY}; ${RDS}`);

/** No server takes a NUL in a password, and an empty one would take the password away. */
const checked = (value: string, empty: string): SecretValue => {
  if (value === '') return wrong('empty', empty, 'store the password there');
  if (value.includes('\0')) return wrong('nul', 'holds a NUL character, which no password can', 'store another password there');
  return { value };
};

/** The parser's own words would quote the text. */
const objectIn = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
};

const kindOf = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
};
