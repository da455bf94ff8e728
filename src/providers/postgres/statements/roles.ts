import { renderComment } from '../../../core/mark.ts';
import type { Role } from '../../../model/state.ts';
import { PER_GRANTOR_MEMBERSHIPS } from '../authority.ts';
import type { Scope } from '../scope.ts';
import { ident, literal } from '../sql.ts';
import type { Draft, Indexed } from './draft.ts';

type Context = { readonly scope: Scope /** Everything commits at once: a role may be born with its login. */; readonly atomic: boolean };

const draft = (phase: Draft['phase'], sql: string, change: { readonly index: number }, rest: Partial<Draft> = {}): Draft => ({
  database: null,
  phase,
  sql,
  uses: [],
  changes: [change.index],
  named: 0,
  ...rest,
});

export const roleDrafts = (
  context: Context,
  change: Indexed<'role'>,
  password: Indexed<'password'> | undefined,
  ends: boolean,
): Draft[] => {
  const { before, after } = change;
  if (!before) return createDrafts(context, change, after!, password);
  if (!after) return dropDrafts(change, before, ends);
  return alterDrafts(context, change, before, after);
};

const createDrafts = ({ atomic }: Context, change: Indexed<'role'>, after: Role, password: Indexed<'password'> | undefined): Draft[] => {
  const words = [
    ...(after.login && atomic ? ['LOGIN'] : ['NOLOGIN']),
    ...(after.inherit ? [] : ['NOINHERIT']),
    ...(after.createdb ? ['CREATEDB'] : []),
    ...(after.createrole ? ['CREATEROLE'] : []),
    ...limits(after, { connectionLimit: -1, validUntil: null }),
  ];
  const secret = password?.after?.reference;
  const create = draft(
    'create',
    `CREATE ROLE ${ident(after.name)} WITH ${words.join(' ')}${secret === undefined ? '' : ` PASSWORD ${secret}`}`,
    change,
    {
      ...(secret === undefined ? {} : { secret, changes: [change.index, password!.index] }),
    },
  );
  const open = after.login && !atomic ? [draft('open', `ALTER ROLE ${ident(after.name)} WITH LOGIN`, change)] : [];
  return [create, ...commentDrafts(change, null, after), ...open];
};

const alterDrafts = ({ scope }: Context, change: Indexed<'role'>, before: Role, after: Role): Draft[] => {
  const name = ident(after.name);
  const attributes = [
    ...flag('INHERIT', before.inherit, after.inherit),
    ...flag('CREATEDB', before.createdb, after.createdb),
    ...flag('CREATEROLE', before.createrole, after.createrole),
    ...limits(after, before),
  ];
  return [
    ...(before.name === after.name ? [] : [draft('alter', `ALTER ROLE ${ident(before.name)} RENAME TO ${name}`, change, { rank: -1 })]),
    ...(before.login && !after.login ? [draft('close', `ALTER ROLE ${ident(before.name)} WITH NOLOGIN`, change)] : []),
    ...(attributes.length > 0
      ? [draft('alter', `ALTER ROLE ${name} WITH ${attributes.join(' ')}`, change, inheritance(scope, before, after))]
      : []),
    ...commentDrafts(change, before, after),
    ...(!before.login && after.login ? [draft('open', `ALTER ROLE ${name} WITH LOGIN`, change)] : []),
  ];
};

/** A login is closed before its sessions end, so that it cannot come back. */
const dropDrafts = (change: Indexed<'role'>, before: Role, ends: boolean): Draft[] => [
  ...(before.login && ends ? [draft('close', `ALTER ROLE ${ident(before.name)} WITH NOLOGIN`, change)] : []),
  draft('drop', `DROP ROLE ${ident(before.name)}`, change, { drops: before.name }),
];

/** Before 16 the attribute decides over every membership of the role: changing it is moving in or out of them. */
const inheritance = (scope: Scope, before: Role, after: Role): Partial<Draft> => {
  if (scope.version >= PER_GRANTOR_MEMBERSHIPS || before.inherit === after.inherit) return {};
  const moves = scope.reality.memberships
    .filter((row) => row.member === after.name)
    .map((row) => ({ before: row, after: { ...row, inherit: after.inherit } }));
  return moves.length > 0 ? { moves } : {};
};

const flag = (word: string, before: boolean, after: boolean): string[] => (before === after ? [] : [after ? word : `NO${word}`]);

type Limits = Pick<Role, 'connectionLimit' | 'validUntil'>;
const limits = (after: Limits, before: Limits): string[] => [
  ...(after.connectionLimit === before.connectionLimit ? [] : [`CONNECTION LIMIT ${after.connectionLimit}`]),
  ...(after.validUntil === before.validUntil ? [] : [`VALID UNTIL ${literal(after.validUntil ?? 'infinity')}`]),
];

const commentDrafts = (change: Indexed<'role'>, before: Role | null, after: Role): Draft[] => {
  const text = renderComment(after.description, after.mark);
  if (text === (before && renderComment(before.description, before.mark))) return [];
  return [
    draft(before ? 'alter' : 'create', `COMMENT ON ROLE ${ident(after.name)} IS ${text === null ? 'NULL' : literal(text)}`, change, {
      rank: 1,
    }),
  ];
};

/** A new password of an existing role; `after` null takes the stored one away (its login is by IAM from now on). */
export const passwordDrafts = (change: Indexed<'password'>, flips: boolean): Draft[] => {
  const { before, after } = change;
  const rest = { rank: 1, ...(flips ? { flips: true as const } : {}) };
  if (!after) return [draft('open', `ALTER ROLE ${ident(before!.role)} WITH PASSWORD NULL`, change, rest)];
  return [draft('open', `ALTER ROLE ${ident(after.role)} WITH PASSWORD ${after.reference}`, change, { secret: after.reference, rank: -1 })];
};

/** Ends the sessions of a role; from 14 on the server waits for each to be gone. */
export const sessionDrafts = (scope: Scope, change: Indexed<'sessions'>): Draft[] => {
  const role = change.before!.role;
  const name = scope.renamed.get(role) ?? role;
  const able = scope.authority.superuser || scope.authority.inherits(scope.authority.login, 'pg_signal_backend');
  const terminate = scope.version >= 140000 ? 'pg_catalog.pg_terminate_backend(pid, 5000)' : 'pg_catalog.pg_terminate_backend(pid)';
  const sql = `SELECT ${terminate} FROM pg_catalog.pg_stat_activity WHERE usename = ${literal(name)} AND pid <> pg_catalog.pg_backend_pid()`;
  return [draft('close', sql, change, { rank: 1, ends: true, uses: able ? [] : [{ role: name, how: 'inherit' }] })];
};

/** One statement a setting: lists are sent element by element, so that a comma in a name stays in it. */
export const settingDrafts = (change: Indexed<'setting'>): Draft[] => {
  const { role, database, name, value } = (change.after ?? change.before)!;
  const where = `ALTER ROLE ${ident(role)}${database === null ? '' : ` IN DATABASE ${ident(database)}`}`;
  const setting = name.split('.').map(ident).join('.');
  if (!change.after) return [draft('alter', `${where} RESET ${setting}`, change)];
  const values = typeof value === 'string' ? [value] : value.length === 0 ? [''] : [...value];
  return [draft('alter', `${where} SET ${setting} = ${values.map(literal).join(', ')}`, change)];
};
