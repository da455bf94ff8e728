// AWS's own models of its APIs, as botocore ships them in the emulator's tree: what a request, an answer, an error may look like.
import fs from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { motoDir } from './moto.ts';

type Member = { readonly shape: string; readonly locationName?: string; readonly queryName?: string };

/** A type of the model; which fields it has depends on `type`. */
export type Shape = {
  readonly type: string;
  readonly members?: Readonly<Record<string, Member>>;
  readonly required?: readonly string[];
  readonly member?: Member;
  readonly key?: Member;
  readonly value?: Member;
  readonly flattened?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly error?: { readonly code?: string; readonly httpStatusCode?: number };
};

type Operation = {
  readonly input?: { readonly shape: string };
  readonly output?: { readonly shape: string; readonly resultWrapper?: string };
  readonly errors?: readonly { readonly shape: string }[];
};

/** The model of one service. */
export type Model = {
  readonly metadata: { readonly protocol: string };
  readonly operations: Readonly<Record<string, Operation>>;
  readonly shapes: Readonly<Record<string, Shape>>;
};

/** How an operation hands out its answer in parts. */
export type Paginator = {
  readonly input_token: string;
  readonly output_token: string;
  readonly limit_key?: string;
  readonly more_results?: string;
  readonly result_key: string | readonly string[];
};

/** The model of a service by its name in signatures, e.g. 'iam'; null where the fetched tree has none. */
export function modelOf(service: string): Model | null {
  return read<Model>(service, 'service-2.json');
}

/** How this operation hands out its answer in parts; undefined where it does not. */
export function paginatorOf(service: string, operation: string): Paginator | undefined {
  return read<{ pagination: Readonly<Record<string, Paginator>> }>(service, 'paginators-1.json')?.pagination[operation];
}

/** A type by its name, which the model holds. */
export function shapeOf(model: Model, name: string): Shape {
  const shape = model.shapes[name];
  if (shape === undefined) throw new Error(`AWS's model has no shape '${name}'`);
  return shape;
}

/** What is wrong with an operation's input or output by the model, one line each. */
export function check(service: string, operation: string, kind: 'input' | 'output', value: unknown): string[] {
  const model = modelOf(service);
  const modelled = model?.operations[operation];
  if (model === null || modelled === undefined) return [`${service} has no operation '${operation}'`];
  const shape = modelled[kind]?.shape;
  if (shape !== undefined) return checkShape(model, shape, value, `${operation} ${kind}`);
  const extra = Object.keys(value ?? {}).filter((name) => name !== '$metadata');
  return extra.map((name) => `${operation} ${kind}: '${name}', but there is no ${kind}`);
}

/** What is wrong with an error's code and status by the model and the errors that any operation may answer. */
export function checkError(service: string, operation: string, code: string, status: number | undefined): string[] {
  const model = modelOf(service);
  const known = (model?.operations[operation]?.errors ?? []).map(({ shape }) => ({ shape, ...model?.shapes[shape]?.error }));
  const match = known.find((error) => error.shape === code || error.code === code);
  if (match === undefined && !COMMON_ERRORS.has(code)) return [`${operation} error: '${code}', which it never answers`];
  const expected = match?.httpStatusCode;
  return expected === undefined || expected === status ? [] : [`${operation} error: '${code}' with status ${status}, not ${expected}`];
}

/** IAM API Reference, "Common Error Types", and the codes by which the Query protocol really names them. */
const COMMON_ERRORS = new Set([
  ...['AccessDenied', 'AccessDeniedException', 'ExpiredToken', 'ExpiredTokenException', 'IncompleteSignature', 'InternalFailure'],
  ...['InvalidAction', 'InvalidClientTokenId', 'MalformedHttpRequestException', 'NotAuthorized', 'OptInRequired', 'RequestExpired'],
  ...['RequestAbortedException', 'RequestEntityTooLargeException', 'RequestTimeoutException', 'ServiceUnavailable'],
  ...['SignatureDoesNotMatch', 'Throttling', 'ThrottlingException', 'UnknownOperationException', 'UnrecognizedClientException'],
  ...['ValidationError', 'InvalidParameterValue', 'InvalidParameterCombination', 'MissingParameter'],
]);

