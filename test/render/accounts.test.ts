import { describe, expect, it } from 'vitest';
import type { ObjectSet } from '../../src/model/access.ts';
import type { Change } from '../../src/model/change.ts';
import type { AccountOptions, Role } from '../../src/model/state.ts';
import { linesOf } from '../../src/render/outline.ts';
import { plain } from '../../src/render/phrase.ts';
import { lineText } from '../../src/render/sql.ts';
import { change, member, role } from './plans.ts';

const OPTIONS: AccountOptions = {
  auth: 'password',
  require: 'none',
  queriesPerHour: 0,
  updatesPerHour: 0,
  connectionsPerHour: 0,
  passwordExpireDays: null,
};
const account = (name: string, options: Partial<AccountOptions> = {}, more: Partial<Role> = {}): Role =>
  role(name, { options: { ...OPTIONS, ...options }, ...more });
const on = (kind: ObjectSet['kind'], names: readonly string[], more: Partial<ObjectSet> = {}): ObjectSet => ({
  kind,
  database: null,
  schema: null,
  names,
  ...more,
});
const grant = (privileges: readonly string[], where: ObjectSet): Change =>
  change('grant', null, { grantee: 'app@10.%', grantor: '', privileges, on: where });
const flip = (before: Role, after: Role): Change => change('role', before, after, { risk: 'authentication' });

const LINES: readonly [name: string, change: Change, lines: readonly string[]][] = [
  [
    'a login by IAM that is made',
    change('role', null, account('app@10.%', { auth: 'iam', require: 'ssl' })),
    ['+ user app@10.% created, logs in through IAM'],
  ],
  [
    'a user that is made with options',
    change(
      'role',
      null,
      account('app', { require: 'x509', updatesPerHour: 10, passwordExpireDays: 0, failedLoginAttempts: 3, passwordLockDays: -1 }),
    ),
    [
      '+ user app created',
      'require x509',
      'updates_per_hour 10',
      'password_expire never',
      'failed_login_attempts 3',
      'password_lock_time unbounded',
    ],
  ],
  [
    'a user whose options change by a day',
    change(
      'role',
      account('app', { passwordExpireDays: 30, passwordLockDays: 2 }),
      account('app', { passwordExpireDays: 1, passwordLockDays: 1 }),
    ),
    ['~ user app password_expire after 30 days -> after 1 day', 'password_lock_time 2 days -> 1 day'],
  ],
  [
    'a locked account is a user all the same',
    change('role', null, account('app', { auth: 'none' }, { login: false })),
    ['+ user app created'],
  ],
  [
    'a flip brings its TLS along',
    flip(account('app'), account('app', { auth: 'iam', require: 'ssl' })),
    ['! user app authentication: password -> IAM', 'require none -> ssl'],
  ],
  [
    'a flip back',
    flip(account('app', { auth: 'iam', require: 'ssl' }), account('app', { require: 'ssl' })),
    ['! user app authentication: IAM -> password'],
  ],
  [
    'a plugin that no manifest asks for is named',
    flip(account('app', { auth: 'other', plugin: 'auth_socket' }), account('app')),
    ['! user app authentication: auth_socket -> password'],
  ],
  [
    'what changes beside a flip has its own line',
    flip(account('app', {}, { mark: null }), account('app', { auth: 'iam', connectionsPerHour: 5 })),
    ['! user app authentication: password -> IAM', '~ user app adopted: managed from now on', 'connections_per_hour none -> 5'],
  ],
  [
    'a role that is no default role',
    change('membership', null, member('reader', 'app', { grantor: '', inherit: false })),
    ['+ member app joins reader', 'not as a default role'],
  ],
  [
    'a role that becomes a default role',
    change('membership', member('reader', 'app', { grantor: '', inherit: false }), member('reader', 'app', { grantor: '' })),
    ['~ member app in reader: default role no -> yes'],
  ],
  [
    'the whole server',
    grant(['PROCESS', 'ROLE_ADMIN*'], on('global', ['*.*'])),
    ['! grant app@10.% PROCESS and ROLE_ADMIN with grant option on *.*'],
  ],
  ['a schema', grant(['SELECT'], on('schema', ['my_db'])), ['+ grant app@10.% SELECT on schema my_db']],
  ['a pattern', grant(['SELECT'], on('pattern', ['my%'])), ['+ grant app@10.% SELECT on schema pattern "my%"']],
  ['tables', grant(['SELECT'], on('table', ['a', 'b'], { schema: 'shop' })), ['+ grant app@10.% SELECT on 2 tables in shop (a, b)']],
  [
    'columns',
    grant(['SELECT'], on('column', ['id'], { schema: 'shop', relation: 'a' })),
    ['+ grant app@10.% SELECT on column id of shop.a'],
  ],
  [
    'a procedure',
    grant(['EXECUTE'], on('procedure', ['pay(1)'], { schema: 'shop' })),
    ['+ grant app@10.% EXECUTE on procedure shop."pay(1)"'],
  ],
  ['an account to act as', grant(['PROXY'], on('proxy', ['jane@example.com@%'])), ['+ grant app@10.% PROXY on account jane@example.com@%']],
  [
    'the grant option and nothing else',
    grant(['GRANT OPTION*'], on('table', ['a'], { schema: 'shop' })),
    ['+ grant app@10.% the grant option on table shop.a'],
  ],
];

const closed = (more: Partial<Role> = {}): Role => role('jane', { login: false, ...more });
const DROPS: readonly [name: string, changes: readonly Change[], line: string][] = [
  ['that may log in', [change('role', role('jane'), null)], '- user jane dropped'],
  ['whose password Rolecall set', [change('role', closed({ mark: { stack: 'a', pw: 1 } }), null)], '- user jane dropped'],
  ['that is locked', [change('role', closed({ mark: { stack: 'a', locked: '2026-11-21' } }), null)], '- user jane dropped'],
  ['that is an account with options', [change('role', account('jane', { auth: 'none' }, { login: false }), null)], '- user jane dropped'],
  ['that has members', [change('role', closed(), null), change('membership', member('jane', 'app'), null)], '- group jane dropped'],
  ['that may have been a user or a group', [change('role', closed(), null)], '- role jane dropped'],
];

it.each(DROPS)('a role is dropped %s', (_, changes, expected) => {
  expect(linesOf(changes).map(lineText)).toContain(expected);
});

describe('accounts of MySQL and MariaDB', () => {
  it.each(LINES)('%s', (_, one, expected) => {
    expect(linesOf([one]).flatMap((line) => [lineText(line), ...line.details.map(plain)])).toEqual(expected);
  });

  it('tables of many schemas are of no database', () => {
    const many = ['a', 'b', 'c', 'd', 'e'].map((schema) => grant(['SELECT'], on('table', ['t'], { schema })));
    expect(linesOf(many, 'coarse').map(lineText)).toEqual(['+ grant app@10.% SELECT on 5 tables in 5 schemas (a, b, c, 2 more)']);
  });
});
