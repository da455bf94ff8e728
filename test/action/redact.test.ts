import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keepSecret, keepSecretsOf, redact } from '../../src/action/redact.ts';
import { hostile } from '../render/hostile.ts';

const JWT = ['{"alg":"RS256"}', '{"sub":"repo:acme/access"}', 'signature!']
  .map((part) => Buffer.from(part).toString('base64url'))
  .join('.');
const BASE64 = 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ';

describe('redact', () => {
  test.each([
    ['a password in a connection string', 'host=db password=Canary-1x user=a', 'host=db password=*** user=a'],
    ['a quoted password', `password='Canary-1x' user=a`, `password='***' user=a`],
    ['a password in JSON', '{"a":"password=\\"Canary-1x\\""}', '{"a":"password=\\"***\\""}'],
    ['a password of a statement', `ALTER ROLE "a" PASSWORD 'Canary''1x'`, `ALTER ROLE "a" PASSWORD '***'`],
    ['a URI', 'postgres://jane:Canary-1x@db.example.test/orders', 'postgres://jane:***@db.example.test/orders'],
    ['a SCRAM verifier', `SCRAM-SHA-256$4096:${BASE64}=$${BASE64}=:${BASE64}=`, 'SCRAM-SHA-256$***'],
    ['an MD5 verifier', `md5${'0a'.repeat(16)}`, 'md5***'],
    ['a verifier of MySQL', '$A$005$Canary1xCanary', '$A$***'],
    ['an older one', `*${'0A'.repeat(20)}`, '***'],
    ['an access key', 'AKIAIOSFODNN7EXAMPLE', '***'],
    ['a secret key', `aws_secret_access_key = ${BASE64}12345678`, 'aws_secret_access_key = ***'],
    ['keys as AWS answers them', `"SecretAccessKey":"${BASE64}12345678"`, '"SecretAccessKey":"***"'],
    [
      'a token to log in with',
      'db:5432/?Action=connect&X-Amz-Signature=0aCanary&X-Amz-Security-Token=Canary%2B',
      'db:5432/?Action=connect&X-Amz-Signature=***&X-Amz-Security-Token=***',
    ],
    ['a JSON web token', `Bearer ${JWT} x`, 'Bearer *** x'],
    ['a token of GitHub', `ghs_${'a1'.repeat(18)} x`, '*** x'],
    ['a private key', '-----BEGIN RSA PRIVATE KEY-----\nCanary\n-----END RSA PRIVATE KEY-----', '***'],
  ])('hides %s', (_name, text, expected) => {
    expect(redact(text)).toBe(expected);
    expect(redact(text)).not.toContain('Canary');
  });

  test.each([
    ['a digest and a commit', `v1:${'0a'.repeat(32)} ${'4f'.repeat(20)}`],
    ['a reference to a secret', 'ALTER ROLE "nightly" PASSWORD ${env:NIGHTLY_PASSWORD}'],
    ['the setting password_encryption', 'password_encryption = on'],
    ['a URL', 'https://github.com/acme/access/actions/runs/812'],
    ['a marker', `<!-- rolecall:1 ${Buffer.from('{"key":"prod","kind":"plan"}').toString('base64url')} -->`],
  ])('leaves %s as it is', (_name, text) => {
    expect(redact(text)).toBe(text);
  });

  test('hides what this process has held, in every form in which it may come back', () => {
    keepSecret('Canary "kept" & more');
    keepSecretsOf({ NIGHTLY_PASSWORD: 'Canary-of-the-night', AWS_SESSION_TOKEN: 'Canary/session', PATH: '/usr/bin/sbin', HOME: undefined });
    const forms = [
      'Canary "kept" & more',
      'Canary \\"kept\\" & more',
      encodeURIComponent('Canary "kept" & more'),
      btoa('Canary "kept" & more'),
    ];
    for (const form of [...forms, 'Canary-of-the-night', 'Canary/session']) expect(redact(`a ${form} b`)).toBe('a *** b');
    expect(redact('/usr/bin/sbin')).toBe('/usr/bin/sbin');
  });

  test('does not hide a word of ours that somebody made a password of, nor a short one', () => {
    keepSecretsOf({ PGPASSWORD: 'postgres', A_TOKEN: 'abc' });
    expect(redact('engine postgres abc')).toBe('engine postgres abc');
  });

  test('takes nothing away that Markdown or JSON is made of, and makes nothing longer', () => {
    const marks = (text: string): string => text.replace(/[^`|"<>\n]/g, '');
    const parts = fc.oneof(
      hostile,
      fc.constantFrom('password=', 'secret = ', "PASSWORD '", 'a://b:', '@c', 'X-Amz-Signature=', '$A$005$', 'eyJabcdefgh.abcdefgh.'),
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 6 }), (texts) => {
        const text = texts.join('');
        expect(marks(redact(text))).toBe(marks(text));
        expect(redact(text).length).toBeLessThanOrEqual(text.length);
        expect(JSON.parse(redact(JSON.stringify(text)))).toBeTypeOf('string');
      }),
      { numRuns: 300 },
    );
  });
});
