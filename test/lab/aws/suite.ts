import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FETCH, isMotoInstalled, type Moto, type MotoOptions, startMoto } from './moto.ts';

/**
 * A suite with an emulator that lives as long as the suite. Where the emulator was not fetched the suite is skipped with the
 * command that fetches it, or fails where CI is set.
 */
export function withMoto(name: string, body: (moto: () => Moto) => void, options: MotoOptions = {}): void {
  if (isMotoInstalled()) describe(name, () => body(useMoto(options)));
  else missing(name);
}

/** An emulator for the suite that calls this: started before its tests, stopped after them. */
export function useMoto(options: MotoOptions = {}): () => Moto {
  let moto: Moto | undefined;
  // biome-ignore lint/correctness/noEmptyPattern: vitest wants the first argument's fixtures by pattern, and hands out the suite as the second
  beforeAll(async ({}, suite) => {
    moto = await startMoto(options);
    Object.assign(suite.meta, { moto: moto.version });
  });
  afterAll(async () => await moto?.stop());
  return () => {
    if (moto === undefined) throw new Error('the AWS emulator runs only while the tests of its suite do');
    return moto;
  };
}

function missing(name: string): void {
  if (process.env.CI) test('the AWS emulator is here', () => expect.fail(`it is not: run ${FETCH}`));
  else test.skip(`${name} (the AWS emulator is not here: ${FETCH})`, () => {});
}
