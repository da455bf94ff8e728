import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { destroyCommand } from '../../../src/commands/destroy.ts';
import { Failure } from '../../../src/model/finding.ts';
import { eachMajor } from '../../lab/majors.ts';
import type { Postgres } from '../../lab/postgres.ts';
import { asMaster, roleExists, settle } from './settle.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rolecall-destroy-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

type Asked = { readonly exitCode: number; readonly out: string; readonly questions: readonly string[]; readonly codes: readonly string[] };

/** Runs `destroy` for a stack, with somebody at the terminal who answers `answer`. */
const destroy = async (
  server: Postgres,
  stack: string,
  { answer = stack, body = '', ...options }: { readonly answer?: string; readonly body?: string; readonly reassignTo?: string } = {},
): Promise<Asked> => {
  process.env.ROLECALL_TEST_PASSWORD = server.master.password;
  const file = path.join(folder, 'rolecall.yaml');
  fs.writeFileSync(
    file,
    `version: 1\nstack: ${stack}\ntargets:\n  t:\n    engine: postgres\n    endpoint: { host: 127.0.0.1, port: ${server.port}, tls: disable }\n    login: { user: ${server.master.user}, password: "\${env:ROLECALL_TEST_PASSWORD}" }\n    databases: [app]\ngroups:\n  declared_only: {}\n${body}`,
  );
  const out: string[] = [];
  const questions: string[] = [];
  const terminal = { width: 120, colour: false, unicode: false };
  try {
    const exitCode = await destroyCommand(
      { manifest: [file], target: [], autoApprove: false, format: 'human', lockTimeoutMs: 0, ...options },
      {
        out: (text) => void out.push(text),
        err: () => {},
        outTerminal: terminal,
        errTerminal: terminal,
        interactive: true,
        ask: async (question) => {
          questions.push(question);
          return answer;
        },
        now: () => new Date('2026-06-01T00:00:00Z'),
        signal: new AbortController().signal,
      },
    );
    return { exitCode, out: out.join(''), questions, codes: [] };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { exitCode: error.exitCode, out: out.join(''), questions, codes: error.findings.map(({ code }) => code) };
  }
};

eachMajor((server) => {
  beforeAll(async () => {
    process.env.DOOMED = 'doomed-password';
    await asMaster(
      server(),
      ['postgres', 'CREATE DATABASE app'],
      ['postgres', 'CREATE DATABASE unlisted'],
      ['app', 'CREATE TABLE t (id int)'],
      ['unlisted', 'CREATE TABLE u (id int)'],
    );
  });
  const STACK = `groups:\n  d_group: { read: [app.public] }\nusers:\n  d_user: { auth: password, password: "\${env:DOOMED}", groups: [d_group], settings: { work_mem: 8MB } }\n  d_off: { auth: none, groups: [{ name: d_group, admin: true }] }`;

  test('everything with the mark goes, also where a database is not listed; others stay; the name is asked for', async () => {
    const s = server();
    const own = { target: 'databases: [app]', stack: 'doomed/stack' };
    await settle(s, STACK, own);
    await asMaster(s, ['postgres', 'CREATE ROLE survivor LOGIN; GRANT d_group TO survivor'], ['unlisted', 'GRANT SELECT ON u TO d_user']);
    const refused = await destroy(s, 'doomed/stack', { answer: 'doomed' });
    expect(refused).toMatchObject({ exitCode: 3, codes: ['apply/not-approved'] });
    expect(await roleExists(s, 'd_user')).toBe(true);
    const done = await destroy(s, 'doomed/stack');
    expect(done).toMatchObject({ exitCode: 0, codes: [], questions: [expect.stringContaining('doomed/stack')] });
    for (const role of ['d_group', 'd_user', 'd_off']) expect(await roleExists(s, role)).toBe(false);
    expect(await roleExists(s, 'survivor')).toBe(true);
    expect(await roleExists(s, 'declared_only')).toBe(false);
  });

  test('destroying what is gone does nothing and asks nobody', async () => {
    expect(await destroy(server(), 'doomed/stack')).toMatchObject({ exitCode: 0, questions: [] });
  });

  test('an owner of objects stops it, unless somebody is named to take them over', async () => {
    const s = server();
    const own = { target: 'databases: [app]', stack: 'doomed/owner' };
    await asMaster(s, ['app', 'CREATE SCHEMA realm; CREATE TABLE realm.t (id int); CREATE ROLE regent NOLOGIN']);
    await settle(s, 'groups:\n  o_owner: { own: [app.realm] }\n  o_other: {}', own);
    expect(await destroy(s, 'doomed/owner')).toMatchObject({ exitCode: 3, codes: ['apply/refused'], questions: [] });
    expect(await roleExists(s, 'o_other')).toBe(true);
    expect(await destroy(s, 'doomed/owner', { reassignTo: 'regent' })).toMatchObject({ exitCode: 0, codes: [] });
    expect(await s.query(s.superuser, 'app', `SELECT tableowner AS owner FROM pg_tables WHERE schemaname = 'realm'`)).toEqual([
      { owner: 'regent' },
    ]);
    expect(await roleExists(s, 'o_owner')).toBe(false);
  });

  test('nobody who goes as well can take the objects over', async () => {
    const s = server();
    const own = { target: 'databases: [app]', stack: 'doomed/heirs' };
    await asMaster(s, ['app', 'CREATE SCHEMA estate; CREATE TABLE estate.t (id int)']);
    await settle(s, 'groups:\n  h_owner: { own: [app.estate] }\n  h_heir: {}', own);
    const outcome = await destroy(s, 'doomed/heirs', { reassignTo: 'h_heir' });
    expect(outcome.exitCode).not.toBe(0);
    expect(outcome.out).toContain("'h_heir'");
    expect(await roleExists(s, 'h_owner')).toBe(true);
  });

  test('a protected role stays, whatever its mark', async () => {
    const s = server();
    const own = { target: 'databases: [app]', stack: 'doomed/protected' };
    await settle(s, 'groups:\n  p_gone: {}\n  p_kept: {}', own);
    expect(await destroy(s, 'doomed/protected', { body: 'guard: { protected: [p_kept] }\n' })).toMatchObject({ exitCode: 0 });
    expect(await roleExists(s, 'p_gone')).toBe(false);
    expect(await roleExists(s, 'p_kept')).toBe(true);
  });
});
