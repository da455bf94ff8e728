import { afterEach, beforeAll, expect, test } from 'vitest';
import { EXIT, Failure } from '../../../src/model/finding.ts';
import { lock } from '../../../src/providers/mysql/lock.ts';
import type { LockOptions, RunLock } from '../../../src/providers/provider.ts';
import { startChaos } from '../../lab/chaos.ts';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { declaredOf } from '../../providers/declared.ts';
import { mysqlTarget } from './target.ts';

eachMysql((server) => {
  const held: RunLock[] = [];
  afterEach(async () => {
    for (const taken of held.splice(0)) await taken.release();
  });
  beforeAll(() => {
    process.env.LAB_PASSWORD = server().master.password;
    return () => {
      delete process.env.LAB_PASSWORD;
    };
  });
  const take = async (options: Partial<LockOptions> & { readonly stack?: string; readonly port?: number } = {}): Promise<RunLock> => {
    const { stack = 'acme/access', port } = options;
    const taken = await lock(declaredOf(mysqlTarget(server(), {}, port === undefined ? {} : { port }), { stack }), {
      timeoutMs: 0,
      signal: new AbortController().signal,
      onWait: () => {},
      timeouts: { connectMs: 3_000, answerMs: 1_000 },
      ...options,
    });
    held.push(taken);
    return taken;
  };
  const findingOf = async (promise: Promise<unknown>) => {
    const error = await promise.then(
      () => null,
      (reason: unknown) => reason,
    );
    if (!(error instanceof Failure)) throw new Error(`expected a Failure, got ${String(error)}`);
    return { ...error.findings[0]!, exitCode: error.exitCode };
  };
  const holder = async (): Promise<unknown> => {
    const [row] = await server().query(server().superuser, "SELECT IS_USED_LOCK('rolecall') AS id");
    return row!.id;
  };

  test('is given back before its session leaves: a busy server lets go of what a session held some time later', async () => {
    const sent: string[] = [];
    const note = ({ sql }: { readonly sql: string }) => void sent.push(sql);
    const proxy = await startChaos(server(), note, 'mysql');
    try {
      await (await take({ port: proxy.port })).release();
    } finally {
      await proxy.close();
    }
    expect(sent.at(-1)).toBe("SELECT RELEASE_LOCK('rolecall')");
  });

  test('who finds it taken is told by whom, exit 6; whatever the stack', async () => {
    const first = await take({ stack: 'first/stack' });
    const { code, message, hint, exitCode } = await findingOf(take({ stack: 'second/stack' }));
    expect({ code, exitCode }).toEqual({ code: 'lock/held', exitCode: EXIT.locked });
    expect(message).toMatch(/^target 'lab': another run holds the lock: 'master' from 127\.0\.0\.1:\d+, connection \d+$/);
    expect(hint).toContain('--lock-timeout');
    await first.check();
    await first.release();
    expect(await holder()).toBeNull();
    await (await take()).release();
  });

  test('who waits gets it when it is given back, and hears once from whom', async () => {
    const first = await take();
    const waited: string[] = [];
    const second = take({ timeoutMs: 10_000, onWait: (who) => void waited.push(who) });
    await expect.poll(() => waited).toHaveLength(1);
    await first.release();
    await (await second).check();
    expect(waited).toEqual([expect.stringContaining("'master' from 127.0.0.1")]);
  });

  test('who waits may be interrupted', async () => {
    await take();
    const interruption = new AbortController();
    const waiting = findingOf(take({ timeoutMs: 60_000, signal: interruption.signal, onWait: () => interruption.abort() }));
    expect(await waiting).toMatchObject({ code: 'apply/interrupted', exitCode: EXIT.interrupted });
  });

  test('a lock whose session was ended is noticed, and is free for others', async () => {
    const first = await take();
    await server().query(server().superuser, `KILL ${await holder()}`);
    // the client hears of it when it may
    await expect.poll(async () => (await first.check().catch((lost: Failure) => lost))?.findings[0]?.code).toBe('lock/lost');
    await (await take()).check();
  });
});
