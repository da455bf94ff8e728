import { parseAccount } from '../../core/account.ts';
import { byCodeUnit, distinct } from '../../model/key.ts';
import { type Flavour, isDynamic } from '../../model/privilege-mysql.ts';
import type { NameOf } from './rows.ts';
import type { Server, Snapshot } from './snapshot.ts';

/** What a server says of itself: its global variables by name, and the answers of the query SERVER. */
export type Answers = {
  readonly flavour: Flavour;
  readonly version: number;
  readonly versionText: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly currentUser: string;
  readonly iamPlugin: boolean;
  readonly rdsKill: boolean;
};

/** Everything of the server but what its login may grant. */
export const serverOf = (answers: Answers, nameOf: NameOf): Omit<Server, 'grantable'> => {
  const { settings } = answers;
  const isOn = (name: string): boolean => /^(on|1)$/i.test(settings.get(name) ?? '');
  const plugin = passwordPlugin(settings);
  const current = parseAccount(answers.currentUser);
  return {
    flavour: answers.flavour,
    version: answers.version,
    versionText: answers.versionText,
    uuid: settings.get('server_uuid') ?? settings.get('server_uid') ?? null,
    currentUser: nameOf(current.user, current.host),
    readOnly: isOn('super_read_only') || (settings.get('read_only') ?? 'OFF') !== 'OFF',
    innodbReadOnly: isOn('innodb_read_only'),
    lowerCaseTableNames: Number(settings.get('lower_case_table_names') ?? 0) as Server['lowerCaseTableNames'],
    partialRevokes: isOn('partial_revokes'),
    activateAllRoles: isOn('activate_all_roles_on_login'),
    mandatoryRoles: mandatoryRoles(settings.get('mandatory_roles') ?? '', nameOf),
    ...(settings.has('activate_mandatory_roles') ? { activateMandatoryRoles: isOn('activate_mandatory_roles') } : {}),
    iamPlugin: answers.iamPlugin,
    ...(answers.flavour === 'mysql' && plugin !== undefined ? { passwordPlugin: plugin } : {}),
    rds: answers.rdsKill || (settings.get('basedir') ?? '').startsWith('/rdsdbbin'),
  };
};

/** The first factor of authentication_policy (`*:PLUGIN`: any, PLUGIN by default); where it names none, and before 8.0.27, default_authentication_plugin. */
const passwordPlugin = (settings: Answers['settings']): string | undefined => {
  const first = /^\s*(?:\*:)?([^,*]*)/.exec(settings.get('authentication_policy') ?? '')?.[1]?.trim();
  return first || settings.get('default_authentication_plugin') || undefined;
};

/** `role1,'role2'@'%',`role3`@host`: names and hosts quoted or not, `%` where no host is named. */
export const mandatoryRoles = (list: string, nameOf: NameOf): readonly string[] =>
  [...list.matchAll(new RegExp(`\\s*(${WORD})(?:\\s*@\\s*(${WORD}))?\\s*(?:,|$)`, 'gy'))]
    .filter(([whole]) => whole !== '')
    .map(([, user = '', host]) => nameOf(unquoted(user), host === undefined ? '%' : unquoted(host).toLowerCase()))
    .sort(byCodeUnit);
const WORD = '\'(?:[^\']|\'\')*\'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|[^\\s,@\'"`]+';

const unquoted = (word: string): string => {
  const quote = word[0]!;
  return '\'"`'.includes(quote) ? word.slice(1, -1).replaceAll(quote + quote, quote) : word;
};

/** What an account may do everywhere, itself and by the roles that are active when it logs in. */
export type Everywhere = { readonly words: ReadonlySet<string>; readonly grantable: readonly string[] };

/** MySQL logs in with every role here; of MariaDB only the default role is active, and what is in that. One grant option counts for all static words. */
export const everywhere = (account: string, server: Pick<Server, 'flavour' | 'mandatoryRoles'>, snapshot: Reach): Everywhere => {
  const { flavour } = server;
  const defaults = snapshot.defaultRoles.flatMap(({ member, role }) => (member === account ? [role] : []));
  const reached = new Set(flavour === 'mysql' ? [account, ...server.mandatoryRoles] : [...defaults, 'PUBLIC']);
  for (const member of reached) for (const edge of snapshot.edges) if (edge.member === member) reached.add(edge.role);
  reached.add(account);
  const held = snapshot.grants.flatMap((row) => (row.level === 'global' && reached.has(row.account) ? row.privileges : []));
  const bare = (word: string): string => (word.endsWith('*') ? word.slice(0, -1) : word);
  const isStatic = (word: string): boolean => !isDynamic(bare(word), flavour);
  const option = held.some((word) => word.endsWith('*') && isStatic(word));
  const words = held.map(bare).filter((word) => word !== 'GRANT OPTION');
  const may = held.filter((word) => (isStatic(word) ? option : word.endsWith('*'))).map(bare);
  return { words: new Set(words), grantable: distinct(may.filter((word) => word !== 'GRANT OPTION')) };
};
type Reach = Pick<Snapshot, 'edges' | 'grants' | 'defaultRoles'>;
