import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Proof, Proofs } from '../../src/model/proof.ts';
import { proofsJunit } from '../../src/render/junit.ts';
import { displayWidth } from '../../src/render/layout.ts';
import { proofsMarkdown, proofsText } from '../../src/render/proofs.ts';
import { child, parseXml } from '../lab/aws/xml.ts';
import { hostile } from './hostile.ts';

const LOGIN: Proof = {
  status: 'passed',
  cause: null,
  message: 'logged in',
  target: 'orders-prod',
  database: 'orders',
  user: 'orders_api',
  as: 'role/orders-api',
  what: 'login',
  expected: 'allowed',
  judgement: null,
  source: { file: 'access/proofs.yaml', line: 4, column: 5 },
};
const DENIED: Proof = { ...LOGIN, status: 'failed', cause: 'let-in', message: 'it was let in', as: 'role/other', expected: 'denied' };
const PROBE: Proof = {
  ...LOGIN,
  status: 'unproven',
  cause: 'not-logged-in',
  message: 'nobody was logged in',
  hint: 'mend that first',
  as: null,
  database: null,
  what: 'insert on public.orders',
  expected: 'denied',
};

const of = (...proofs: readonly Proof[]): Proofs => {
  const count = (status: Proof['status']) => proofs.filter((proof) => proof.status === status).length;
  const summary = { passed: count('passed'), failed: count('failed'), unproven: count('unproven') };
  return { formatVersion: '1.0', stack: 'acme/access', proofs, summary, findings: [] };
};
const wide = { width: 400, colour: false, unicode: true };

test('as text there is a line for each: what became of it, who, where, why, and where it is expected', () => {
  expect(proofsText(of(LOGIN, DENIED, PROBE), wide)).toBe(
    `passed   role/orders-api as orders_api at orders-prod/orders: login — logged in access/proofs.yaml:4
FAILED   role/other as orders_api at orders-prod/orders: no login — it was let in [let-in] access/proofs.yaml:4
unproven orders_api at orders-prod: cannot insert on public.orders — nobody was logged in · mend that first [not-logged-in] access/proofs.yaml:4

Proofs: 1 passed, 1 failed, 1 unproven.
`,
  );
});

test('no line is wider than the terminal', () => {
  const text = proofsText(of(LOGIN, DENIED, PROBE), { ...wide, width: 60 });
  expect(text.split('\n').filter((line) => displayWidth(line) > 60)).toEqual([]);
});

test('as Markdown what did not pass comes first, and the rest is folded', () => {
  const text = proofsMarkdown(of(LOGIN, DENIED), (file, line) => `https://example.test/${file}#L${line}`);
  expect(text).toMatch(/^### ❌ Access proofs: 1 passed, 1 failed, 0 unproven$/m);
  expect(text.indexOf('it was let in')).toBeLessThan(text.indexOf('<details><summary>1 proof passed</summary>'));
  expect(text).toContain('[`access/proofs.yaml:4`](https://example.test/access/proofs.yaml#L4)');
});

test('as JUnit what is unproven is an error, or skipped where that was allowed', () => {
  expect(proofsJunit(of(LOGIN, DENIED, PROBE), { allowUnproven: false })).toBe(
    `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="acme/access" tests="3" failures="1" errors="1" skipped="0">
  <testsuite name="orders-prod" tests="3" failures="1" errors="1" skipped="0">
    <testcase classname="orders-prod.orders_api" name="role/orders-api as orders_api at orders-prod/orders: login" file="access/proofs.yaml" line="4"/>
    <testcase classname="orders-prod.orders_api" name="role/other as orders_api at orders-prod/orders: no login" file="access/proofs.yaml" line="4">
      <failure type="let-in" message="it was let in">it was let in</failure>
    </testcase>
    <testcase classname="orders-prod.orders_api" name="orders_api at orders-prod: cannot insert on public.orders" file="access/proofs.yaml" line="4">
      <error type="not-logged-in" message="nobody was logged in">nobody was logged in · mend that first</error>
    </testcase>
  </testsuite>
</testsuites>
`,
  );
  const allowed = proofsJunit(of(PROBE), { allowUnproven: true });
  expect(allowed).toContain('errors="0" skipped="1"');
  expect(allowed).toContain('<skipped message="nobody was logged in">');
});

/** Everything that XML 1.0 takes, and no `&` or `<` that stands for itself (sections 2.2 and 2.4). */
const CHARACTERS = /^(?:[\t\n\u0020-\ud7ff\ue000-\ufffd]|[\ud800-\udbff][\udc00-\udfff])*$/;

test('whatever names there are, the XML is well-formed, text keeps to its lines, and a table to its rows', () => {
  const proof = fc.record({
    message: hostile,
    hint: hostile,
    target: hostile,
    user: hostile,
    as: hostile,
    what: hostile,
    database: hostile,
  });
  fc.assert(
    fc.property(fc.array(proof, { minLength: 1, maxLength: 4 }), (names) => {
      const proofs = of(...names.map((name): Proof => ({ ...DENIED, ...name })));
      const xml = proofsJunit(proofs, { allowUnproven: false });
      expect(xml).toMatch(CHARACTERS);
      expect(xml.replace(/&(amp|lt|gt|quot|#39);/g, '')).not.toContain('&');
      const suites = parseXml(xml).children;
      expect(suites.flatMap(({ children }) => children).map((one) => child(one, 'failure')?.name)).toEqual(names.map(() => 'failure'));
      expect(proofsText(proofs, { ...wide, width: 100_000 }).split('\n')).toHaveLength(names.length + 3);
      const table = proofsMarkdown(proofs)
        .split('\n')
        .filter((line) => line.startsWith('| ❌'));
      expect(table.map((row) => row.split('|').length)).toEqual(names.map(() => 7));
    }),
    { numRuns: 300 },
  );
});
