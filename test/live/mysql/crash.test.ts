import { beforeAll, expect, test } from 'vitest';
import { type Fault, startChaos } from '../../lab/chaos.ts';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { applyOn, settle, stateOf } from './scenario.ts';

/** Every how-many-eth statement is hit on one server; the servers begin at different ones. CRASH_STRIDE=1: every one. */
const STRIDE = Number(process.env.CRASH_STRIDE ?? 13);
/** One server of each flavour stands for both where the server's part is small; CRASH_STRIDE=1: every one. */
const isChosen = (version: string): boolean => STRIDE === 1 || ['9.7', '10.11'].includes(version);
const FAULTS: readonly Fault[] = ['reset-before', 'reset-after'];
const QUICK = { connectMs: 5_000, answerMs: 2_000, lockMs: 2_000 };
const IS_WRITING = /^(GRANT|REVOKE|ALTER USER|CREATE|DROP|RENAME|SET DEFAULT ROLE|SELECT CONCAT)/;

const PASSWORD = 'crash-password-1';
const REFERENCE = 'password: "${env:ROLECALL_TEST_CRASH}"';

const OLD = `
groups:
  readers: { read: [orders, my_db], grants: [{ privileges: [select], tables: other.one, columns: [a, b] }] }
  writers: { write: [orders], grants: [{ privileges: [select, insert], tables: other.one, grantable: true }, { privileges: [execute], routines: orders.f }] }
  owners: { own: [my_db] }
  admins: { grants: [{ privileges: [process, reload], global: true, grantable: true }] }
users:
  jane: { auth: password, ${REFERENCE}, groups: [readers], grants: [{ privileges: [select], tables: my_db.one }] }
  john: { auth: password, ${REFERENCE}, hosts: ["%", "10.%"], groups: [writers], limits: { queries_per_hour: 1000 } }
  leaver: { auth: password, ${REFERENCE}, groups: [writers] }
`;
const NEW = `
groups:
  readers: { read: [orders], grants: [{ privileges: [execute], routines: orders.f }] }
  writers: { read: [orders], write: [my_db], grants: [{ privileges: [select], tables: other.one, columns: [a] }] }
  owners: { own: [orders], groups: [readers] }
  admins: { grants: [{ privileges: [process], global: true }] }
users:
  jane: { auth: password, ${REFERENCE}, groups: [{ name: writers, admin: true }], connection_limit: 9 }
  john: { auth: password, ${REFERENCE}, hosts: ["%", "10.%"], groups: [readers] }
  newcomer: { auth: password, ${REFERENCE}, groups: [readers], grants: [{ privileges: [select], tables: other.one, columns: [b] }] }
removed: { leaver: { drop: true } }
`;
const BACK = `${OLD}removed: { newcomer: { drop: true } }\n`;

type Side = { readonly body: string; readonly state: readonly string[]; readonly pieces: ReadonlySet<string> };

/** What accounts can do, piece by piece: each word of each row, each membership, each default, each login that is open. */
const piecesOf = (state: readonly string[]): Set<string> =>
  new Set(
    state.flatMap((line) => {
      const [, what, json] = /^(\w+) (.*)$/.exec(line)!;
      const row = JSON.parse(json!);
      if (what === 'account') return row.kind === 'user' && !row.locked ? [`${row.name} open`] : [];
      if (what === 'edge') return [`${row.member} in ${row.role}`, ...(row.admin ? [`${row.member} in ${row.role} admin`] : [])];
      if (what === 'default') return [`${row.member} default ${row.role}`];
      // The grant option of a table shows on its columns too.
      const words: string[] = row.privileges.map((word: string) => (row.level === 'column' ? word.replace('*', '') : word));
      return words.map((word) => `${row.account} ${word} ${JSON.stringify([row.level, row.schema, row.relation, row.name])}`);
    }),
  );

const of = (account: string, pieces: ReadonlySet<string>) => [...pieces].filter((piece) => piece.startsWith(`${account} `));

