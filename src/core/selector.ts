import type { Part } from '../model/declared.ts';

/** true when the part may match several names. */
export const isPattern = (part: Part): boolean => !part.literal && part.text.includes('*');

export const isEverything = (part: Part): boolean => !part.literal && part.text === '*';

const compiled = new WeakMap<Part, (name: string) => boolean>();

/** Whether the part selects the name: `*` stands for any run of characters, everything else for itself. Case-sensitive. */
export const matches = (part: Part, name: string): boolean => {
  let test = compiled.get(part);
  if (!test) {
    test = compile(part);
    compiled.set(part, test);
  }
  return test(name);
};

const compile = (part: Part): ((name: string) => boolean) => {
  if (!isPattern(part)) return (name) => name === part.text;
  if (isEverything(part)) return () => true;
  const pieces = part.text.split('*').map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const pattern = new RegExp(`^${pieces.join('.*?')}$`, 's');
  return (name) => pattern.test(name);
};
