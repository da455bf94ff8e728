/** Offsets of the parts of a map, by key. */
export type Spots = Map<string, readonly [key: number, value: number]>;
/** Offsets of what a list or a map holds. */
export type Places = WeakMap<object, Spots | readonly number[]>;

/** Where a reading stands: at the first character of what comes next; `indent` is the column of the line's first one, -1 at the end. */
type Scan = { readonly text: string; readonly spots: Places; at: number; indent: number };

/**
 * Reads YAML as manifests are mostly written: block maps and lists, lists and maps in brackets on one line, words, numbers
 * and quoted text without escapes. Returns undefined for anything else, an error included: then the library decides. It is
 * ten times as fast, and takes a tenth of the memory; what both read they read alike (test/manifest/plain.test.ts).
 */
export const readPlain = (text: string, spots: Places): unknown => {
  if (!USUAL.test(text)) return undefined;
  const scan: Scan = { text, spots, at: 0, indent: 0 };
  try {
    nextLine(scan);
    const value = blockMap(scan, 0, 0);
    return atEnd(scan) ? value : undefined;
  } catch (error) {
    if (error !== UNUSUAL) throw error;
    return undefined;
  }
};

const atEnd = ({ indent }: Scan): boolean => indent === -1;

const UNUSUAL = Symbol('unusual');
const unusual = (): never => {
  throw UNUSUAL;
};

/** No tabs, carriage returns or other control characters, line separators or byte order marks. */
const USUAL = /^[\n\x20-\x7e\xa0-\u2027\u202a-\ufefe\uff00-\uffff]*$/;

