import type { Finding } from '../model/finding.ts';
import { byCodeUnit, nameKey } from '../model/key.ts';
import type { Path } from './content.ts';
import type { Merged } from './merge.ts';
import { didYouMean, nearest } from './near.ts';
import { shape, type Violation, validate } from './schema.generated.js';
import { isRecord } from './source.ts';

/** What a violation of the schema spoils: `users.jane`, or the section `users`. Later checks leave it out. */
export type Shape = { readonly findings: readonly Finding[]; readonly spoiled: ReadonlySet<string> };

/** One schema of the manifest's schema, as far as messages speak of it. */
type Schema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly patternErrorMessage?: string;
};

/** Compares the merged files with schema/manifest.schema.json. */
export const checkShape = (merged: Merged): Shape => {
  if (validate(merged.value)) return { findings: [], spoiled: new Set() };
  const violations = (validate.errors ?? []).map((violation) => ({ violation, path: pathOf(violation.instancePath, merged.value) }));
  return {
    findings: violations.map(({ violation, path }) => finding(violation, path, merged)),
    spoiled: new Set(violations.map(({ path }) => spoiledBy(path))),
  };
};

/** The key under which an entry of a section is spoiled. */
export const entryKey = (section: string, entry?: string | number): string => (entry === undefined ? section : `${section}.${entry}`);

const spoiledBy = ([section, entry]: Path): string => (section === undefined ? '' : entryKey(String(section), entry));

/** A dotted way to a value, for messages: `users.jane.groups[0]`. */
export const pathText = (path: Path): string =>
  path.map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index > 0 ? '.' : ''}${nameKey(step)}`)).join('');

const pathOf = (pointer: string, root: unknown): Path => {
  let value = root;
  return pointer
    .split('/')
    .slice(1)
    .map((token) => {
      const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
      const step = Array.isArray(value) ? Number(key) : key;
      value = (value as Record<string | number, unknown>)[step];
      return step;
    });
};

const finding = (violation: Violation, path: Path, { value, at }: Merged): Finding => {
  const error = (slug: string, message: string, hint: { readonly hint?: string } = {}, where: Path = path, part?: 'key'): Finding => ({
    severity: 'error',
    code: `manifest/${slug}`,
    message,
    ...hint,
    source: at(where, part),
  });
  const subject = path.length === 0 ? 'the manifest' : `'${pathText(path)}'`;
  const schema = schemaAt(path);
  const found = path.reduce<unknown>((inner, step) => (inner as Record<string | number, unknown>)[step], value);
  switch (violation.keyword) {
    case 'additionalProperties': {
      const key = String(violation.params.additionalProperty);
      const known = Object.keys(schema.properties ?? {});
      const near = nearest(key, known);
      const hint = near === undefined ? { hint: `known keys: ${known.sort(byCodeUnit).join(', ')}` } : { hint: `did you mean '${near}'?` };
      return error('unknown-key', `unknown key '${key}' in ${subject}`, hint, [...path, key], 'key');
    }
    case 'type':
      return error('type', `${subject} is ${kindOf(found)}, expected ${expected(schema)}`, typeHint(found, schema));
    case 'enum': {
      const words = (schema.enum ?? []).map(String);
      return error('value', `${subject} is '${String(found)}', expected ${oneOf(words)}`, didYouMean(String(found), words));
    }
    case 'required':
      return error('missing', `${subject} has no '${String(violation.params.missingProperty)}'`, {}, path, 'key');
    case 'pattern':
      return error('value', `${subject} is '${String(found)}', expected ${schema.patternErrorMessage ?? 'another form'}`);
    case 'minimum':
      return error('value', `${subject} is ${String(found)}, expected at least ${String(violation.params.limit)}`);
    case 'maximum':
      return error('value', `${subject} is ${String(found)}, expected at most ${String(violation.params.limit)}`);
    case 'minItems':
    case 'minProperties':
      return error('value', `${subject} is empty`, { hint: 'leave the key out, or write at least one' });
    default:
      throw new Error(`no message for the schema keyword '${violation.keyword}'`);
  }
};

/** There is one schema for each place: the manifest's schema has no alternatives. */
const schemaAt = (path: Path): Schema =>
  path.reduce<Schema>((schema, step) => {
    if (typeof step === 'number') return resolved(schema.items ?? {});
    const { additionalProperties: others } = schema;
    const own = Object.hasOwn(schema.properties ?? {}, step) ? schema.properties![step] : undefined;
    return resolved(own ?? (typeof others === 'object' ? others : {}));
  }, shape as Schema);

const resolved = (schema: Schema): Schema =>
  schema.$ref === undefined
    ? schema
    : (shape as { definitions: Record<string, Schema> }).definitions[schema.$ref.slice('#/definitions/'.length)]!;

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
};

const expected = ({ type }: Schema): string => oneOf([type ?? []].flat().map((name) => TYPES[name] ?? name));

const oneOf = (words: readonly string[]): string => (words.length > 2 ? `one of ${words.join(', ')}` : words.join(' or '));

const kindOf = (value: unknown): string => {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (isRecord(value)) return 'a map';
  return typeof value === 'string' ? 'text' : typeof value === 'boolean' ? 'true or false' : 'a number';
};

const typeHint = (found: unknown, { type }: Schema): { readonly hint?: string } => {
  const wanted = [type ?? []].flat();
  if (found === null) return wanted.includes('object') ? { hint: 'write {} where there is nothing to say' } : {};
  if (wanted.includes('string') && (typeof found === 'number' || typeof found === 'boolean')) return { hint: 'write it in quotes' };
  if (wanted.includes('array') && typeof found === 'string') return { hint: 'write it as a list: [ … ]' };
  return {};
};
