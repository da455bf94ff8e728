import { loginOf } from '../engine/login.ts';
import { type ExitCode, failure } from '../model/finding.ts';
import { addressOf } from '../providers/postgres/address.ts';
import type { Console } from './console.ts';
import { openPsql } from './psql.ts';
import { tell } from './tell.ts';
import { loginOptions, type UserAtOptions } from './user-at.ts';

/** Opens psql as a user of a target, with a fresh token or the user's password; its exit code is that of psql. */
export const connectCommand = async (
  at: string,
  database: string | undefined,
  args: readonly string[],
  options: UserAtOptions,
  console: Console,
): Promise<ExitCode> => {
  const { target, own, findings } = await loginOf(loginOptions(at, options), console.now);
  tell(findings, console);
  if (target.engine !== 'postgres')
    throw failure('connect/engine', `target '${target.name}' runs ${target.engine}, and only psql is opened by this version`);
  const [only, ...others] = target.databases ?? [];
  const named = database ?? (others.length === 0 ? only : undefined);
  const address = await addressOf(target, { as: 'apply', ...(named === undefined ? {} : { database: named }) }, process.env);
  // What the environment holds is the password of Rolecall's own login: of anybody else psql asks it.
  const known = own || target.login.auth === 'iam' || target.login.password !== undefined;
  return (await openPsql(known ? address : { ...address, password: undefined }, args)) as ExitCode;
};
