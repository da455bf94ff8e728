import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLError,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Finding, Position } from '../model/finding.ts';
import type { Path } from './content.ts';
import { type Places, readPlain, type Spots } from './plain.ts';

/** One manifest file: its plain value, what is wrong with its YAML, and where each part of it stands. */
export type Source = {
  readonly file: string;
  readonly value: unknown;
  readonly findings: readonly Finding[];
  readonly at: (path: Path, part?: 'key' | 'value') => Position;
};

/** Nodes that aliases may add to a file, and levels of nesting: far beyond any manifest, far below trouble. */
const MOST_EXPANDED = 1_000_000;
const DEEPEST = 64;

type Reading = {
  readonly file: string;
  readonly lines: LineCounter;
  readonly findings: Finding[];
  readonly spots: Places;
  /** The container of what was located last, and the way to it: what is asked for next mostly is in the same one. */
  last?: { readonly path: Path; readonly container: unknown };
  /** What anchors stand for; undefined while their own node is being read. */
  readonly anchors: Map<string, { readonly value: unknown; readonly nodes: number } | undefined>;
  nodes: number;
  expanded: number;
};

/**
 * Reads one file. Aliases share their value; anchors, merge keys (`<<`) and every style of YAML 1.2 are fine. `quick` reads what
 * is written plainly, and leaves everything else to the library.
 */
export const parse = (file: string, text: string, quick: typeof readPlain = readPlain): Source => {
  const lines = new LineCounter();
  const reading: Reading = { file, lines, findings: [], spots: new WeakMap(), anchors: new Map(), nodes: 0, expanded: 0 };
  const plain = quick(text, reading.spots);
  if (plain !== undefined) countLines(lines, text);
  const value = plain === undefined ? document(reading, text) : plain;
  return { file, value, findings: reading.findings, at: (path, part = 'value') => locate(reading, value, path, part) };
};

/** As the library counts them. */
const countLines = (lines: LineCounter, text: string): void => {
  lines.addNewLine(0);
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) lines.addNewLine(end + 1);
};

const document = (reading: Reading, text: string): unknown => {
  try {
    // Duplicate keys are found below: the library compares each key with all others.
    const parsed = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
      lineCounter: reading.lines,
    });
    for (const problem of [...parsed.errors, ...parsed.warnings]) report(reading, 'yaml', explain(problem), problem.pos[0]);
    return reading.findings.length > 0 ? null : build(reading, parsed.contents, 0);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    report(reading, 'yaml', 'the YAML is nested too deeply', 0);
    return null;
  }
};

/** The library quotes source text after a colon, which may be a secret. */
const explain = ({ code, message }: YAMLError): string => {
  if (code === 'BAD_ALIAS') return 'an alias stands for no anchor above it';
  if (code === 'TAG_RESOLVE_FAILED') return 'a tag is not known; text that starts with ! is written in quotes';
  if (code === 'MULTIPLE_DOCS') return 'a file holds one document, this one holds several';
  const [said = message] = message.split(/: | at line /);
  return `not valid YAML: ${said.charAt(0).toLowerCase()}${said.slice(1)}`;
};

const report = (reading: Reading, slug: string, message: string, offset: number, hint?: string): void => {
  reading.findings.push({
    severity: 'error',
    code: `manifest/${slug}`,
    message,
    source: position(reading, offset),
    ...(hint ? { hint } : {}),
  });
};

const position = ({ file, lines }: Reading, offset: number): Position => {
  const { line, col } = lines.linePos(offset);
  return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
};

const build = (reading: Reading, node: unknown, depth: number): unknown => {
  if (depth > DEEPEST) throw new RangeError('too deep');
  reading.nodes += 1;
  if (isAlias(node)) return expand(reading, node.source, offsetOf(node));
  const anchor = (node as { anchor?: string } | null)?.anchor;
  if (!anchor) return content(reading, node, depth);
  reading.anchors.set(anchor, undefined);
  const before = reading.nodes + reading.expanded;
  const value = content(reading, node, depth);
  reading.anchors.set(anchor, { value, nodes: reading.nodes + reading.expanded - before + 1 });
  return value;
};

const content = (reading: Reading, node: unknown, depth: number): unknown => {
  if (isMap(node)) return mapping(reading, node, depth);
  if (isSeq(node)) return sequence(reading, node, depth);
  return isScalar(node) ? node.value : null;
};

