import { roleName, visible } from './escape.ts';

/** A sentence in pieces: bare strings are our words, `name` is what came from a manifest or a server (already visible). */
export type Piece = string | { readonly name: string };
export type Phrase = readonly Piece[];

/** What may stand in a template: a bare string counts as foreign, so that forgetting is safe. */
type Insert = string | number | Phrase;

/** Template tag: say`leaves ${role}`. */
export const say = (words: TemplateStringsArray, ...inserts: readonly Insert[]): Phrase =>
  words.flatMap((word, index) => [...(word === '' ? [] : [word]), ...pieces(inserts[index])]);

const pieces = (insert: Insert | undefined): readonly Piece[] => {
  if (insert === undefined) return [];
  if (typeof insert === 'number') return [count(insert)];
  return typeof insert === 'string' ? [{ name: roleName(insert) }] : insert;
};

/** Foreign text as it is (made visible): a path, a value, a list of privileges. */
export const literal = (text: string): Phrase => [{ name: visible(text) }];

/** 1204 as `1,204`. */
export const count = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',');

/** `1 table`, `14 tables`. */
export const plural = (value: number, one: string, many = `${one}s`): string => `${count(value)} ${value === 1 ? one : many}`;

export const join = (phrases: readonly Phrase[], separator: string): Phrase =>
  phrases.flatMap((phrase, index) => (index === 0 ? phrase : [separator, ...phrase]));

/** The first `limit` phrases and how many more: `a, b, c, 11 more`. One more than the limit is named, not counted. */
export const listed = (phrases: readonly Phrase[], limit: number): Phrase => listedOf(phrases, limit, (phrase) => phrase);

/** The same of things of which there may be many: those alone that are named are put into words. */
export const listedOf = <T>(things: readonly T[], limit: number, phraseOf: (thing: T) => Phrase): Phrase =>
  things.length <= limit + 1
    ? join(things.map(phraseOf), ', ')
    : [...join(things.slice(0, limit).map(phraseOf), ', '), `, ${count(things.length - limit)} more`];

/** The phrase as plain text. */
export const plain = (phrase: Phrase): string => phrase.map((piece) => (typeof piece === 'string' ? piece : piece.name)).join('');
