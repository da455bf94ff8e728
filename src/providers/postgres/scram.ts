import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

const ITERATIONS = 4096;
/** Commonly mapped to nothing: RFC 3454, table B.1. */
const INVISIBLE = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/g;
/** What SASLprep prohibits: controls, private use, what directs writing, marks of no character (RFC 3454, tables C.2 to C.9). */
const PROHIBITED =
  /[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u06dd\u070f\u180e\u200e\u200f\u2028-\u202e\u2061-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0000}-\u{e007f}]/u;
/** Beyond the first plane Unicode 3.2 had these alone; emoji came later (table A.1). */
const LATER =
  /(?![\u{10300}-\u{1034a}\u{10400}-\u{1044d}\u{1d000}-\u{1d7ff}\u{20000}-\u{2a6d6}\u{2f800}-\u{2fa1d}])[\u{10000}-\u{10ffff}]/u;
/** Letters that are written from right to left, and the others (tables D.1 and D.2): they may not be mixed, nor digits begin or end them. */
const LEFTWARD = String.raw`[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]`;
const HAS_LEFTWARD = new RegExp(`(?=\\p{L})${LEFTWARD}`, 'u');
const HAS_OTHERS = new RegExp(`(?!${LEFTWARD})\\p{L}`, 'u');
const IS_LEFTWARD = new RegExp(`^(?=\\p{L})${LEFTWARD}(?:.*(?=\\p{L})${LEFTWARD})?$`, 'su');

/**
 * SASLprep (RFC 4013), of which NFKC, non-ASCII spaces and what no one sees are what passwords meet. What it does not allow
 * PostgreSQL and libpq take as it is (src/common/saslprep.c).
 */
const prepared = (password: string): string => {
  const text = password
    .replace(/[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g, ' ')
    .replace(INVISIBLE, '')
    .normalize('NFKC');
  const mixed = HAS_LEFTWARD.test(text) && (HAS_OTHERS.test(text) || !IS_LEFTWARD.test(text));
  return text === '' || PROHIBITED.test(text) || LATER.test(text) || mixed ? password : text;
};

/**
 * The SCRAM-SHA-256 verifier of a password, as PostgreSQL stores it (RFC 5803; src/common/scram-common.c). Computed here,
 * the password itself reaches neither the server nor its logs. `salt`: 16 random bytes.
 */
export const scramVerifier = (password: string, salt: Buffer): string => {
  const salted = pbkdf2Sync(prepared(password), salt, ITERATIONS, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey}:${hmac('Server Key').toString('base64')}`;
};
