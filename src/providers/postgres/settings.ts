import { nearest } from '../../core/nearest.ts';
import type { Position } from '../../model/finding.ts';
import { pathKey } from '../../model/key.ts';
import type { Setting } from '../../model/state.ts';
import { blockedReset, problemOf } from './known-settings.ts';
import type { Comparison, Scope } from './scope.ts';

/** Settings that hold a list of identifiers (GUC_LIST_QUOTE): the server stores `a, "B c"`. */
const LISTS = new Set([
  'search_path',
  'session_preload_libraries',
  'local_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

/** Settings of declared roles, everywhere and in the managed databases, compared as text. */
export const compareSettings = (scope: Scope, compare: Comparison): void => {
  const actual = new Map(actualSettings(scope).map((setting) => [settingKey(setting), setting]));
  const desired = new Map(
    scope.declared.settings.map((setting) => {
      const body = normalSetting(setting);
      return [settingKey(body), { body, source: setting.source }] as const;
    }),
  );
  for (const [key, { body, source }] of desired) {
    const before = actual.get(key) ?? null;
    compare.put('setting', key, before, body, { source });
    const problem = JSON.stringify(before?.value) === JSON.stringify(body.value) ? null : problemOf(scope, body);
    if (problem) compare.report({ ...problem, source });
    reportDatabase(scope, compare, body, source);
  }
  for (const [key, setting] of actual) {
    if (desired.has(key) || !scope.exact.has(setting.role) || scope.declared.roles.get(setting.role)?.manage === 'additive') continue;
    if (setting.database !== null && !scope.managed.has(setting.database)) continue;
    const source = scope.declared.roles.get(setting.role)?.source;
    compare.put('setting', key, setting, null, { ...(source ? { source } : {}), ...blockedReset(scope, setting) });
  }
};

const reportDatabase = (scope: Scope, compare: Comparison, { role, database }: Setting, source: Position): void => {
  const names = scope.snapshot.databases.map(({ name }) => name);
  if (database === null || names.includes(database)) return;
  const near = nearest(database, names);
  compare.report({
    severity: 'error',
    code: 'setting/no-database',
    message: `'${role}' shall have settings in database '${database}', which the server does not have`,
    ...(near === undefined ? {} : { hint: `did you mean '${near}'?` }),
    source,
  });
};

const settingKey = ({ role, database, name }: Setting): string =>
  database === null ? `${pathKey(role)} ${name}` : `${pathKey(role)} in ${pathKey(database)} ${name}`;

const actualSettings = (scope: Scope): Setting[] => {
  const renamed = new Map([...scope.renamed].map(([now, old]) => [old, now]));
  return scope.snapshot.settings.flatMap(({ role, database, config }) =>
    role === null
      ? []
      : config.map((entry) => {
          const at = entry.indexOf('=');
          return normalSetting({ role: renamed.get(role) ?? role, database, name: entry.slice(0, at), value: entry.slice(at + 1) });
        }),
  );
};

/** Lower-case name; the value of a list setting as a list, of any other as text. */
const normalSetting = ({ role, database, name, value }: Setting): Setting => {
  const known = name.toLowerCase();
  const list = LISTS.has(known);
  return {
    role,
    database,
    name: known,
    value: list ? filled(typeof value === 'string' ? elements(value) : value) : typeof value === 'string' ? value : value.join(', '),
  };
};

/** An empty list is stored as a list of one empty name. */
const filled = (list: readonly string[]): readonly string[] => (list.length === 0 ? [''] : list);

/** Splits `a, "B c"` as SplitIdentifierString does, without folding case: the stored form is already folded. */
const elements = (text: string): string[] => {
  const found: string[] = [];
  for (const [, quoted, bare] of text.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(?:,|$)/g)) {
    if (quoted !== undefined) found.push(quoted.replaceAll('""', '"'));
    else if (bare!.trim() !== '') found.push(bare!.trim());
  }
  return found;
};
