import { expect, test } from 'vitest';
import { withoutLocked } from '../../src/core/locked.ts';
import type { DeclaredConnect, DeclaredIam } from '../../src/model/iam.ts';

const connect = (target: string, user: string): DeclaredConnect => ({
  principal: { kind: 'role', name: 'app' },
  target,
  user,
  arns: [],
  source: { file: 'access.yaml', line: 1, column: 1 },
});
const IAM = { connects: [connect('orders', 'jane'), connect('orders', 'kim'), connect('billing', 'jane')] } as unknown as DeclaredIam;
const left = (locked: ReadonlyMap<string, ReadonlySet<string>>) =>
  withoutLocked(IAM, locked).connects.map(({ target, user }) => `${target}/${user}`);

test('a user that is locked on one target keeps its lines on the others', () => {
  expect(left(new Map([['orders', new Set(['jane'])]]))).toEqual(['orders/kim', 'billing/jane']);
  expect(left(new Map([['orders', new Set<string>()]]))).toEqual(['orders/jane', 'orders/kim', 'billing/jane']);
});