const expand = (reading: Reading, anchor: string, offset: number): unknown => {
  const target = reading.anchors.get(anchor);
  if (!target) {
    const what = reading.anchors.has(anchor) ? 'what it is part of' : 'no anchor above it';
    report(reading, 'yaml', `an alias stands for ${what}`, offset);
    return null;
  }
  const before = reading.expanded;
  reading.expanded += target.nodes;
  if (reading.expanded <= MOST_EXPANDED) return target.value;
  if (before <= MOST_EXPANDED) {
    report(reading, 'aliases', `aliases expand to more than ${MOST_EXPANDED} values`, offset, 'write out less, or use groups and profiles');
  }
  return null;
};

const mapping = (reading: Reading, node: YAMLMap, depth: number): Record<string, unknown> => {
  const value: Record<string, unknown> = Object.create(null);
  const spots: Spots = new Map();
  const merged: [value: unknown, offset: number][] = [];
  for (const pair of node.items) {
    const at = offsetOf(pair.key);
    if (isScalar(pair.key) && pair.key.type === 'PLAIN' && pair.key.value === '<<') {
      merged.push([build(reading, pair.value, depth + 1), at]);
      continue;
    }
    const key = keyOf(reading, pair.key);
    const first = spots.get(key);
    if (first) report(reading, 'duplicate-key', `'${key}' stands twice in one map, first on line ${position(reading, first[0]).line}`, at);
    spots.set(key, [at, pair.value ? offsetOf(pair.value) : at]);
    value[key] = build(reading, pair.value, depth + 1);
  }
  for (const [base, at] of merged) mergeInto(reading, value, spots, base, at);
  reading.spots.set(value, spots);
  return value;
};

/** Keys that the map writes itself win over merged ones, and earlier merged ones over later. */
const mergeInto = (reading: Reading, value: Record<string, unknown>, spots: Spots, base: unknown, at: number): void => {
  for (const one of Array.isArray(base) ? base : [base]) {
    const known = isRecord(one) ? reading.spots.get(one) : undefined;
    if (!(known instanceof Map)) {
      report(reading, 'yaml', `'<<' merges something that is not a map`, at);
      continue;
    }
    for (const [key, spot] of known) {
      if (spots.has(key)) continue;
      spots.set(key, spot);
      value[key] = (one as Record<string, unknown>)[key];
    }
  }
};

const sequence = (reading: Reading, node: YAMLSeq, depth: number): unknown[] => {
  const value = node.items.map((item) => build(reading, item, depth + 1));
  reading.spots.set(value, node.items.map(offsetOf));
  return value;
};

/** Keys are names, and names are text: `123:` would be a number in one tool and text in another. */
const keyOf = (reading: Reading, node: unknown): string => {
  const value = isScalar(node) || isAlias(node) ? build(reading, node, 0) : undefined;
  if (typeof value === 'string') return value;
  const text = isScalar(node) ? ((node as Scalar & { source?: string }).source ?? '') : '';
  if (text === '') report(reading, 'key', 'a key is empty or no text', offsetOf(node));
  else
    report(
      reading,
      'key',
      `key '${text}' is ${typeof value === 'number' ? 'a number' : 'no text'} to YAML, expected text`,
      offsetOf(node),
      `write it in quotes: "${text}"`,
    );
  return text;
};

const offsetOf = (node: unknown): number => (node as Node | null)?.range?.[0] ?? 0;

/** true for a map of the manifest. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const locate = (reading: Reading, root: unknown, path: Path, part: 'key' | 'value'): Position => {
  const inner = path.length - 1;
  const { last } = reading;
  if (last && last.path.length === path.length && sameStart(last.path, path, inner)) {
    const offset = spotIn(reading, last.container, path[inner]!, part);
    if (offset !== undefined) return position(reading, offset);
  }
  let container = root;
  let offset = 0;
  for (let index = 0; index < path.length; index++) {
    // Of a value around the one that is meant, the key is what a reader looks for.
    const found = spotIn(reading, container, path[index]!, index === inner ? part : 'key');
    if (found === undefined) break;
    offset = found;
    if (index === inner) reading.last = { path, container };
    container = (container as Record<string | number, unknown>)[path[index]!];
  }
  return position(reading, offset);
};

const sameStart = (a: Path, b: Path, length: number): boolean => {
  for (let index = 0; index < length; index++) if (a[index] !== b[index]) return false;
  return true;
};

/** Where a part of a container stands, or its key. */
const spotIn = ({ spots }: Reading, container: unknown, key: string | number, part: 'key' | 'value'): number | undefined => {
  const places = typeof container === 'object' && container !== null ? spots.get(container) : undefined;
  return places instanceof Map ? places.get(key as string)?.[part === 'key' ? 0 : 1] : places?.[key as number];
};
