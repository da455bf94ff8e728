import { applyTarget } from '../../src/engine/apply.ts';
import type { Applied } from '../../src/engine/ending.ts';
import { planTarget } from '../../src/engine/plan.ts';
import { declare } from '../../src/manifest/declare.ts';
import { readManifest } from '../../src/manifest/validate.ts';
import type { Change } from '../../src/model/change.ts';
import type { Declared } from '../../src/model/declared.ts';
import { Failure, type Finding } from '../../src/model/finding.ts';
import type { PlanTarget } from '../../src/model/plan.ts';
import type { Progress } from '../../src/model/result.ts';
import { postgres } from '../../src/providers/postgres/index.ts';
import type { Timeouts } from '../../src/providers/provider.ts';
import type { Postgres } from '../lab/postgres.ts';

export const STACK = 'test/access';
/** 2026-06-01: manifests of the tests put `until` before or after it. */
const AS_OF = '2026-06-01T00:00:00Z';
const PASSWORD_VARIABLE = 'ROLECALL_TEST_PASSWORD';

export type ScenarioOptions = {
  /** Port of a proxy in front of the server. */
  readonly port?: number;
  /** The target's endpoint in YAML, where it is not the server itself. */
  readonly endpoint?: string;
  /** YAML keys of the target, e.g. `databases: [app]`. */
  readonly target?: string;
  readonly stack?: string;
  /** Further files of the manifest. */
  readonly files?: readonly string[];
  readonly asOf?: string;
  readonly lockTimeoutMs?: number;
  readonly maxRemovals?: number;
  readonly signal?: AbortSignal;
  readonly timeouts?: Timeouts;
  readonly onProgress?: (event: Progress) => void;
};

/** A manifest's rest (users, groups, …; the target is called `t` and logs in as the master) as it stands on a live server. */
export const declaredOf = (server: Postgres, body: string, options: ScenarioOptions = {}): Declared => {
  process.env[PASSWORD_VARIABLE] = server.master.password;
  const text = `version: 1
stack: ${options.stack ?? STACK}
targets:
  t:
    engine: postgres
    endpoint: ${options.endpoint ?? `{ host: 127.0.0.1, port: ${options.port ?? server.port}, tls: disable }`}
    login: { user: ${server.master.user}, password: "\${env:${PASSWORD_VARIABLE}}" }
${(options.target ?? '').replace(/^(?=.)/gm, '    ')}
${body}`;
  const { manifest, findings } = readManifest([
    { path: 'access.yaml', text },
    ...(options.files ?? []).map((more, at) => ({ path: `more-${at}.yaml`, text: more })),
  ]);
  if (!manifest) throw new Failure(findings);
  return declare(manifest, 't', { asOf: options.asOf ?? AS_OF });
};

export const planOn = async (server: Postgres, body: string, options: ScenarioOptions = {}): Promise<PlanTarget> => {
  const declared = declaredOf(server, body, options);
  return planTarget(
    postgres,
    await postgres.inspect({ declared, as: 'plan' }),
    declared,
    options.maxRemovals ?? declared.guards.maxRemovals,
  );
};

/** Plans and applies what was planned (or `approved`). */
export const applyOn = async (
  server: Postgres,
  body: string,
  options: ScenarioOptions & { readonly approved?: PlanTarget } = {},
): Promise<Applied> => {
  const declared = declaredOf(server, body, options);
  const approved = options.approved ?? (await planOn(server, body, options));
  return await applyTarget(postgres, declared, {
    approved: [approved],
    maxRemovals: options.maxRemovals ?? declared.guards.maxRemovals,
    lockTimeoutMs: options.lockTimeoutMs ?? 0,
    signal: options.signal ?? new AbortController().signal,
    onProgress: options.onProgress ?? (() => {}),
    ...(options.timeouts ? { timeouts: options.timeouts } : {}),
    now: () => performance.now(),
  });
};

/** The statements of a plan without the borrowing around them. */
export const sqlOf = (target: PlanTarget): string[] => target.steps.filter((step) => step.changes.length > 0).map((step) => step.sql);
/** All of them, borrowing included. */
export const allSqlOf = (target: PlanTarget): string[] => target.steps.map((step) => step.sql);
export const codesOf = (findings: readonly Finding[]): string[] => findings.map((finding) => finding.code);
export const changesOf = (target: PlanTarget): string[] =>
  target.changes.map(
    (change: Change) => `${change.before === null ? '+' : change.after === null ? '-' : '~'} ${change.kind} ${change.key}`,
  );
