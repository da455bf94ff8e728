import type { ExitCode } from '../model/finding.ts';
import { addressOf } from '../providers/postgres/address.ts';
import type { Console } from './console.ts';
import { openMysql } from './mysql.ts';
import { openPsql } from './psql.ts';
import { tell } from './tell.ts';
import { openLogin, type UserAtOptions } from './user-at.ts';

/** Opens psql, or mysql, as a user of a target, with a fresh token or the user's password; its exit code is that of the client. */
export const connectCommand = async (
  at: string,
  database: string | undefined,
  args: readonly string[],
  options: UserAtOptions,
  console: Console,
): Promise<ExitCode> => {
  const { target, own, findings } = await openLogin(at, options, console.now);
  tell(findings, console);
  const [only, ...others] = target.databases ?? [];
  const named = database ?? (others.length === 0 ? only : undefined);
  // What the environment holds is the password of Rolecall's own login: of anybody else the client asks it.
  const known = own || target.login.auth === 'iam' || target.login.password !== undefined;
  if (target.engine !== 'postgres') return (await openMysql(target, database, args, known)) as ExitCode;
  const address = await addressOf(target, { as: 'apply', ...(named === undefined ? {} : { database: named }) }, process.env);
  return (await openPsql(known ? address : { ...address, password: undefined }, args)) as ExitCode;
};