/** Services that have another name in signatures. */
const FOLDERS: Readonly<Record<string, string>> = { monitoring: 'cloudwatch' };

const cache = new Map<string, unknown>();

function read<T>(service: string, file: string): T | null {
  const folder = path.join(motoDir(), 'usr/lib/python3/dist-packages/botocore/data', FOLDERS[service] ?? service);
  const key = path.join(folder, file);
  if (!cache.has(key)) {
    const version = fs.existsSync(folder) ? fs.readdirSync(folder).sort().at(-1) : undefined;
    cache.set(key, version === undefined ? null : readJson(path.join(folder, version, file)));
  }
  return cache.get(key) as T | null;
}

function readJson(file: string): unknown {
  const text = fs.existsSync(file) ? fs.readFileSync(file) : gunzipSync(fs.readFileSync(`${file}.gz`));
  return JSON.parse(text.toString('utf8'));
}

function checkShape(model: Model, name: string, value: unknown, at: string): string[] {
  if (value === undefined || value === null) return [];
  const shape = shapeOf(model, name);
  const wrong = (what: string): string[] => [`${at}: ${what}`];
  switch (shape.type) {
    case 'structure':
      return isRecord(value) ? checkStructure(model, shape, value, at) : wrong('not an object');
    case 'map':
      if (!isRecord(value)) return wrong('not an object');
      return Object.entries(value).flatMap(([key, inner]) => checkShape(model, shape.value?.shape ?? '', inner, `${at}.${key}`));
    case 'list':
      if (!Array.isArray(value)) return wrong('not a list');
      return [
        ...size(shape, value.length, 'items').flatMap(wrong),
        ...value.flatMap((inner, index) => checkShape(model, shape.member?.shape ?? '', inner, `${at}[${index}]`)),
      ];
    case 'string':
      return (typeof value === 'string' ? text(shape, value) : ['not a string']).flatMap(wrong);
    case 'integer':
    case 'long':
      return (Number.isInteger(value) ? size(shape, Number(value), 'in value') : ['not an integer']).flatMap(wrong);
    case 'float':
    case 'double':
      return typeof value === 'number' ? [] : wrong('not a number');
    case 'boolean':
      return typeof value === 'boolean' ? [] : wrong('not a boolean');
    case 'timestamp':
      // seconds in JSON
      return (value instanceof Date && !Number.isNaN(value.getTime())) || typeof value === 'number' ? [] : wrong('not a time');
    case 'blob':
      return value instanceof Uint8Array || typeof value === 'string' ? [] : wrong('not bytes');
    default:
      return wrong(`of the unknown type '${shape.type}'`);
  }
}

function checkStructure(model: Model, shape: Shape, value: Readonly<Record<string, unknown>>, at: string): string[] {
  const missing = (shape.required ?? []).filter((name) => value[name] === undefined).map((name) => `${at}: required '${name}' is missing`);
  const members = Object.entries(value).flatMap(([name, inner]) => {
    if (name === '$metadata') return [];
    const member = shape.members?.[name];
    return member === undefined ? [`${at}: unknown '${name}'`] : checkShape(model, member.shape, inner, `${at}.${name}`);
  });
  return [...missing, ...members];
}

function text(shape: Shape, value: string): string[] {
  const listed = shape.enum === undefined || shape.enum.includes(value);
  const matches = shape.pattern === undefined || pattern(shape.pattern).test(value);
  return [
    ...size(shape, [...value].length, 'characters'),
    ...(listed ? [] : [`'${value}' is none of ${shape.enum?.join(', ')}`]),
    ...(matches ? [] : [`${JSON.stringify(value.slice(0, 60))} does not match ${shape.pattern}`]),
  ];
}

function size(shape: Shape, actual: number, unit: string): string[] {
  if (shape.min !== undefined && actual < shape.min) return [`${actual} ${unit}, fewer than ${shape.min}`];
  if (shape.max !== undefined && actual > shape.max) return [`${actual} ${unit}, more than ${shape.max}`];
  return [];
}

/** The models' patterns are Java's; those that JavaScript takes for broken with `u` it takes without. */
function pattern(source: string): RegExp {
  try {
    return new RegExp(`^(?:${source})$`, 'us');
  } catch {
    return new RegExp(`^(?:${source})$`, 's');
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
