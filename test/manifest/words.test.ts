import { describe, expect, test } from 'vitest';
import { covers, parseSelector } from '../../src/manifest/address.ts';
import { endOf, instantText } from '../../src/manifest/instant.ts';
import { nearest } from '../../src/manifest/near.ts';
import { referenceOf } from '../../src/manifest/password.ts';
import type { Part } from '../../src/model/declared.ts';

const parts = (selector: string, routine = false): string[] | string => {
  const address = parseSelector(selector, routine);
  return 'problem' in address ? address.problem : address.parts.map(({ text, literal }) => (literal ? text : `~${text}`));
};

const QUOTE = 'a quote is inside a part, or is not closed; a part that holds one is written "with ""quotes"""';

describe('a selector', () => {
  test.each<[string, string[]]>([
    ['orders', ['orders']],
    ['orders.public', ['orders', 'public']],
    ['orders.*', ['orders', '~*']],
    ['a_%?[x].b c', ['a_%?[x]', 'b c']],
    ['"a.b".c', ['a.b', 'c']],
    ['"a*"."say ""hi"""', ['a*', 'say "hi"']],
    ['a*b*.*', ['~a*b*', '~*']],
    ['Ümlaut.名', ['Ümlaut', '名']],
    ['public.f(a.b)', ['public', 'f(a', 'b)']],
  ])('%s has the parts %j', (selector, expected) => {
    expect(parts(selector)).toEqual(expected);
  });

  test.each<[string, string[]]>([
    ['public.refund(integer, text)', ['public', 'refund(integer, text)']],
    ['public.f()', ['public', 'f()']],
    ['public.f(a.b, "c)d")', ['public', 'f(a.b, "c)d")']],
    ['public."f(x)"', ['public', 'f(x)']],
    ['public."f(x)"(integer)', ['public', '"f(x)"(integer)']],
    ['public.do it(integer)', ['public', '"do it"(integer)']],
    ['public.*', ['public', '~*']],
  ])('of routines, %s has the parts %j', (selector, expected) => {
    expect(parts(selector, true)).toEqual(expected);
  });

  test.each([
    ['', 'a part is empty'],
    ['.a', 'a part is empty'],
    ['a..b', 'a part is empty'],
    ['a.', 'a part is empty'],
    ['"".a', 'a part is empty'],
    ['"a', QUOTE],
    ['a"b', QUOTE],
    ['"a"b', `'.' is missing after "a"`],
    ['a\0', 'a part holds a NUL'],
  ])('%j is refused: %s', (selector, problem) => {
    expect(parts(selector)).toBe(problem);
  });
});

const part = (text: string): Part =>
  text.startsWith('=') ? { text: text.slice(1), literal: true } : { text, literal: !text.includes('*') };
test.each([
  ['*', 'a', true],
  ['*', 'a*', true],
  ['a*', '*', false],
  ['a*', 'a*', true],
  ['a*c', 'abc', true],
  ['a*c', 'ab', false],
  ['a.c*', 'abc', false],
  ['a*', 'a\nb', true],
  ['a', 'a', true],
  ['a', '*', false],
  ['=*', 'a', false],
  ['=a*', '=a*', true],
])('%s covers %s: %s', (outer, inner, expected) => {
  expect(covers(part(outer), part(inner))).toBe(expected);
});

test.each([
  ['2026-12-31', '2027-01-01T00:00:00Z'],
  ['2028-02-29', '2028-03-01T00:00:00Z'],
  ['2027-02-29', undefined],
  ['2026-13-01', undefined],
  ['2026-12-31T18:00:00Z', '2026-12-31T18:00:00Z'],
  ['2026-12-31t18:00:00.5z', '2026-12-31T18:00:00.500Z'],
  ['2026-12-31 18:00:00+02:00', '2026-12-31T16:00:00Z'],
  ['2026-12-31T24:00:00Z', undefined],
  ['2026-12-31T18:00:00', undefined],
  ['2026-12-31T18:00Z', undefined],
  ['20261231', undefined],
])('until %s ends at %s', (until, expected) => {
  const end = endOf(until);
  expect(end === undefined ? undefined : instantText(end)).toBe(expected);
});

test.each([
  ['app_raed', ['app_write', 'app_read'], 'app_read'],
  ['Reader', ['reader'], 'reader'],
  ['a', ['b'], undefined],
  ['colour', ['description', 'auth'], undefined],
  ['selct', ['SELECT', 'DELETE'], 'SELECT'],
])('for %s among %j, %s is meant', (word, candidates, expected) => {
  expect(nearest(word, candidates)).toBe(expected);
});

const ARN = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/app-Ab12';
test.each([
  ['${env:A_1}', { source: 'env', name: 'A_1', text: '${env:A_1}' }],
  [`\${secret:${ARN}}`, { source: 'secret', name: ARN, text: `\${secret:${ARN}}` }],
  [`\${secret:${ARN}#user.password}`, { source: 'secret', name: ARN, key: 'user.password', text: `\${secret:${ARN}#user.password}` }],
  [
    '${secret:arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:rds!cluster-1-Ab12Cd#password}',
    {
      source: 'secret',
      name: 'arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:rds!cluster-1-Ab12Cd',
      key: 'password',
      text: '${secret:arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:rds!cluster-1-Ab12Cd#password}',
    },
  ],
  ['${env:}', undefined],
  ['${env:A} ', undefined],
  ['${env:A}${env:B}', undefined],
  ['${file:/etc/passwd}', undefined],
  ['${secret:arn:aws:iam::123456789012:role/x}', undefined],
  ['${secret:team/app}', undefined],
  [`\${secret:${ARN}#}`, undefined],
  [`\${secret:${ARN}:password::}`, undefined],
  [`\${secret:${ARN}*}`, undefined],
  [`\${secret:${ARN}}\n`, undefined],
  ['secret', undefined],
])('the reference %s is understood as %j', (text, expected) => {
  expect(referenceOf(text)).toEqual(expected);
});
