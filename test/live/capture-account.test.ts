import fs from 'node:fs';
import path from 'node:path';
import * as aws from '@aws-sdk/client-iam';
import { expect, test } from 'vitest';
import { applyTarget } from '../../src/engine/apply.ts';
import { planTarget } from '../../src/engine/plan.ts';
import type { Declared } from '../../src/model/declared.ts';
import { iam } from '../../src/providers/iam/index.ts';
import { policyName } from '../../src/providers/iam/pack.ts';
import type { Snapshot } from '../../src/providers/iam/snapshot.ts';
import { accountOf, snapshotJson } from '../engine/account.ts';
import { awsEnvironment, clientConfig } from '../lab/aws/moto.ts';
import { withMoto } from '../lab/aws/suite.ts';

// UPDATE_SNAPSHOTS=1 writes what the emulator holds now; the golden plans are then made anew from it.
const UPDATE = process.env.UPDATE_SNAPSHOTS === '1';
const FOLDER = path.resolve(import.meta.dirname, '../../fixtures/plan');

withMoto('the snapshots of accounts in fixtures/plan are what the emulator holds', (moto) => {
  const names = fs.readdirSync(FOLDER).filter((name) => fs.existsSync(path.join(FOLDER, name, 'setup.json')));

  test.each(names)('%s', async (name) => {
    const at = (file: string): string => path.join(FOLDER, name, file);
    await moto().reset();
    Object.assign(process.env, awsEnvironment(moto()));
    const wanted = accountOf(fs.readFileSync(at('manifest.yaml'), 'utf8'));
    await send(at('setup.json'), wanted);
    if (fs.existsSync(at('before.yaml'))) await applyAll(accountOf(fs.readFileSync(at('before.yaml'), 'utf8')));
    if (fs.existsSync(at('drift.json'))) await send(at('drift.json'), wanted);
    const text = snapshotJson(portable(await iam.inspect({ declared: wanted, as: 'plan' })));
    if (UPDATE) fs.writeFileSync(at('iam.snapshot.json'), text);
    expect(JSON.parse(text)).toEqual(JSON.parse(fs.readFileSync(at('iam.snapshot.json'), 'utf8')));
  });

  /** Calls as they stand in a file; a policy of ours is named by whom it is for. */
  const send = async (file: string, { stack, iam: account }: Declared): Promise<void> => {
    const client = new aws.IAMClient({ ...clientConfig(moto()) });
    const text = fs
      .readFileSync(file, 'utf8')
      .replace(
        /\{policy of ([^}]+)\}/g,
        (_, principal) => `arn:aws:iam::123456789012:policy${account!.path}${policyName(principal, stack)}`,
      );
    const commands = aws as unknown as Readonly<Record<string, new (input: object) => never>>;
    for (const { operation, input } of JSON.parse(text)) await client.send(new commands[`${operation}Command`]!(input));
    client.destroy();
  };
});

const applyAll = async (declared: Declared): Promise<void> => {
  const approved = planTarget(iam, await iam.inspect({ declared, as: 'plan' }), declared);
  const { result } = await applyTarget(iam, declared, {
    approved: [approved],
    maxRemovals: null,
    lockTimeoutMs: 0,
    signal: new AbortController().signal,
    onProgress: () => {},
    now: () => 0,
  });
  if (result.status !== 'applied') throw new Error(JSON.stringify(result, null, 2));
};

/** Without what is another in every account: the ids of identities. */
const portable = (snapshot: Snapshot): Snapshot => ({
  ...snapshot,
  identities: new Map(
    [...snapshot.identities]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, { ...one, id: `${PREFIXES[one.kind]}${one.name.toUpperCase()}` }]),
  ),
  policies: new Map([...snapshot.policies].sort(([a], [b]) => (a < b ? -1 : 1))),
});

/** IAM User Guide, "IAM identifiers": the emulator has none of these for users and groups. */
const PREFIXES = { role: 'AROA', user: 'AIDA', group: 'AGPA' } as const;
