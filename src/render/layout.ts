import { createColors } from 'picocolors';

/** How a piece of text is shown where there is colour. */
export type Style = 'plain' | 'add' | 'change' | 'remove' | 'loss' | 'alarm' | 'flip' | 'warn' | 'dim' | 'strong';
export type Span = { readonly text: string; readonly style: Style };

export const span = (text: string, style: Style = 'plain'): Span => ({ text, style });

/** What a terminal can do; commands read it from the environment. */
export type Terminal = { readonly width: number; readonly colour: boolean; readonly unicode: boolean };

type Paint = (spans: readonly Span[]) => string;

/** Spans → text with or without colour. */
export const painter = (colour: boolean): Paint => {
  const colours = createColors(colour);
  const styles: Readonly<Record<Style, (text: string) => string>> = {
    plain: (text) => text,
    add: colours.green,
    change: colours.yellow,
    remove: (text) => colours.bold(colours.red(text)),
    loss: colours.red,
    flip: colours.magenta,
    alarm: (text) => colours.bold(colours.magenta(text)),
    warn: colours.yellow,
    dim: colours.dim,
    strong: colours.bold,
  };
  return (spans) =>
    merged(spans)
      .map(({ text, style }) => (text.trim() === '' ? text : styles[style](text)))
      .join('');
};

/** Neighbours of one style together: fewer escapes, same picture. */
const merged = (spans: readonly Span[]): Span[] => {
  const out: Span[] = [];
  for (const next of spans) {
    const last = out.at(-1);
    if (last && last.style === next.style) out[out.length - 1] = span(last.text + next.text, next.style);
    else out.push(next);
  }
  return out;
};

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1faff}\u{20000}-\u{3fffd}]|[\u231a\u231b\u23e9-\u23ec\u2705\u2728\u274c\u274e\u2753-\u2755\u2757\u26a1\u2b50]/u;

/** Columns that a text takes: East Asian wide characters and emoji are two, combining marks none. */
export const displayWidth = (text: string): number => {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += /\p{M}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
};

export const widthOf = (spans: readonly Span[]): number => spans.reduce((sum, { text }) => sum + displayWidth(text), 0);

/** Fills up to `width` with spaces. */
export const padEnd = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - displayWidth(text)));

/**
 * Breaks at spaces so that no line is wider than `width`; a longer word is broken where it must. A runner of GitHub takes a line that
 * begins with `::`, be it indented, for a command: what would stand there is escaped.
 */
export const wrap = (spans: readonly Span[], width: number): Span[][] => {
  const room = Math.max(8, width);
  const lines: Span[][] = [[]];
  let used = 0;
  const newLine = (): void => {
    lines.push([]);
    used = 0;
  };
  const put = (text: string, style: Style): void => {
    lines.at(-1)?.push(span(text, style));
    used += displayWidth(text);
  };
  for (const word of wordsOf(spans)) {
    const size = widthOf(word);
    if (used > 0 && used + 1 + size > room) newLine();
    else if (used > 0) put(' ', lines.at(-1)?.at(-1)?.style === word[0]?.style ? (word[0]?.style ?? 'plain') : 'plain');
    for (const { text, style } of word) {
      for (const chunk of used + displayWidth(text) > room ? chunksOf(text, room) : [text]) {
        if (used > 0 && used + displayWidth(chunk) > room) newLine();
        put(chunk, style);
      }
    }
  }
  return lines.map((line, index) => (index > 0 && line[0]?.text.startsWith('::') ? [span('\\', line[0].style), ...line] : line));
};

/** Words between spaces; one word may be of several styles. */
const wordsOf = (spans: readonly Span[]): Span[][] => {
  const words: Span[][] = [[]];
  for (const { text, style } of spans) {
    for (const [index, part] of text.split(' ').entries()) {
      if (index > 0) words.push([]);
      if (part !== '') words.at(-1)?.push(span(part, style));
    }
  }
  return words.filter((word) => word.length > 0);
};

const chunksOf = (text: string, room: number): string[] => {
  const chunks = [''];
  for (const character of text) {
    if (displayWidth(chunks.at(-1) + character) > room) chunks.push('');
    chunks[chunks.length - 1] += character;
  }
  return chunks;
};