eachMysql((server, version) => {
  const offset = ['8.0', '9.7', '10.11', '11.8'].indexOf(version);
  let [old, now] = [{} as Side, {} as Side];

  const reference = async (body: string): Promise<Side> => {
    await settle(server(), body);
    const state = await stateOf(server());
    return { body, state, pieces: piecesOf(state) };
  };

  beforeAll(async () => {
    process.env.ROLECALL_TEST_CRASH = PASSWORD;
    await server().query(
      server().superuser,
      ...['orders', 'my_db', 'other'].flatMap((schema) => [`CREATE DATABASE ${schema}`, `CREATE TABLE ${schema}.one (a INT, b INT)`]),
      'CREATE FUNCTION orders.f() RETURNS INT DETERMINISTIC RETURN 7',
    );
    await reference(OLD);
    now = await reference(NEW);
    old = await reference(BACK);
  });

  /** Nothing beyond old and new; whoever is in both stays open; who is new is open only when complete. */
  const expectBetween = async (from: Side, to: Side, at: string): Promise<void> => {
    const pieces = piecesOf(await stateOf(server()));
    const beyond = [...pieces].filter((piece) => !from.pieces.has(piece) && !to.pieces.has(piece));
    const closed = [...from.pieces].filter((piece) => piece.endsWith(' open') && to.pieces.has(piece) && !pieces.has(piece));
    const comer = to === now ? 'newcomer' : 'leaver';
    const missing = pieces.has(`${comer} open`) ? of(comer, to.pieces).filter((piece) => !pieces.has(piece)) : [];
    expect({ at, beyond, closed, missing }).toEqual({ at, beyond: [], closed: [], missing: [] });
  };

  const expectThere = async (to: Side, at: string): Promise<void> => {
    const again = await applyOn(server(), to.body, { lockTimeoutMs: 20_000 });
    expect({ at, exitCode: again.exitCode, failed: again.result.failed }).toEqual({ at, exitCode: 0, failed: undefined });
    expect(await stateOf(server())).toEqual(to.state);
  };

  /** Applies through a proxy that does something to the n-th writing statement; `crash`: the run ends with it. */
  const applyWith = async (to: Side, at: number, fault: Fault, crash: boolean) => {
    const stop = new AbortController();
    let count = 0;
    const proxy = await startChaos(
      server(),
      ({ sql }) => {
        if (!IS_WRITING.test(sql) || count++ !== at) return undefined;
        if (crash) stop.abort();
        return fault;
      },
      'mysql',
    );
    try {
      const options = { port: proxy.port, timeouts: QUICK, lockTimeoutMs: 5_000, signal: stop.signal };
      return { ...(await applyOn(server(), to.body, options)), hit: proxy.faults() > 0 };
    } finally {
      await proxy.close();
    }
  };

  test(`a run that breaks off at any statement leaves nothing beyond old and new, and the next one ends it (every ${STRIDE}. statement)`, async () => {
    for (let at = offset, hits = [true]; hits.includes(true); at += STRIDE) {
      hits = [];
      for (const to of [now, old]) {
        const fault = FAULTS[(Math.floor(at / STRIDE) + hits.length) % FAULTS.length]!;
        const { exitCode, hit, result } = await applyWith(to, at, fault, true);
        const name = `${at} ${fault}`;
        expect(JSON.stringify(result)).not.toContain(PASSWORD);
        expect({ name, done: exitCode === 0 }).toEqual({ name, done: !hit });
        await expectBetween(to === now ? old : now, to, name);
        await expectThere(to, name);
        hits.push(hit);
      }
    }
  });

  test.runIf(isChosen(version))('a connection that is lost is no more than another attempt, whatever became of the statement', async () => {
    for (const [at, to, fault] of [
      [offset, now, 'reset-after'],
      [12 + offset, old, 'reset-before'],
      [20 + offset, now, 'reset-after'],
      [28 + offset, old, 'blackhole'],
    ] as const) {
      const { exitCode, hit } = await applyWith(to, at, fault, false);
      expect({ at, hit, exitCode }).toEqual({ at, hit: true, exitCode: 0 });
      expect(await stateOf(server())).toEqual(to.state);
    }
  });

  test.runIf(isChosen(version))('a rotation whose reply is lost happens once: the old password stays open beside the new one', async () => {
    const body = (password: number) => `users:\n  turner: { auth: password, ${REFERENCE}, password_version: ${password} }\n`;
    const stack = 'test/turner';
    await settle(server(), body(1), { stack });
    process.env.ROLECALL_TEST_CRASH = 'another-password-2';
    const rotate = server().flavour === 'mariadb' ? { rotate: ['turner'] } : {};
    const proxy = await startChaos(
      server(),
      ({ sql }) => (/IDENTIFIED BY/.test(sql) && proxy.faults() === 0 ? 'reset-after' : undefined),
      'mysql',
    );
    const { exitCode } = await applyOn(server(), body(2), { ...rotate, stack, port: proxy.port, timeouts: QUICK, lockTimeoutMs: 5_000 });
    await proxy.close();
    process.env.ROLECALL_TEST_CRASH = PASSWORD;
    const opens = (password: string) =>
      server()
        .query({ user: 'turner', password }, 'SELECT 1')
        .then(
          () => true,
          () => false,
        );
    expect({ exitCode, faults: proxy.faults(), old: await opens(PASSWORD), new: await opens('another-password-2') }).toEqual({
      exitCode: 0,
      faults: 1,
      old: server().flavour === 'mysql',
      new: true,
    });
    await settle(server(), 'removed: { turner: { drop: true } }\n', { stack });
  });

  test.runIf(isChosen(version))('the server killed at a statement: what was acknowledged is there, and the next run ends it', async () => {
    for (const [at, to] of [
      [4 + offset, now],
      [17 + 3 * offset, old],
    ] as const) {
      let count = 0;
      let crash: Promise<void> | undefined;
      const stop = new AbortController();
      const proxy = await startChaos(
        server(),
        ({ sql }) => {
          if (!IS_WRITING.test(sql) || count++ !== at) return undefined;
          stop.abort();
          crash = server().crash();
          return 'reset-before';
        },
        'mysql',
      );
      const { exitCode } = await applyOn(server(), to.body, { port: proxy.port, timeouts: QUICK, signal: stop.signal });
      await crash;
      await proxy.close();
      await server().restart();
      expect({ at, exitCode: exitCode === 0 }).toEqual({ at, exitCode: false });
      await expectBetween(to === now ? old : now, to, `killed at ${at}`);
      await expectThere(to, `killed at ${at}`);
    }
  });
});
