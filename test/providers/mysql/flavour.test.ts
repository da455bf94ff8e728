import { expect, test } from 'vitest';
import type { Target } from '../../../src/model/declared.ts';
import { accessWords, columnWord, flavourOf, versionNumber } from '../../../src/providers/mysql/flavour.ts';
import { connectFailure, errno, isLost, refusedFlavour } from '../../../src/providers/mysql/trouble.ts';
import { targetOf } from '../declared.ts';

const target = (engine: Target['engine']) => targetOf({ engine });

test.each([
  ['8.0.45-1', 'mysql', 80045],
  ['9.7.4', 'mysql', 90704],
  ['8.0.32', 'mysql', 80032],
  ['10.11.18-MariaDB-0+deb12u1', 'mariadb', 101118],
  ['11.8.6-MariaDB-log', 'mariadb', 110806],
  ['5.7.44', 'mysql', 50744],
  ['12.0', 'mysql', 120000],
])('%s is %s %i', (text, flavour, number) => {
  expect([flavourOf(text), versionNumber(text)]).toEqual([flavour, number]);
});

test.each<[string, Target['engine'], string, string | null]>([
  ['MySQL 5.7', 'mysql', '5.7.44', 'connect/version'],
  ['MySQL 8.0', 'mysql', '8.0.11', null],
  ['MariaDB 10.5', 'mariadb', '10.5.29-MariaDB', 'connect/version'],
  ['MariaDB 10.6', 'mariadb', '10.6.0-MariaDB', null],
  ['MariaDB for MySQL', 'mysql', '10.11.18-MariaDB', 'connect/engine'],
  ['MySQL for MariaDB', 'mariadb', '8.4.6', 'connect/engine'],
])('%s: engine %s, server %s', (_name, engine, text, code) => {
  const found = refusedFlavour(target(engine), flavourOf(text), versionNumber(text), text);
  expect(found?.findings[0]?.code ?? null).toBe(code);
  if (found) expect(found.message).toContain(text);
});

test('a mask has a word for each bit, and no bit of a later version is a privilege', () => {
  expect(accessWords('0', 101118)).toEqual([]);
  expect(accessWords('77309444096', 101118)).toEqual(['SUPER', 'READ_ONLY ADMIN', 'BINLOG ADMIN']);
  expect(accessWords('627065257984', 110806)).toEqual(['SUPER', 'READ_ONLY ADMIN', 'BINLOG ADMIN', 'SHOW CREATE ROUTINE']);
  expect(accessWords('18446744073709551615', 101118)).not.toContain('SHOW CREATE ROUTINE');
  expect(accessWords('18446744073709551615', 110806)).toContain('SHOW CREATE ROUTINE');
  expect(accessWords('1025', 110806)).toEqual(['SELECT', 'GRANT OPTION']);
});

test.each([
  ['Select_priv', 'SELECT'],
  ['Grant_priv', 'GRANT OPTION'],
  ['Create_tmp_table_priv', 'CREATE TEMPORARY TABLES'],
  ['Show_db_priv', 'SHOW DATABASES'],
  ['Alter_routine_priv', 'ALTER ROUTINE'],
])('the column %s is %s', (column, word) => {
  expect(columnWord(column)).toBe(word);
});

const coded = (code: string, number?: number) => Object.assign(new Error('said so'), { code, ...(number ? { errno: number } : {}) });

test.each<[string, Error, boolean]>([
  ['a server that stops', coded('ER_SERVER_SHUTDOWN', 1053), true],
  ['a socket that broke', coded('ECONNRESET', -104), true],
  ['no answer in time', coded('PROTOCOL_SEQUENCE_TIMEOUT'), true],
  ['a server that is gone', coded('PROTOCOL_CONNECTION_LOST'), true],
  ['a refusal', coded('ER_TABLEACCESS_DENIED_ERROR', 1142), false],
])('%s: is the connection lost?', (_name, error, expected) => {
  expect(isLost(error)).toBe(expected);
});

test('a number of the operating system is none of the server', () => {
  expect([errno(coded('ECONNRESET', -104)), errno(coded('ER_X', 1045)), errno(null)]).toEqual([0, 1045, 0]);
});

const peer = {
  target: target('mysql'),
  address: { host: 'db', port: 3306, user: 'app', password: 'long-secret', tls: 'verify-full', ca: undefined },
} as const;

const exceeded = (limit: string): Error =>
  Object.assign(new Error(`User 'app' has exceeded the '${limit}' resource (current value: 20)`), {
    code: 'ER_USER_LIMIT_REACHED',
    errno: 1226,
  });

test.each<[Error, string]>([
  [coded('ER_HOST_NOT_PRIVILEGED', 1130), 'connect/not-admitted'],
  [coded('ER_HOST_IS_BLOCKED', 1129), 'connect/blocked'],
  [coded('ER_CON_COUNT_ERROR', 1040), 'connect/too-many'],
  [exceeded('max_user_connections'), 'connect/too-many'],
  [exceeded('max_questions'), 'connect/limit'],
  [exceeded('max_queries_per_hour'), 'connect/limit'],
  [coded('ER_PLUGIN_IS_NOT_LOADED', 1524), 'connect/plugin'],
  [coded('AUTH_SWITCH_PLUGIN_ERROR'), 'connect/plugin'],
  [coded('ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK', 3955), 'connect/no-login'],
  [coded('ER_UNKNOWN', 9999), 'connect/server'],
  [coded('EHOSTUNREACH'), 'connect/unreachable'],
  [coded('PROTOCOL_CONNECTION_LOST'), 'connect/lost'],
])('%s is %s', (error, code) => {
  expect(connectFailure(error, peer).findings[0]?.code).toBe(code);
});

test('a password that a server repeats is not told', () => {
  const { message } = connectFailure(Object.assign(new Error('not long-secret'), { code: 'X', errno: 1045 }), peer);
  expect(message).toContain('***');
  expect(message).not.toContain('long-secret');
});