/** A key that is text, and its colon. Longer ones than the library takes are none. */
const KEY = /(?:([A-Za-z_][\w.$/@+-]{0,200})|"([^"\\\n]{0,200})"|'([^'\n]{0,200})'):(?=[ \n]|$)/y;
const QUOTED = /"([^"\\\n]*)"|'([^'\n]*)'(?!')/y;
/** Words up to the end of the line, or of the comment's space. */
const WORDS = /[\w/$(][^\n #:]*(?:(?::(?=[^ \n])| +(?=[^ \n#:]))[^\n #:]*)*/y;
/** A word between brackets. */
const WORD = /[\w/$][\w.*/@$+=-]*(?::[\w.*/@$+=-]+)*/y;
/** What may follow a value on its line. */
const END = /(?: +#[^\n]*| *)(?:\n|$)/y;

const DEEPEST = 32;

const match = ({ text, at }: Scan, pattern: RegExp): RegExpExecArray | null => {
  pattern.lastIndex = at;
  return pattern.exec(text);
};

const skipSpaces = (scan: Scan): void => {
  while (scan.text[scan.at] === ' ') scan.at++;
};

/** From the start of a line to the first character that is neither space nor comment, there or further down. */
const nextLine = (scan: Scan): void => {
  for (;;) {
    const start = scan.at;
    skipSpaces(scan);
    const char = scan.text[scan.at];
    if (char === undefined) scan.indent = -1;
    else scan.indent = scan.at - start;
    if (char !== '#' && char !== '\n') return;
    const end = scan.text.indexOf('\n', scan.at);
    scan.at = end < 0 ? scan.text.length : end + 1;
  }
};

/** To the next line, where nothing but a comment follows on this one. */
const endLine = (scan: Scan): boolean => {
  const end = match(scan, END);
  if (!end) return false;
  scan.at += end[0].length;
  nextLine(scan);
  return true;
};

const isDash = ({ text, at }: Scan): boolean => text[at] === '-' && text[at + 1] === ' ';

/** Ends where a line is not indented as its first. */
const blockMap = (scan: Scan, depth: number, indent: number): unknown => {
  if (depth > DEEPEST || scan.indent > indent) unusual();
  const value: Record<string, unknown> = Object.create(null);
  const spots: Spots = new Map();
  do {
    const at = scan.at;
    const key = readKey(scan, spots);
    if (endLine(scan)) {
      spots.set(key, [at, scan.at]);
      value[key] = blockBelow(scan, depth, indent);
    } else {
      skipSpaces(scan);
      spots.set(key, [at, scan.at]);
      value[key] = inline(scan, depth, WORDS);
      if (!endLine(scan)) unusual();
    }
    if (scan.indent > indent) unusual();
  } while (scan.indent === indent && !isDash(scan));
  scan.spots.set(value, spots);
  return value;
};

/** A list may stand right below its key. */
const blockBelow = (scan: Scan, depth: number, indent: number): unknown => {
  if (isDash(scan) && scan.indent >= indent) return blockList(scan, depth + 1);
  return scan.indent > indent ? blockMap(scan, depth + 1, scan.indent) : unusual();
};

const blockList = (scan: Scan, depth: number): unknown => {
  if (depth > DEEPEST) unusual();
  const { indent } = scan;
  const value: unknown[] = [];
  const spots: number[] = [];
  do {
    const dash = scan.at++;
    skipSpaces(scan);
    spots.push(scan.at);
    if (match(scan, KEY)) value.push(blockMap(scan, depth + 1, indent + scan.at - dash));
    else {
      value.push(inline(scan, depth, WORDS));
      if (!endLine(scan)) unusual();
    }
    if (scan.indent > indent) unusual();
  } while (scan.indent === indent && isDash(scan));
  scan.spots.set(value, spots);
  return value;
};

/** The key, past its colon. A key that stands twice is for the library to tell. */
const readKey = (scan: Scan, before: Spots): string => {
  const found = match(scan, KEY) ?? unusual();
  const key = found[1] ?? found[2] ?? found[3]!;
  if (before.has(key) || (found[1] !== undefined && typeof scalar(key) !== 'string')) unusual();
  scan.at += found[0].length;
  return key;
};

const inline = (scan: Scan, depth: number, words: RegExp): unknown => {
  const char = scan.text[scan.at];
  if (char === '[') return flowList(scan, depth + 1);
  if (char === '{') return flowMap(scan, depth + 1);
  const quoted = char === '"' || char === "'";
  const found = match(scan, quoted ? QUOTED : words) ?? unusual();
  scan.at += found[0].length;
  return quoted ? (found[1] ?? found[2]!) : scalar(found[0]);
};

const flowList = (scan: Scan, depth: number): unknown => {
  const value: unknown[] = [];
  const spots: number[] = [];
  inBrackets(scan, depth, ']', () => {
    spots.push(scan.at);
    value.push(inline(scan, depth, WORD));
  });
  scan.spots.set(value, spots);
  return value;
};

const flowMap = (scan: Scan, depth: number): unknown => {
  const value: Record<string, unknown> = Object.create(null);
  const spots: Spots = new Map();
  inBrackets(scan, depth, '}', () => {
    const at = scan.at;
    const key = readKey(scan, spots);
    skipSpaces(scan);
    spots.set(key, [at, scan.at]);
    value[key] = inline(scan, depth, WORD);
  });
  scan.spots.set(value, spots);
  return value;
};

const inBrackets = (scan: Scan, depth: number, close: string, part: () => void): void => {
  if (depth > DEEPEST) unusual();
  scan.at++;
  skipSpaces(scan);
  if (scan.text[scan.at] !== close) {
    for (;;) {
      part();
      skipSpaces(scan);
      if (scan.text[scan.at] !== ',') break;
      scan.at++;
      skipSpaces(scan);
    }
  }
  if (scan.text[scan.at] !== close) unusual();
  scan.at++;
};

const CORE: ReadonlyMap<string, boolean | null> = new Map([
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
  ...['null', 'Null', 'NULL'].map((word) => [word, null] as const),
]);

/** A day, an address, or whatever has a letter that no number has. */
const NO_NUMBER = /^\d{4}-\d\d-\d\d$|\..*\.|[^\da-fA-Fox.+-]/;

/** What an unquoted word is by YAML's core schema. Numbers other than small whole ones are the library's. */
const scalar = (word: string): unknown => {
  if (!/^\d/.test(word)) {
    const value = CORE.get(word);
    return value === undefined ? word : value;
  }
  if (/^(?:0|[1-9]\d{0,14})$/.test(word)) return Number(word);
  return NO_NUMBER.test(word) ? word : unusual();
};
