import fc from 'fast-check';
import { NASTY } from './plans.ts';

/** Names that somebody made to mislead: parts of known attacks, and anything else that is a string. */
export const hostile: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...NASTY),
  fc
    .array(
      fc.oneof(
        fc.constantFrom(
          ...NASTY,
          '`',
          '```',
          '|',
          '"',
          '\\',
          '\n',
          '\u202e',
          '@a',
          '<b>',
          '#1',
          '::',
          '##[error]',
          '%',
          '$',
          "'",
          '~~~',
          '<!--',
          '*/',
          ';',
        ),
        fc.string({ unit: 'binary', maxLength: 4 }),
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
