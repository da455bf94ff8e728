import type { DatabaseEngine } from '../model/declared.ts';
import type { Checks } from './checks.ts';
import type { Path, RoleEntry, RoleOverride } from './content.ts';
import { enginesOf, isList } from './view.ts';

type EngineKey = {
  readonly key: keyof RoleOverride;
  readonly engines: readonly DatabaseEngine[];
  readonly verb?: 'are';
  readonly hint?: string;
};

const POSTGRES = ['postgres'] as const;
const BOTH = ['mysql', 'mariadb'] as const;

/** Keys of users and groups that not every engine has. */
const KEYS: readonly EngineKey[] = [
  { key: 'settings', engines: POSTGRES, verb: 'are', hint: 'MySQL and MariaDB keep no settings of a user' },
  { key: 'database_settings', engines: POSTGRES, verb: 'are', hint: 'MySQL and MariaDB keep no settings of a user' },
  { key: 'inherit', engines: POSTGRES, hint: 'write it at the membership: groups: [{ name: NAME, inherit: false }]' },
  { key: 'createdb', engines: POSTGRES, hint: 'grant create on schemas' },
  { key: 'createrole', engines: POSTGRES, hint: 'grant create user with global: true' },
  { key: 'hosts', engines: BOTH, verb: 'are' },
  { key: 'require', engines: BOTH },
  { key: 'limits', engines: BOTH, verb: 'are' },
  { key: 'password_expire', engines: BOTH },
  { key: 'failed_login_attempts', engines: ['mysql'], verb: 'are' },
  { key: 'password_lock_time', engines: ['mysql'] },
];

const NAMES: Readonly<Record<DatabaseEngine, string>> = { postgres: 'PostgreSQL', mysql: 'MySQL', mariadb: 'MariaDB' };

/** Whether an engine has the key of a user or group. */
export const hasKey = (engine: DatabaseEngine, key: keyof RoleOverride): boolean =>
  KEYS.find((one) => one.key === key)?.engines.includes(engine) ?? true;

/** Keys that one engine lacks act on the targets that have them: there must be one. Under a target they must act there. */
export const checkEngineKeys = ({ content, report }: Checks, entry: RoleEntry, path: Path): void => {
  const engines = enginesOf(content, entry.targets);
  for (const { key, engines: having, verb = 'is', hint } of KEYS) {
    const subject = `'${key}' ${verb} for ${having.map((engine) => NAMES[engine]).join(' and ')}`;
    const advice = hint === undefined ? {} : { hint };
    if (entry[key] !== undefined && engines.size > 0 && !having.some((engine) => engines.has(engine)))
      report('engines', `${subject}, and '${path[1]}' has no such target`, [...path, key], advice, 'key');
    if (entry.targets === undefined || isList(entry.targets)) continue;
    for (const [target, override] of Object.entries(entry.targets)) {
      const engine = content.targets[target]?.engine;
      if (override[key] !== undefined && engine !== undefined && !having.includes(engine))
        report('engines', `${subject}, and target '${target}' is ${engine}`, [...path, 'targets', target, key], advice, 'key');
    }
  }
};
