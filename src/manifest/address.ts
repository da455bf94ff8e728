import type { Part } from '../model/declared.ts';
import { nameKey } from '../model/key.ts';

/** The parts of a selector, or what is wrong with it. */
export type Address = { readonly parts: readonly Part[] } | { readonly problem: string };

/**
 * Splits a selector at the dots outside quotes: `orders.public`, `"odd.name".*`. The last part of a routine may carry
 * argument types: its text then is the name, quoted where it is not plain, and the types as written.
 */
export const parseSelector = (text: string, routine = false): Address => {
  const parts: Part[] = [];
  let rest = text;
  for (;;) {
    const part = nextPart(rest, routine);
    if ('problem' in part) return part;
    parts.push(part.part);
    if (part.rest === '') return { parts };
    rest = part.rest.slice(1);
  }
};

type Next = { readonly part: Part; readonly rest: string } | { readonly problem: string };

const QUOTED = /^"((?:[^"]|"")*)"/;

const nextPart = (text: string, routine: boolean): Next => {
  const quoted = QUOTED.exec(text);
  const [written] = quoted ?? (routine ? /^[^.(]*/ : /^[^.]*/).exec(text)!;
  const name = quoted ? quoted[1]!.replaceAll('""', '"') : written;
  const rest = text.slice(written.length);
  if (name === '') return { problem: 'a part is empty' };
  if (name.includes('\0')) return { problem: 'a part holds a NUL' };
  if (!quoted && name.includes('"'))
    return { problem: 'a quote is inside a part, or is not closed; a part that holds one is written "with ""quotes"""' };
  if (routine && rest.startsWith('(')) return signature(name, rest, quoted !== null);
  if (rest !== '' && !rest.startsWith('.')) return { problem: `'.' is missing after ${written}` };
  return { part: { text: name, literal: quoted !== null || !name.includes('*') }, rest };
};

const signature = (name: string, types: string, quoted: boolean): Next => {
  if (!types.endsWith(')')) return { problem: `')' is missing at the end` };
  if (!quoted && name.includes('*')) return { problem: 'a pattern takes no argument types' };
  return { part: { text: `${nameKey(name)}${types}`, literal: true }, rest: '' };
};

/** Whether everything that `inner` selects is selected by `outer` as well; false where two patterns differ. */
export const covers = (outer: Part, inner: Part): boolean => {
  if (outer.literal || !outer.text.includes('*')) return inner.literal && outer.text === inner.text;
  if (!inner.literal) return outer.text === '*' || outer.text === inner.text;
  const pieces = outer.text.split('*').map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${pieces.join('.*')}$`, 's').test(inner.text);
};

/** The one name that a part stands for; undefined for a pattern. */
export const literalName = (part: Part): string | undefined => (part.literal ? part.text : undefined);
