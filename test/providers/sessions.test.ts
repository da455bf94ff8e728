import { expect, test } from 'vitest';
import { runHolder } from '../../src/providers/sessions.ts';

const told: string[] = [];
const order = (breakLock: boolean) => ({ breakLock, user: 'jane', onHolder: (named: string) => void told.push(`named ${named}`) });
/** The lock is held by session 7 until that one is ended. */
const held = (refusal: string | null) => {
  let holder: { readonly session: number; readonly named: string } | null = { session: 7, named: "'master' from 10.0.0.1" };
  const end = async (session: number): Promise<string | null> => {
    told.push(`ended ${session}`);
    if (refusal === null) holder = null;
    return refusal;
  };
  return { find: async () => holder, end };
};

test.each<[string, boolean, string | null, readonly string[], readonly string[]]>([
  ['is told of, and left alone', false, null, [], ['lock/run']],
  ['is named before it is ended, where that is asked for', true, null, ["named 'master' from 10.0.0.1", 'ended 7'], ['lock/run-ended']],
  ['is named, and goes on where it may not be ended', true, 'not yours', ["named 'master' from 10.0.0.1", 'ended 7'], ['lock/run']],
])('who holds the run lock %s', async (_name, breakLock, refusal, happened, codes) => {
  told.length = 0;
  const { find, end } = held(refusal);
  const findings = await runHolder(order(breakLock) as Parameters<typeof runHolder>[0], find, end);
  expect({ told, codes: findings.map(({ code }) => code) }).toEqual({ told: happened, codes });
});

test('where nobody holds it nothing is said', async () => {
  const nobody = async () => null;
  expect(await runHolder(order(true) as Parameters<typeof runHolder>[0], nobody, nobody)).toEqual([]);
});
