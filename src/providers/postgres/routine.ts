import { nameKey } from '../../model/key.ts';

/** A routine within its schema: the catalog's own name, and the types of its input arguments as the server renders them. */
export type Routine = { readonly name: string; readonly args: string };

/**
 * One text for both: `refund(integer, text)`. A name that is not plain is quoted (`"a(b"(integer)`), so that the first
 * parenthesis outside the quotes begins the arguments.
 */
export const routineName = ({ name, args }: Routine): string => `${nameKey(name)}(${args})`;

/** The reverse of `routineName`; undefined for a text that carries no arguments. */
export const splitRoutine = (text: string): Routine | undefined => {
  const [, quoted, plain, args] = /^(?:"((?:[^"]|"")+)"|([^"(]+))\((.*)\)$/s.exec(text) ?? [];
  if (args === undefined) return undefined;
  return { name: quoted === undefined ? plain! : quoted.replaceAll('""', '"'), args };
};
