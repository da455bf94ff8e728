import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { expect, test } from 'vitest';
import { scramVerifier } from '../../../src/providers/postgres/scram.ts';

const SALT = Buffer.from('0123456789abcdef');

/** RFC 5803 of a password that needs no preparation. */
const verifierOf = (password: string): string => {
  const salted = pbkdf2Sync(password, SALT, 4096, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$4096:${SALT.toString('base64')}$${stored}:${hmac('Server Key').toString('base64')}`;
};

/* Every row logs in with psql (libpq 15 and later). */
test.each([
  ['ASCII stays', `"quote'\\`, `"quote'\\`],
  ['composed', 'e\u0301', 'é'],
  ['a ligature is letters', 'ﬁ', 'fi'],
  ['a space is a space', 'a\u00a0b', 'a b'],
  ['what no one sees goes', 'a\u00adb☠\ufe0f', 'ab☠'],
  ['nothing but that stays as it is', '\u00ad', '\u00ad'],
  ['with a line break it stays as it is', 'a\u00a0b\n', 'a\u00a0b\n'],
  ['with an emoji', 'ﬁ🙂\ufe0f', 'ﬁ🙂\ufe0f'],
  ['with what directs writing', 'ﬁ\u202e', 'ﬁ\u202e'],
  ['with letters of two directions', 'אﬁ1', 'אﬁ1'],
  ['with a digit behind letters from right to left', 'א\u00a01', 'א\u00a01'],
  ['with private use', 'ﬁ\ue000', 'ﬁ\ue000'],
  ['from right to left alone it is prepared', 'א\u00a0ב', 'א ב'],
])('a password as PostgreSQL prepares it: %s', (_name, password, prepared) => {
  expect(scramVerifier(password, SALT)).toBe(verifierOf(prepared));
});
