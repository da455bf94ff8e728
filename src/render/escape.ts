import { byCodeUnit } from '../model/key.ts';

/*
 * The one place that knows what a name from a server can do to an output. Everything else of `render` builds on `visible`.
 * Invisible is: control and format characters (bidi, zero-width, tags), lone surrogates, private use, every space but U+0020,
 * line and paragraph separators, variation selectors, and the letters that draw nothing (Hangul fillers, grapheme joiner). With them
 * goes the second `#` of `##[`: a runner of GitHub takes that, wherever it stands in a line, for the beginning of a command.
 */
const INVISIBLE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u00a0\u115f\u1160\u1680\u2000-\u200f\u202f\u205f\u2800\u3000\u3164\uffa0]|\u034f|[\u180b-\u180f]|[\ufe00-\ufe0f]|[\u{e0100}-\u{e01ef}]|(?<=#)#(?=\[)/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const hex = (character: string, digits: number): string => (character.codePointAt(0) ?? 0).toString(16).padStart(digits, '0');
const unicodeEscape = (character: string): string => (character.length > 1 ? `\\u{${hex(character, 1)}}` : `\\u${hex(character, 4)}`);

/** Text on one line in which every character is one that the reader sees: others become `\u202e`. */
export const visible = (text: string): string => text.replace(INVISIBLE, (character) => SHORT[character] ?? unicodeEscape(character));

/** Like `visible`, for text of ours in which line breaks are layout. */
const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n');

const quoted = (name: string): string => `"${visible(name.replaceAll('\\', '\\\\').replaceAll('"', '""'))}"`;

/** A role's name as people write it: bare when nothing in it can mislead, else quoted. */
export const roleName = (name: string): string => (/^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_.@$%+-]*$/u.test(name) ? visible(name) : quoted(name));

/** An IAM identity, `role/NAME`: bare when it is one as IAM takes them. */
export const principalName = (principal: string): string =>
  /^(role|user|group)\/[\w+=,.@-]+$/.test(principal) ? principal : roleName(principal);

/** One part of an object's path: a dot inside must not look like the dot between. */
export const partName = (name: string): string => (/^[\p{L}_][\p{L}\p{M}\p{N}_$-]*$/u.test(name) ? visible(name) : quoted(name));

/** Markdown code span of any text: nothing in it is a mention, a link, HTML or the end of the span. */
export const codeSpan = (text: string): string => {
  const shown = visible(text);
  if (shown.trim() === '') return `\`"${shown}"\``;
  const ticks = '`'.repeat(longestRun(shown) + 1);
  const pad = shown.startsWith('`') || shown.endsWith('`') || (shown.startsWith(' ') && shown.endsWith(' ')) ? ' ' : '';
  return `${ticks}${pad}${shown}${pad}${ticks}`;
};

/** Code span inside a table: implementations differ on `\|`, so the bar is written as an escape. */
export const cellSpan = (text: string): string => codeSpan(text.replaceAll('|', '\\u007c'));

/** A sentence that may quote foreign names, as Markdown: plain words stay prose, everything else becomes code. */
export const prose = (text: string): string => {
  const words = visible(text)
    .split(/ +/)
    .filter((word) => word !== '');
  const runs: { plain: boolean; words: string[] }[] = [];
  // The arguments of a routine belong to its name: `refund(integer, text)`.
  let isOpen = false;
  for (const word of words) {
    const plain = !isOpen && /^[(]?[A-Za-z]+(-[a-z]+)?[),]?[.,;:]?$|^\d{1,6}[.,;:]?$/.test(word) && !/^GH-|^www\b/i.test(word);
    if (!plain && /[()]/.test(word)) isOpen = word.lastIndexOf('(') > word.lastIndexOf(')');
    const last = runs.at(-1);
    if (last?.plain === plain) last.words.push(word);
    else runs.push({ plain, words: [word] });
  }
  return runs.map((run) => (run.plain ? run.words.join(' ') : spanWithin(run.words.join(' ')))).join(' ');
};

/** Leaves the comma of `'name',` outside of the code. */
const spanWithin = (text: string): string => {
  const [, body, end] = /^(.*?)([,;:]?)$/s.exec(text) ?? [];
  return body ? `${codeSpan(body)}${end}` : codeSpan(text);
};

/** Fenced block that its content cannot close. Line breaks of the content are kept. */
export const fence = (language: string, content: string): string => {
  const ticks = '`'.repeat(Math.max(3, longestRun(content) + 1));
  return `${ticks}${language}\n${visibleLines(content)}\n${ticks}`;
};

const longestRun = (text: string): number => Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text inside an HTML element or attribute. */
export const html = (text: string): string => visible(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);

/** Text after the last `::` of a workflow command. */
export const workflowText = (text: string): string => visible(text).replaceAll('%', '%25');

/** Value of a property of a workflow command. */
export const workflowProperty = (text: string): string => workflowText(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

/** Text of a `--` comment of SQL. A backslash would start a command of psql only outside of comments. */
export const sqlComment = (text: string): string => visible(text);

/** Label of Mermaid, between double quotes: its entities are `#` and a number, and `;` would end them. */
export const mermaidLabel = (text: string): string =>
  visible(text).replace(/[^A-Za-z0-9 ._,:/()*@$=-]/gu, (character) => `#${character.codePointAt(0) ?? 0};`);

/** String of DOT, between double quotes. */
export const dotString = (text: string): string => visible(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"');

const QUOTED_TOKENS = /("(?:[^"]|"")*")|([eE]'(?:[^'\\]|\\.|'')*')|('(?:[^']|'')*')|\$([A-Za-z_]\w*)?\$([\s\S]*?)\$\4\$/gu;

/**
 * The same SQL, with invisible characters inside of identifiers and strings written as the escapes of PostgreSQL
 * (manual 4.1.2.2 and 4.1.2.3), so that what is shown is what runs. Line breaks between tokens stay.
 */
export const visibleSql = (sql: string): string =>
  visibleLines(
    sql.replace(QUOTED_TOKENS, (token: string, name?: string, escaped?: string, text?: string, _tag?: string, body?: string) => {
      if (visible(token) === token) return token;
      if (name !== undefined || text !== undefined) {
        const inner = token.replaceAll('\\', '\\\\').replace(INVISIBLE, (character) => `\\+${hex(character, 6)}`);
        return `U&${inner}`;
      }
      const inner = escaped?.slice(2, -1) ?? (body ?? '').replaceAll('\\', '\\\\').replaceAll("'", "''");
      return `E'${inner.replace(INVISIBLE, (character) => (character === '\n' ? '\\n' : `\\U${hex(character, 8)}`))}'`;
    }),
  );

/** Canonical JSON: keys in code-unit order, invisible characters as `\u` escapes; same value, same bytes. */
export const canonicalJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, sortKeys, indent).replace(INVISIBLE, (character) =>
    character === '\n'
      ? character
      : [...Array(character.length).keys()].map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  );

const sortKeys = (_key: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => byCodeUnit(a, b)))
    : value;
