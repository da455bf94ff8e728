import fs from 'node:fs';
import path from 'node:path';
import { applyTarget } from '../../src/engine/apply.ts';
import { planTarget } from '../../src/engine/plan.ts';
import { declare } from '../../src/manifest/declare.ts';
import { readManifest } from '../../src/manifest/validate.ts';
import type { Declared } from '../../src/model/declared.ts';
import { Failure } from '../../src/model/finding.ts';
import { postgres } from '../../src/providers/postgres/index.ts';
import type { Snapshot } from '../../src/providers/postgres/snapshot.ts';
import type { Postgres } from '../lab/postgres.ts';

/** A folder of fixtures/plan: what a real server held when its plan was made. */
export type PlanCase = { readonly name: string; readonly folder: string; readonly major: number };

const FOLDER = path.resolve(import.meta.dirname, '../../fixtures/plan');

/** The cases, by name; the first line of setup.sql says on which major. */
export const planCases = (): PlanCase[] =>
  fs
    .readdirSync(FOLDER)
    .filter((name) => !/^(mysql|mariadb)-/.test(name) && fs.existsSync(path.join(FOLDER, name, 'setup.sql')))
    .sort()
    .map((name) => {
      const folder = path.join(FOLDER, name);
      const major = /^-- PostgreSQL (\d+)\n/.exec(fs.readFileSync(path.join(folder, 'setup.sql'), 'utf8'))?.[1];
      if (major === undefined) throw new Error(`${name}/setup.sql does not begin with '-- PostgreSQL NN'`);
      return { name, folder, major: Number(major) };
    });

/** Makes a fresh RDS-like server as the case wants it (setup.sql, before.yaml applied, drift.sql), and reads it for manifest.yaml. */
export const capture = async ({ folder }: PlanCase, server: Postgres): Promise<Snapshot> => {
  await runScript(server, path.join(folder, 'setup.sql'));
  const before = path.join(folder, 'before.yaml');
  if (fs.existsSync(before)) await applyAll(declaredAt(before, server));
  const drift = path.join(folder, 'drift.sql');
  if (fs.existsSync(drift)) await runScript(server, drift);
  return portable(await postgres.inspect({ declared: declaredAt(path.join(folder, 'manifest.yaml'), server), as: 'plan' }));
};

/** A script as psql would run it: `\connect DATABASE ROLE` says where and as whom. */
const runScript = async (server: Postgres, file: string): Promise<void> => {
  const parts = fs.readFileSync(file, 'utf8').split(/^\\connect (\w+) (\w+)\n/m);
  for (let index = 1; index < parts.length; index += 3) {
    const login = [server.master, server.superuser].find(({ user }) => user === parts[index + 1]);
    if (!login) throw new Error(`${file}: nobody logs in as ${parts[index + 1]}`);
    const client = await server.connect(login, parts[index]);
    // one by one: CREATE DATABASE runs in no transaction
    for (const statement of parts[index + 2]!.split(/;\n/).filter((text) => text.trim() !== '')) await client.query(statement);
    await client.end();
  }
};

const declaredAt = (file: string, server: Postgres): Declared => {
  const { manifest, findings } = readManifest([{ path: path.basename(file), text: fs.readFileSync(file, 'utf8') }]);
  if (!manifest) throw new Failure(findings);
  const declared = declare(manifest, 't', { asOf: '2026-05-01T00:00:00Z' });
  for (const { password } of declared.roles.values()) if (password) process.env[password.name] = 'a-password';
  process.env.MASTER_PASSWORD = server.master.password;
  const endpoint = { kind: 'explicit', host: '127.0.0.1', port: server.port, tls: 'disable' } as const;
  return { ...declared, target: { ...declared.target, endpoint } };
};

const applyAll = async (declared: Declared): Promise<void> => {
  const approved = planTarget(postgres, await postgres.inspect({ declared, as: 'plan' }), declared);
  const { result } = await applyTarget(postgres, declared, {
    approved: [approved],
    maxRemovals: null,
    lockTimeoutMs: 0,
    signal: new AbortController().signal,
    onProgress: () => {},
    now: () => 0,
  });
  if (result.status !== 'applied') throw new Error(JSON.stringify(result, null, 2));
};

/** Without what is another on every server: its identifier, and the numbers of what was made on it. */
const portable = (snapshot: Snapshot): Snapshot => {
  const made = [...snapshot.roles, ...snapshot.databases].map(({ oid }) => oid).filter((oid) => oid >= FIRST_OID);
  const numbers = new Map([...new Set(made)].sort((a, b) => a - b).map((oid, index) => [oid, FIRST_OID + index]));
  const renumbered = <T extends { readonly oid: number }>(rows: readonly T[]): T[] =>
    rows.map((row) => ({ ...row, oid: numbers.get(row.oid) ?? row.oid }));
  return {
    ...snapshot,
    server: { ...snapshot.server, systemIdentifier: snapshot.server.systemIdentifier && '7000000000000000001' },
    roles: renumbered(snapshot.roles),
    databases: renumbered(snapshot.databases),
  };
};
const FIRST_OID = 16384;
