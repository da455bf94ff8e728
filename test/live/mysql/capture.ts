import fs from 'node:fs';
import path from 'node:path';
import { applyTarget } from '../../../src/engine/apply.ts';
import { planTarget } from '../../../src/engine/plan.ts';
import { declare } from '../../../src/manifest/declare.ts';
import { readManifest } from '../../../src/manifest/validate.ts';
import type { Change } from '../../../src/model/change.ts';
import type { Declared } from '../../../src/model/declared.ts';
import { Failure, isError } from '../../../src/model/finding.ts';
import { mysql } from '../../../src/providers/mysql/index.ts';
import { sorted, tableRows } from '../../../src/providers/mysql/rows.ts';
import type { Server, Snapshot } from '../../../src/providers/mysql/snapshot.ts';
import type { Version } from '../../lab/mysql/builds.ts';
import { type Mysql, startMysql } from '../../lab/mysql/server.ts';

/** A folder of fixtures/plan: what a real server held when its plan was made. */
export type PlanCase = {
  readonly name: string;
  readonly folder: string;
  readonly version: Version;
  readonly settings: Readonly<Record<string, string>>;
  /** The server has no plugin of RDS; its reading says that it has. */
  readonly iam: boolean;
};

const FOLDER = path.resolve(import.meta.dirname, '../../../fixtures/plan');
const HEAD = /^-- (?:MySQL|MariaDB) (\d+\.\d+)((?: [\w-]+=\S+)*)(, as if it had the plugin of IAM)?\n/;

/** The cases of these engines, by name; the first line of setup.sql says on which version, with which settings. */
export const planCases = (): PlanCase[] =>
  fs
    .readdirSync(FOLDER)
    .filter((name) => /^(mysql|mariadb)-/.test(name))
    .sort()
    .map((name) => {
      const folder = path.join(FOLDER, name);
      const head = HEAD.exec(fs.readFileSync(path.join(folder, 'setup.sql'), 'utf8'));
      if (!head) throw new Error(`${name}/setup.sql does not begin with '-- MySQL N.N' or '-- MariaDB N.N'`);
      const settings = head[2]!
        .split(' ')
        .filter(Boolean)
        .map((setting) => setting.split('=') as [string, string]);
      return { name, folder, version: head[1] as Version, settings: Object.fromEntries(settings), iam: head[3] !== undefined };
    });

/**
 * Makes a fresh RDS-like server as the case wants it (setup.sql, before.yaml applied, drift.sql), and reads it for manifest.yaml.
 * `left`: what still differs when that was applied, but for what is blocked; null: nobody could apply it here.
 */
export const capture = async ({
  folder,
  version,
  settings,
  iam,
}: PlanCase): Promise<{ snapshot: Snapshot; left: readonly Change[] | null }> => {
  const server = await startMysql(version, { settings, tls: 'none' });
  try {
    await runScript(server, path.join(folder, 'setup.sql'));
    const before = path.join(folder, 'before.yaml');
    if (fs.existsSync(before)) await applyAll(declaredAt(before, server));
    const drift = path.join(folder, 'drift.sql');
    if (fs.existsSync(drift)) await runScript(server, drift);
    const declared = declaredAt(path.join(folder, 'manifest.yaml'), server);
    const snapshot = await mysql.inspect({ declared, as: 'plan' });
    const applicable = !iam && !planTarget(mysql, snapshot, declared).findings.some(isError);
    if (applicable) await applyAll(declared);
    return { snapshot: portable(snapshot, version, iam), left: applicable ? await leftOf(declared) : null };
  } finally {
    await server.stop();
  }
};

const runScript = async (server: Mysql, file: string): Promise<void> => {
  const statements = fs
    .readFileSync(file, 'utf8')
    .split(/;\n/)
    .map((text) => text.replaceAll(/^--.*\n/gm, '').trim())
    .filter((text) => text !== '');
  await server.query(server.superuser, ...statements);
};

const declaredAt = (file: string, server: Mysql): Declared => {
  const { manifest, findings } = readManifest([{ path: path.basename(file), text: fs.readFileSync(file, 'utf8') }]);
  if (!manifest) throw new Failure(findings);
  const declared = declare(manifest, 't', { asOf: '2026-05-01T00:00:00Z' });
  for (const { password } of declared.roles.values()) if (password) process.env[password.name] = 'a-Password-1';
  process.env.MASTER_PASSWORD = server.master.password;
  const endpoint = { kind: 'explicit', host: '127.0.0.1', port: server.port, tls: 'disable' } as const;
  return { ...declared, target: { ...declared.target, endpoint } };
};

const leftOf = async (declared: Declared): Promise<readonly Change[]> => {
  const { changes } = planTarget(mysql, await mysql.inspect({ declared, as: 'plan' }), declared);
  return changes.filter(({ blocked }) => blocked === undefined);
};

const applyAll = async (declared: Declared): Promise<void> => {
  const approved = planTarget(mysql, await mysql.inspect({ declared, as: 'plan' }), declared);
  const { result } = await applyTarget(mysql, declared, {
    approved: [approved],
    maxRemovals: null,
    lockTimeoutMs: 0,
    signal: new AbortController().signal,
    onProgress: () => {},
    now: () => 0,
  });
  const blocked = result.residue.every((change) => change.blocked !== undefined) && result.failed === undefined;
  if (!['applied', 'unchanged'].includes(result.status) && !blocked) throw new Error(JSON.stringify(result, null, 2));
};

const RELEASES: Readonly<Record<Version, Pick<Server, 'version' | 'versionText'>>> = {
  '8.0': { version: 80045, versionText: '8.0.45' },
  '9.7': { version: 90704, versionText: '9.7.4' },
  '10.11': { version: 101118, versionText: '10.11.18-MariaDB' },
  '11.8': { version: 110806, versionText: '11.8.6-MariaDB' },
};

/** Without what is another on every server, and on every release of a series. */
const portable = ({ tableGrants = [], ...snapshot }: Snapshot, version: Version, iam: boolean): Snapshot => ({
  ...snapshot,
  grants: sorted([...snapshot.grants, ...tableGrants.flatMap(tableRows)], ({ account, level, schema, relation, name }) => [
    account,
    level,
    schema ?? '',
    relation ?? '',
    name ?? '',
  ]),
  server: {
    ...snapshot.server,
    ...RELEASES[version],
    uuid: snapshot.server.uuid && '00000000-0000-0000-0000-000000000001',
    iamPlugin: iam || snapshot.server.iamPlugin,
  },
});
