import { describe, expect, test } from 'vitest';
import { secretValue } from '../../src/core/secret-value.ts';

const RDS = '{"engine":"postgres","host":"db","username":"app","password":"p w\\"ä","port":5432}';

describe('a password in a secret', () => {
  test.each<[string, string, string | undefined, string]>([
    ['the whole text', 'p{w}', undefined, 'p{w}'],
    ['the whole text, with its spaces and its end of line', ' p \n', undefined, ' p \n'],
    ['the whole text, a number', '123456', undefined, '123456'],
    ['the whole text, a list', '["a"]', undefined, '["a"]'],
    ['a key as RDS writes it', RDS, 'password', 'p w"ä'],
    ['a key with a dot', '{"a.b":"x"}', 'a.b', 'x'],
    ['a key that objects have anyway', '{"__proto__":"x","constructor":"y"}', '__proto__', 'x'],
  ])('is %s', (_name, text, key, expected) => {
    expect(secretValue(text, key === undefined ? {} : { key })).toEqual({ value: expected });
  });

  test.each<[string, string | null, string | undefined, string, string]>([
    ['bytes', null, 'password', 'binary', 'holds binary data, and a password is text'],
    ['an empty text', '', undefined, 'empty', 'is empty'],
    ['an empty key', '{"password":""}', 'password', 'empty', "is empty at 'password'"],
    ['an object of which no key is named', RDS, undefined, 'whole-json', 'is a JSON object, and no key of it is named'],
    ['a missing key', RDS, 'Password', 'no-key', "has no key 'Password'"],
    ['a key that is on every object', RDS, 'toString', 'no-key', "has no key 'toString'"],
    ['no JSON', 'canary-value', 'password', 'not-json', "is no JSON object, and '#password' asks for a key of one"],
    ['broken JSON', '{"password":"canary-value', 'password', 'not-json', "is no JSON object, and '#password' asks for a key of one"],
    ['a JSON string', '"canary-value"', 'password', 'not-json', "is no JSON object, and '#password' asks for a key of one"],
    ['JSON null', 'null', 'password', 'not-json', "is no JSON object, and '#password' asks for a key of one"],
    ['a list', '["canary-value"]', '0', 'not-json', "is no JSON object, and '#0' asks for a key of one"],
    ['a number', RDS, 'port', 'not-text', "has a number at 'port', expected a string"],
    ['a truth', '{"a":true}', 'a', 'not-text', "has a boolean at 'a', expected a string"],
    ['null', '{"a":null}', 'a', 'not-text', "has null at 'a', expected a string"],
    ['an object in it', '{"a":{"b":"canary-value"}}', 'a', 'not-text', "has an object at 'a', expected a string"],
    ['a list in it', '{"a":["canary-value"]}', 'a', 'not-text', "has a list at 'a', expected a string"],
    ['a NUL', 'canary\0value', undefined, 'nul', 'holds a NUL character, which no password can'],
  ])('is not in %s', (_name, text, key, slug, problem) => {
    const found = secretValue(text, key === undefined ? {} : { key });
    expect(found).toEqual({ slug, problem, hint: expect.any(String) });
    expect(JSON.stringify(found)).not.toMatch(/canary|p w/);
  });
});
