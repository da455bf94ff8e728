import { expect, test } from 'vitest';
import { orphanFindings } from '../../src/core/orphans.ts';

const orphans = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `u${at}`, entry: `u${at}: { drop: true }` }));

test.each([
  [5, 5, /^'u0' carries the mark of this stack/],
  [6, 1, /^6 roles carry the mark .*: u0, u1, u2, u3, u4, u5$/],
  [300, 1, /^300 roles carry the mark .* u18, u19, and 280 more$/],
])('of %i roles that nothing declares %i findings tell', (count, findings, first) => {
  const found = orphanFindings(orphans(count));
  expect(found).toHaveLength(findings);
  expect(found[0]).toMatchObject({
    code: 'role/orphan',
    message: expect.stringMatching(first),
    hint: expect.stringContaining('u0: { drop: true }'),
  });
});
