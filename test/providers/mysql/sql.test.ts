import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accountSql, ident, literal, requireSql, withSecret } from '../../../src/providers/mysql/sql.ts';
import { verifier } from '../../../src/providers/mysql/verifier.ts';

const text = fc.string({
  unit: fc.constantFrom('a', "'", '"', '`', '\\', '%', '_', ' ', '\n', '@', '$', '{', '}', 'é', '😀'),
  maxLength: 12,
});
/** A string literal as the server reads it, character by character. */
const read = (sql: string): string => sql.slice(1, -1).replaceAll(/''|\\([\s\S])/g, (whole, escaped?: string) => escaped ?? whole[0]!);

describe('quoting', () => {
  test('a literal is read back as it was, and ends where it ends', () => {
    fc.assert(
      fc.property(text, (value) => {
        const sql = literal(value);
        expect(/^'(?:[^'\\]|''|\\[\s\S])*'$/.test(sql)).toBe(true);
        expect(read(sql)).toBe(value);
      }),
    );
  });

  test.each([
    ['app', '%', "'app'@'%'"],
    ["it's", '10.%', "'it''s'@'10.%'"],
    ['back\\slash', 'h', "'back\\\\slash'@'h'"],
    ['role', '', "'role'"],
  ])('the account %s at %s', (user, host, sql) => expect(accountSql({ user, host })).toBe(sql));

  test('an identifier doubles its backticks, and NUL and nothing are none', () => {
    expect(ident('a`b"c')).toBe('`a``b"c`');
    expect(() => ident('')).toThrow(RangeError);
    expect(() => ident('a\0')).toThrow(RangeError);
    expect(() => literal('a\0')).toThrow(RangeError);
  });

  test.each([
    ['none', 'NONE'],
    ['ssl', 'SSL'],
    ['x509', 'X509'],
    ["ISSUER '/CN=a'", "ISSUER '/CN=a'"],
    ["SUBJECT '/CN=o''x' AND CIPHER 'c\\\\d'", "SUBJECT '/CN=o''x' AND CIPHER 'c\\\\d'"],
    ["SUBJECT '/CN= AND ' ISSUER 'y'", "SUBJECT '/CN= AND ' AND ISSUER 'y'"],
  ])('the requirement %s', (require, sql) => expect(requireSql(require)).toBe(sql));

  test.each([['everything'], [''], ["SUBJECT '/CN=x' ACCOUNT UNLOCK"], ["SUBJECT '/CN=x"]])('%s is no requirement', (require) =>
    expect(() => requireSql(require)).toThrow(RangeError),
  );
});

describe('a secret', () => {
  test('takes the place of its reference, wherever that stands outside of quotes', () => {
    fc.assert(
      fc.property(text, text, text, (user, comment, value) => {
        const [account, attribute] = [literal(`\${env:PW}${user}`), literal(`${comment}\${env:PW}`)];
        const sql = (what: string) => `ALTER USER ${account} IDENTIFIED BY ${what} RETAIN CURRENT PASSWORD ATTRIBUTE ${attribute}`;
        expect(withSecret(sql('${env:PW}'), '${env:PW}', value)).toBe(sql(literal(value)));
      }),
    );
  });

  test('goes to MariaDB as what it stores of it', () => {
    // the manual's own example of PASSWORD()
    expect(withSecret("CREATE USER 'u' IDENTIFIED BY ${env:PW}", '${env:PW}', 'notagoodpwd', verifier)).toBe(
      "CREATE USER 'u' IDENTIFIED BY PASSWORD '*3A70EE9FC6594F88CE9E959CD51C5A1C002DC937'",
    );
  });

  test('has to have a place, and one alone', () => {
    expect(() => withSecret("ALTER USER '${env:PW}'", '${env:PW}', 'x')).toThrow('no place');
    expect(() => withSecret('${env:PW} ${env:PW}', '${env:PW}', 'x')).toThrow('no place');
  });
});
