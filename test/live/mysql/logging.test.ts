import { expect, test } from 'vitest';
import { mysql } from '../../../src/providers/mysql/index.ts';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { mysqlTarget } from './target.ts';

/** What is set, one after the other, and what the facts then say; the last one logs. */
const MYSQL: readonly (readonly [string, readonly [string, string] | null])[] = [
  ['log_error_verbosity = 2', ['log_error_verbosity = 2', 'log_error_verbosity = 3']],
  ['log_error_verbosity = 3', null],
  [
    "log_error_suppression_list = 'MY-013360,MY-010926'",
    ['log_error_suppression_list = MY-013360,MY-010926', 'log_error_suppression_list = MY-013360'],
  ],
  ["log_error_suppression_list = '10926'", ['log_error_suppression_list = 10926', "log_error_suppression_list = ''"]],
  [
    "log_error_suppression_list = 'ER_ACCESS_DENIED_ERROR_WITH_PASSWORD'",
    ['log_error_suppression_list = ER_ACCESS_DENIED_ERROR_WITH_PASSWORD', "log_error_suppression_list = ''"],
  ],
  ["log_error_suppression_list = 'MY-013360'", null],
];
const MARIADB: typeof MYSQL = [
  ['log_warnings = 1', ['log_warnings = 1', 'log_warnings = 2']],
  ['log_warnings = 2', null],
];

eachMysql(
  (server) => {
    test('what it says of its log is what its log does', async () => {
      const { superuser, master, connect, query, log, flavour } = server();
      process.env.LAB_PASSWORD = master.password;
      const said: unknown[] = [];
      const cases = flavour === 'mysql' ? MYSQL : MARIADB;
      for (const [index, [setting]] of cases.entries()) {
        await query(superuser, `SET GLOBAL ${setting}`);
        said.push(await mysql.logging!(mysqlTarget(server())));
        await expect(connect({ user: `nobody${index}`, password: 'wrong' })).rejects.toThrow('Access denied');
      }
      const isLogged = (index: number): boolean => log().includes(`Access denied for user 'nobody${index}'`);
      // The log comes in order: with its last line all others are here that will ever be.
      await expect.poll(() => isLogged(cases.length - 1), { timeout: 10_000 }).toBe(true);
      expect(cases.map((_, index) => [said[index], isLogged(index)])).toEqual(
        cases.map(([, hidden]) => (hidden ? [{ logged: false, found: hidden[0], wanted: hidden[1] }, false] : [{ logged: true }, true])),
      );
    });
  },
  { only: ['9.7', '10.11', '11.8'] },
);
