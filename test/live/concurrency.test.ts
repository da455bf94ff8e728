import { beforeAll, expect, test } from 'vitest';
import { eachMajor } from '../lab/majors.ts';
import { applyOn, planOn, type ScenarioOptions } from './scenario.ts';

/** 50 rounds on one major; on the others fewer are enough. */
const roundsOn = (major: number): number => (major === 16 ? 50 : 12);

const TARGET = 'databases: [one, two]\ndefaults_for: { one: [maker], two: [maker] }';
const side = (name: string, even: boolean): string => `
existing: [maker, foreign]
groups:
  ${name}_reader: { read: [one.s, two.s] }
  ${name}_writer: { ${even ? 'write: [one.s, two.s]' : 'read: [one.s]'}, groups: [${name}_reader] }
users:
  ${name}_user: { auth: none, groups: [${even ? `${name}_reader` : `${name}_writer`}] }
`;

eachMajor(
  (server, major) => {
    const options = (stack: string, rest: ScenarioOptions = {}): ScenarioOptions => ({ target: TARGET, stack: `test/${stack}`, ...rest });
    beforeAll(async () => {
      await server().query(server().master, 'postgres', 'CREATE ROLE maker; CREATE ROLE "foreign"');
      for (const database of ['one', 'two']) {
        await server().query(server().master, 'postgres', `CREATE DATABASE ${database}`);
        await server().query(
          server().superuser,
          database,
          'CREATE SCHEMA s AUTHORIZATION maker; SET ROLE maker; CREATE TABLE s.a (i int); CREATE TABLE s.b (i int)',
        );
      }
    });

    test('of two runs at once the second is refused by the lock, and told who holds it', async () => {
      let refused = 0;
      for (let round = 0; round < 8; round++) {
        const body = side('same', round % 2 === 0);
        const approved = await planOn(server(), body, options('same'));
        const both = await Promise.all([0, 1].map(() => applyOn(server(), body, options('same', { approved } as ScenarioOptions))));
        for (const { exitCode, result } of both) {
          if (exitCode === 0) continue;
          refused++;
          expect(exitCode).toBe(6);
          expect(result.findings.map(({ message }) => message).join()).toMatch(
            /another run holds the lock: 'rolecall test\/same' as 'master' from 127\.0\.0\.1.*, pid \d+, connected since/,
          );
        }
        expect(both.some(({ exitCode }) => exitCode === 0)).toBe(true);
        expect((await planOn(server(), body, options('same'))).changes).toEqual([]);
      }
      expect(refused).toBeGreaterThan(0);
    });

    test('two stacks at once: the second waits, and both are there', async () => {
      for (let round = 0; round < 3; round++) {
        const stacks = ['left', 'right'] as const;
        const both = await Promise.all(
          stacks.map((stack) => applyOn(server(), side(stack, round % 2 === 0), options(stack, { lockTimeoutMs: 20_000 }))),
        );
        expect(both.map(({ exitCode, result }) => ({ exitCode, failed: result.failed }))).toEqual(
          [0, 0].map((exitCode) => ({ exitCode, failed: undefined })),
        );
        for (const stack of stacks) expect((await planOn(server(), side(stack, round % 2 === 0), options(stack))).changes).toEqual([]);
      }
    });

    test(`beside another tool that grants and revokes on the same objects, ${roundsOn(major)} rounds: no deadlock and no false success`, async () => {
      const ours = `same_reader`;
      const statements = [
        'GRANT INSERT ON s.a TO "foreign"',
        'REVOKE INSERT ON s.a FROM "foreign"',
        'GRANT USAGE ON SCHEMA s TO "foreign"',
        'REVOKE USAGE ON SCHEMA s FROM "foreign"',
      ];
      const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
      // One holds its locks for a while, the other does not; both give up where they collide, as tools do.
      const other = async (database: string, holdMs: number, stop: AbortSignal): Promise<number> => {
        const client = await server().connect(server().superuser, database);
        let done = 0;
        await client.query('SET ROLE maker');
        for (let turn = 0; !stop.aborted; turn++) {
          await client.query('BEGIN');
          await client.query(statements[turn % statements.length]!).then(
            () => done++,
            () => {},
          );
          await pause(holdMs);
          await client.query('COMMIT');
          await pause(4);
        }
        await client.end();
        return done;
      };
      const stop = new AbortController();
      const others = [other('one', 25, stop.signal), other('two', 0, stop.signal)];
      let retried = 0;
      try {
        for (let round = 0; round < roundsOn(major); round++) {
          const body = side('same', round % 2 === 0);
          // and once in a while it takes away or adds what is ours
          if (round % 3 === 0)
            await server()
              .query(
                server().superuser,
                'one',
                `SET ROLE maker; ${round % 2 === 0 ? `REVOKE SELECT ON s.a FROM ${ours}` : `GRANT DELETE ON s.b TO ${ours}`}`,
              )
              .catch(() => {});
          const { exitCode, result } = await applyOn(
            server(),
            body,
            options('same', { onProgress: ({ type }) => void (type === 'retry' && retried++) }),
          );
          expect({ round, exitCode, failed: result.failed, findings: result.findings }).toEqual({
            round,
            exitCode: 0,
            failed: undefined,
            findings: [],
          });
          expect((await planOn(server(), body, options('same'))).changes).toEqual([]);
        }
      } finally {
        stop.abort();
      }
      const done = (await Promise.all(others)).reduce((sum, count) => sum + count, 0);
      console.log(`PostgreSQL ${major}: ${done} statements of the other tool, ${retried} transactions planned again`);
      expect(done).toBeGreaterThan(roundsOn(major));
      expect(server().log()).not.toContain('deadlock detected');
      // both meet on one row, and the program holds its ground
      expect(server().log()).toContain('tuple concurrently updated');
    });
  },
  { only: [13, 16, 18] },
);
