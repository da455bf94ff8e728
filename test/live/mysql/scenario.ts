import { applyTarget } from '../../../src/engine/apply.ts';
import type { Applied } from '../../../src/engine/ending.ts';
import { planTarget } from '../../../src/engine/plan.ts';
import { declare } from '../../../src/manifest/declare.ts';
import { readManifest } from '../../../src/manifest/validate.ts';
import type { Declared } from '../../../src/model/declared.ts';
import { Failure } from '../../../src/model/finding.ts';
import type { PlanTarget } from '../../../src/model/plan.ts';
import type { Progress } from '../../../src/model/result.ts';
import { mysql } from '../../../src/providers/mysql/index.ts';
import { inspect } from '../../../src/providers/mysql/inspect.ts';
import { tableRows } from '../../../src/providers/mysql/rows.ts';
import type { Timeouts } from '../../../src/providers/provider.ts';
import type { Mysql } from '../../lab/mysql/server.ts';

const PASSWORD_VARIABLE = 'ROLECALL_TEST_MASTER';

export type ScenarioOptions = {
  /** Port of a proxy in front of the server. */
  readonly port?: number;
  readonly stack?: string;
  /** YAML keys of the target. */
  readonly target?: string;
  readonly lockTimeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly timeouts?: Timeouts;
  readonly onProgress?: (event: Progress) => void;
  /** Further files of the manifest. */
  readonly files?: readonly string[];
  /** Users whose passwords are set again. */
  readonly rotate?: readonly string[];
};

/** A manifest's rest (users, groups, …; the target is called `t` and logs in as the master) as it stands on a live server. */
export const declaredOn = (server: Mysql, body: string, options: ScenarioOptions = {}): Declared => {
  process.env[PASSWORD_VARIABLE] = server.master.password;
  const text = `version: 1
stack: ${options.stack ?? 'test/access'}
targets:
  t:
    engine: ${server.flavour}
    endpoint: { host: 127.0.0.1, port: ${options.port ?? server.port}, tls: disable }
    login: { user: ${server.master.user}, password: "\${env:${PASSWORD_VARIABLE}}" }
${(options.target ?? '').replace(/^(?=.)/gm, '    ')}
${body}`;
  const { manifest, findings } = readManifest([
    { path: 'access.yaml', text },
    ...(options.files ?? []).map((more, at) => ({ path: `more-${at}.yaml`, text: more })),
  ]);
  if (!manifest) throw new Failure(findings);
  const declared = declare(manifest, 't', { asOf: '2026-06-01T00:00:00Z' });
  const rotated = new Set(options.rotate);
  return {
    ...declared,
    roles: new Map([...declared.roles].map(([name, role]) => [name, rotated.has(name) ? { ...role, rotate: true as const } : role])),
  };
};

/** The plan of a manifest. */
export const planOn = async (server: Mysql, body: string, options: ScenarioOptions = {}): Promise<PlanTarget> => {
  const declared = declaredOn(server, body, options);
  return planTarget(mysql, await mysql.inspect({ declared, as: 'plan' }), declared, declared.guards.maxRemovals);
};

/** The same, made from everything that the server holds: what a reading leaves out may change nothing. */
export const planFromAll = async (server: Mysql, body: string): Promise<PlanTarget> => {
  const declared = declaredOn(server, body);
  return planTarget(mysql, await inspect({ declared, as: 'plan' }, { everybody: true }), declared, declared.guards.maxRemovals);
};

/** Plans and applies what was planned. */
export const applyOn = async (server: Mysql, body: string, options: ScenarioOptions = {}): Promise<Applied> => {
  const { port: _, ...direct } = options;
  const approved = await planOn(server, body, direct);
  return await applyTarget(mysql, declaredOn(server, body, options), {
    approved: [approved],
    maxRemovals: null,
    lockTimeoutMs: options.lockTimeoutMs ?? 0,
    signal: options.signal ?? new AbortController().signal,
    onProgress: options.onProgress ?? (() => {}),
    ...(options.timeouts ? { timeouts: options.timeouts } : {}),
    now: () => performance.now(),
  });
};

/** Applies, expects that to succeed, and that planning again finds nothing to do. */
export const settle = async (server: Mysql, body: string, options: ScenarioOptions = {}): Promise<PlanTarget> => {
  const plan = await planOn(server, body, options);
  const { exitCode, result } = await applyOn(server, body, options);
  if (exitCode !== 0) throw new Error(JSON.stringify(result, null, 1));
  const again = (await planOn(server, body, { ...options, rotate: [] })).steps.map(({ sql }) => sql);
  if (again.length > 0) throw new Error(`planned again: ${again.join('\n')}`);
  return plan;
};

/** What the grant tables hold, without sessions: what a plan is made from. */
export const stateOf = async (server: Mysql): Promise<readonly string[]> => {
  const declared = declaredOn(server, 'groups: { nobody: {} }\n');
  const { accounts, edges, defaultRoles, grants, tableGrants = [] } = await inspect({ declared, as: 'plan' }, { everybody: true });
  // On whole tables they come apart from the rest, where nothing is held on their columns.
  const rows = [...grants, ...tableGrants.flatMap(tableRows)].map(({ account, level, schema, relation, name, privileges }) => ({
    account,
    level,
    schema,
    relation,
    name,
    privileges: [...privileges].sort(),
  }));
  const lines = (what: string, rows: readonly unknown[]) => rows.map((row) => `${what} ${JSON.stringify(row)}`);
  return [...lines('account', accounts), ...lines('edge', edges), ...lines('default', defaultRoles), ...lines('grant', rows)].sort();
};
