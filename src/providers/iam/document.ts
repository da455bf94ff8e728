import { canonicalJson } from '../../core/canonical.ts';
import type { PolicyEntry } from '../../model/iam.ts';
import { distinct } from '../../model/key.ts';
import type { RawDocument } from './snapshot.ts';

/** Patterns of `Action` or `Resource`; `negated`: of `NotAction` or `NotResource`. */
export type Patterns = { readonly negated: boolean; readonly patterns: readonly string[] };

/** One test of a `Condition`; operator and key as written. */
export type Condition = { readonly operator: string; readonly key: string; readonly values: readonly string[] };

/** A statement in one shape. `index` counts from 1, as people do. `resource` is null in a trust policy, `principal` everywhere else. */
export type Statement = {
  readonly index: number;
  readonly sid: string | null;
  readonly effect: 'Allow' | 'Deny';
  readonly action: Patterns;
  readonly resource: Patterns | null;
  readonly principal: Readonly<Record<string, unknown>> | null;
  readonly conditions: readonly Condition[];
};

/** What a document says, and which parts of it say nothing that IAM knows. `variables`: `${…}` stands for something. */
export type Document = {
  readonly variables: boolean;
  readonly statements: readonly Statement[];
  readonly problems: readonly string[];
};

/** The document that IAM sent: URL-encoded (RFC 3986) from every Get call, raw where it comes from elsewhere. */
export const decodeDocument = (text: string): { readonly document: RawDocument; readonly reason: string | null } => {
  try {
    const document: RawDocument = JSON.parse(/^\s*[{["]/.test(text) ? text : decodeURIComponent(text));
    if (asRecord(document)) return { document, reason: null };
    return { document: null, reason: 'it is JSON, but no object' };
  } catch (error) {
    return { document: null, reason: error instanceof URIError ? 'it is not URL-encoded' : 'it is not JSON' };
  }
};

/** Reads every shape that IAM takes: one statement or a list, a string or a list, and element names in any case. */
export const readDocument = (document: RawDocument): Document => {
  const record = asRecord(document);
  if (!record) return { variables: false, statements: [], problems: ['the document is no object'] };
  const listed = element(record, 'Statement');
  const read = (Array.isArray(listed) ? listed : listed === undefined ? [] : [listed]).map(readStatement);
  return {
    variables: element(record, 'Version') === CURRENT,
    statements: read.filter((statement) => typeof statement !== 'string'),
    problems: listed === undefined ? ['the document has no Statement'] : read.filter((problem) => typeof problem === 'string'),
  };
};

/**
 * The same valid document for every document of the same meaning: order, string or list, Sid, case of actions and condition
 * keys, an account as number or root ARN, a Version that decides nothing, and repetitions do not count.
 */
export const canonicalDocument = (document: RawDocument): string => {
  const read = readDocument(document);
  if (read.problems.length > 0) return canonicalJson(document);
  const statements = distinct(mergeResources(read.statements).map((statement) => canonicalJson(plain(statement))));
  const old = !read.variables && statements.some((text) => text.includes('${'));
  return `{"Statement":[${statements.join(',')}],"Version":"${old ? '2008-10-17' : CURRENT}"}`;
};

/** Whether two documents allow and deny the same, as far as that can be seen without evaluating them. */
export const sameDocument = (a: RawDocument, b: RawDocument): boolean => canonicalDocument(a) === canonicalDocument(b);

/** Characters as IAM counts them: without whitespace. */
export const documentSize = (document: object): number => JSON.stringify(document).replace(/\s/g, '').length;

/** The document that we write. */
export type ConnectDocument = {
  readonly Version: string;
  readonly Statement: readonly {
    readonly Sid: string;
    readonly Effect: 'Allow';
    readonly Action: string;
    readonly Resource: readonly string[];
  }[];
};

/** The one action of IAM authentication. */
export const CONNECT = 'rds-db:connect';

/** One statement that allows to connect as exactly these users. */
export const connectDocument = (entries: readonly Pick<PolicyEntry, 'arn'>[]): ConnectDocument => ({
  Version: CURRENT,
  Statement: [{ Sid: 'RolecallConnect', Effect: 'Allow', Action: CONNECT, Resource: distinct(entries.map(({ arn }) => arn)) }],
});

/** What a policy of ours holds: the ARNs that it allows to connect to, sorted, and canonical JSON of whatever else somebody put into it. */
export const readConnectDocument = (document: RawDocument): { readonly arns: readonly string[]; readonly foreign: string | null } => {
  const { statements, problems } = readDocument(document);
  if (problems.length > 0) return { arns: [], foreign: canonicalJson(document) };
  const foreign = distinct(statements.filter((statement) => !isConnect(statement)).map((statement) => canonicalJson(plain(statement))));
  return {
    arns: distinct(statements.filter(isConnect).flatMap(({ resource }) => resource?.patterns ?? [])),
    foreign: foreign.length === 0 ? null : `[${foreign.join(',')}]`,
  };
};

/** A value that may be left out, stand alone or be a list, as a list of strings; IAM takes numbers and booleans for strings. */
export const listOf = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value : [value])
    .filter((item) => typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean')
    .map(String);

/** The version whose documents may hold variables; a document without one is of 2008, where `${` is just text. */
export const CURRENT = '2012-10-17';

const asRecord = (value: unknown): Readonly<Record<string, unknown>> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;

const element = (record: Readonly<Record<string, unknown>>, name: string): unknown => {
  if (Object.hasOwn(record, name)) return record[name];
  const key = Object.keys(record).find((written) => written.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : record[key];
};

/** The statement, or what is wrong with it. */
const readStatement = (value: unknown, position: number): Statement | string => {
  const record = asRecord(value);
  const index = position + 1;
  if (!record) return `statement ${index} is no object`;
  const effect = element(record, 'Effect');
  if (effect !== 'Allow' && effect !== 'Deny') return `statement ${index} has no Effect of 'Allow' or 'Deny'`;
  const action = readPatterns(record, 'Action');
  if (!action) return `statement ${index} has neither Action nor NotAction`;
  const resource = readPatterns(record, 'Resource');
  const principal = element(record, 'Principal') ?? element(record, 'NotPrincipal');
  if (!resource && principal === undefined) return `statement ${index} has neither Resource nor NotResource`;
  const condition = element(record, 'Condition');
  const conditions = condition === undefined ? [] : readConditions(condition);
  if (!conditions) return `statement ${index} has a Condition of another shape`;
  const sid = element(record, 'Sid');
  return {
    index,
    sid: typeof sid === 'string' && sid !== '' ? sid : null,
    effect,
    action,
    resource,
    principal: principal === undefined ? null : readPrincipal(record, principal),
    conditions,
  };
};

const readPatterns = (record: Readonly<Record<string, unknown>>, name: 'Action' | 'Resource'): Patterns | null => {
  const plainly = element(record, name);
  const value = plainly ?? element(record, `Not${name}`);
  const patterns = listOf(value);
  return patterns.length === 0 ? null : { negated: plainly === undefined, patterns };
};

/** `*` is everybody of any kind; NotPrincipal keeps its name, as it means the opposite. */
const readPrincipal = (record: Readonly<Record<string, unknown>>, principal: unknown): Readonly<Record<string, unknown>> => {
  const kinds = asRecord(principal) ?? { AWS: principal };
  return element(record, 'Principal') === undefined ? { NotPrincipal: kinds } : kinds;
};

const readConditions = (condition: unknown): readonly Condition[] | null => {
  const operators = asRecord(condition);
  if (!operators) return null;
  const read = Object.entries(operators).map(([operator, tests]) => {
    const keys = asRecord(tests);
    return keys && Object.entries(keys).map(([key, value]) => ({ operator, key, values: listOf(value) }));
  });
  return read.some((tests) => !tests) ? null : read.flatMap((tests) => tests ?? []);
};

const isConnect = ({ effect, action, resource, conditions, principal }: Statement): boolean =>
  effect === 'Allow' &&
  !action.negated &&
  action.patterns.every((pattern) => pattern.toLowerCase() === CONNECT) &&
  resource !== null &&
  !resource.negated &&
  principal === null &&
  conditions.length === 0;

/** Statements that differ in their resources alone are one that names all of them. NotResource is not like that: each takes away from all. */
const mergeResources = (statements: readonly Statement[]): readonly Statement[] => {
  const merged = new Map<string, Statement>();
  for (const statement of statements) {
    const { resource } = statement;
    const mergeable = resource !== null && !resource.negated;
    const key = canonicalJson(plain(mergeable ? { ...statement, resource: { ...resource, patterns: [] } } : statement));
    const there = mergeable ? merged.get(key) : undefined;
    const patterns = [...(there?.resource?.patterns ?? []), ...(resource?.patterns ?? [])];
    merged.set(key, resource ? { ...statement, resource: { ...resource, patterns } } : statement);
  }
  return [...merged.values()];
};

/** A statement as IAM would take it, in the one order and case. */
const plain = ({ effect, action, resource, principal, conditions }: Statement): object => ({
  Effect: effect,
  [action.negated ? 'NotAction' : 'Action']: distinct(action.patterns.map(actionCase)),
  ...(resource ? { [resource.negated ? 'NotResource' : 'Resource']: distinct(resource.patterns) } : {}),
  ...(principal ? { Principal: plainPrincipal(principal) } : {}),
  ...(conditions.length === 0 ? {} : { Condition: plainConditions(conditions) }),
});

/** Actions that people read in trust policies; all others are written in lower case. */
const READABLE = new Map(
  ['sts:AssumeRole', 'sts:AssumeRoleWithWebIdentity', 'sts:AssumeRoleWithSAML', 'sts:TagSession', 'sts:SetSourceIdentity'].map((action) => [
    action.toLowerCase(),
    action,
  ]),
);

const actionCase = (action: string): string => READABLE.get(action.toLowerCase()) ?? action.toLowerCase();

/** Two tests of one key in different case are both kept, as they are written: both must hold. */
const plainConditions = (conditions: readonly Condition[]): object => {
  const written = new Map<string, number>();
  const folded = ({ operator, key }: Condition): string => `${operator}\0${key.toLowerCase()}`;
  for (const test of conditions) written.set(folded(test), (written.get(folded(test)) ?? 0) + 1);
  const operators = new Map<string, Record<string, readonly string[]>>();
  for (const test of conditions) {
    const key = written.get(folded(test)) === 1 ? test.key.toLowerCase() : test.key;
    operators.set(test.operator, { ...operators.get(test.operator), [key]: distinct(test.values) });
  }
  return Object.fromEntries(operators);
};

const plainPrincipal = (record: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(
    Object.entries(record).map(([kind, value]) => {
      const inner = asRecord(value);
      return [kind, inner ? plainPrincipal(inner) : distinct(listOf(value).map((name) => ROOT.exec(name)?.[1] ?? name))];
    }),
  );

/** The account itself, which IAM shows as this ARN where its number was written. */
const ROOT = /^arn:[\w-]+:iam::(\d{12}):root$/;
