import { expect, test } from 'vitest';
import type { Failure } from '../../../src/model/finding.ts';
import { readError } from '../../../src/providers/mysql/trouble.ts';
import { declaredOf } from './world.ts';

const peer = {
  target: declaredOf().target,
  address: { host: 'db.example.com', port: 3306, user: 'rolecall' },
} as unknown as Parameters<typeof readError>[1];

test.each<[errno: number, said: string, code: string, hint: RegExp]>([
  [1153, "Got a packet bigger than 'max_allowed_packet' bytes", 'inspect/packet', /raise max_allowed_packet/],
  [1142, "SELECT command denied to user 'rolecall'", 'inspect/unreadable', /GRANT SELECT ON mysql/],
  [1105, 'Unknown error', 'inspect/server', /the server's log/],
])('error %i of a reading is explained by what mends it', (errno, said, code, hint) => {
  const [finding] = (readError(Object.assign(new Error(said), { errno }), peer) as Failure).findings;
  expect(finding).toMatchObject({ severity: 'error', code, message: expect.stringContaining(said), hint: expect.stringMatching(hint) });
});
