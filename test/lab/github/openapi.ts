import fs from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

/*
 * The operations that we use, cut out of GitHub's own description of its API (npm @octokit/openapi 23.0.2, MIT), without its prose.
 * What it says is the contract: whatever is sent must be so, and whatever a stand-in answers too.
 */

type Json = Readonly<Record<string, unknown>>;
type Parameter = {
  readonly in: string;
  readonly name: string;
  readonly schema: { readonly type?: string; readonly enum?: readonly unknown[] };
};
type Operation = {
  readonly operationId: string;
  readonly parameters?: readonly (Parameter | { readonly $ref: string })[];
  readonly requestBody?: Json;
  readonly responses: Readonly<Record<string, Json>>;
};
type Description = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>; readonly components: Json };

export type Exchange = {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly status: number;
  readonly request?: unknown;
  readonly response?: unknown;
};

export type Verdict = {
  readonly operation: string | null;
  /** What is wrong with what we sent, or with how we understood the API. */
  readonly request: readonly string[];
  /** What is wrong with the answer, which is whoever's it is. */
  readonly response: readonly string[];
};

const description = JSON.parse(fs.readFileSync(new URL('./openapi.generated.json', import.meta.url), 'utf8')) as Description;
const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
ajv.addSchema({ $id: 'github', ...(withoutNullable(description) as object) });

const routes = Object.entries(description.paths).map(([path, operations]) => ({
  path,
  operations,
  // A file's path and a branch's name have slashes of their own.
  pattern: new RegExp(`^${path.replace(/\{(path|ref|basehead|branch)\}/g, '.+').replace(/\{[^}]+\}/g, '[^/]+')}$`),
}));
const compiled = new Map<string, ValidateFunction>();

/** Judges one exchange with the API. */
export const judge = ({ method, path, status, request, response }: Exchange): Verdict => {
  const url = new URL(path, 'http://github');
  const verb = method.toLowerCase();
  const route = routes.find(({ pattern, operations }) => pattern.test(url.pathname) && operations[verb] !== undefined);
  if (route === undefined) return { operation: null, request: [`${method} ${url.pathname} is not in the description`], response: [] };
  const operation = route.operations[verb]!;
  const pointer = `/paths/${escaped(route.path)}/${verb}`;
  const body =
    operation.requestBody && request !== undefined ? errorsOf(`${pointer}/requestBody/content/application~1json/schema`, request) : [];
  return {
    operation: operation.operationId,
    request: [...queryErrors(operation, url.searchParams), ...body].map((error) => `${operation.operationId}: ${error}`),
    response: responseErrors(operation, pointer, status, response).map((error) => `${operation.operationId} ${status}: ${error}`),
  };
};

const queryErrors = ({ parameters = [] }: Operation, query: URLSearchParams): string[] => {
  const known = parameters.map((parameter) => ('$ref' in parameter ? (resolved(parameter.$ref) as Parameter) : parameter));
  return [...query].flatMap(([name, value]) => {
    const parameter = known.find((one) => one.in === 'query' && one.name === name);
    if (parameter === undefined) return [`there is no query parameter '${name}'`];
    const { type, enum: choices } = parameter.schema;
    if (type === 'integer' && !/^\d+$/.test(value)) return [`'${name}' is '${value}', expected an integer`];
    return choices && !choices.includes(value) ? [`'${name}' is '${value}', expected ${choices.join(', ')}`] : [];
  });
};

const responseErrors = ({ responses }: Operation, pointer: string, status: number, response: unknown): string[] => {
  // What every operation may answer is described for none: no token, not allowed, limits, trouble.
  if ([401, 403, 429].includes(status) || status >= 500) return [];
  const found = responses[status];
  if (found === undefined) return [`a status that is not described: ${Object.keys(responses).join(', ')}`];
  const at = typeof found.$ref === 'string' ? found.$ref.slice(1) : `${pointer}/responses/${status}`;
  const content = (typeof found.$ref === 'string' ? (resolved(found.$ref) as Json) : found).content as Json | undefined;
  return content?.['application/json'] && response !== undefined ? errorsOf(`${at}/content/application~1json/schema`, response) : [];
};

const errorsOf = (pointer: string, value: unknown): string[] => {
  const validate = compiled.get(pointer) ?? ajv.compile({ $ref: `github#${pointer}` });
  compiled.set(pointer, validate);
  if (validate(value)) return [];
  const errors = (validate.errors ?? []).map(
    ({ instancePath, message = '' }) => `${instancePath.replace(/\/\d+/g, '/N') || '/'} ${message}`,
  );
  return [...new Set(errors)].slice(0, 8);
};

const escaped = (path: string): string => path.replaceAll('~', '~0').replaceAll('/', '~1');

function resolved(ref: string): unknown {
  return ref
    .slice(2)
    .split('/')
    .reduce<unknown>((value, key) => (value as Json)[key.replaceAll('~1', '/').replaceAll('~0', '~')], description);
}

/** OpenAPI 3.0 says `nullable`, which JSON Schema does not know. */
function withoutNullable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNullable);
  if (value === null || typeof value !== 'object') return value;
  const { nullable, ...rest } = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutNullable(inner)])) as Json;
  return nullable === true ? { anyOf: [rest, { type: 'null' }] } : rest;
}
