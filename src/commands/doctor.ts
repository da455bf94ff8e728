import { writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { checkupOf, EVERY_CHECK } from '../core/checkup.ts';
import { nearest } from '../core/nearest.ts';
import { meaningsOf } from '../core/signatures.ts';
import { gatherEvidence } from '../engine/doctor.ts';
import type { LoginWanted } from '../engine/doctor-login.ts';
import type { ManifestOptions, Session } from '../engine/session.ts';
import type { SavedEvidence } from '../model/checkup.ts';
import { EXIT, type ExitCode, failure } from '../model/finding.ts';
import { checkupJson, checkupText, meaningsText } from '../render/checkup.ts';
import { visible } from '../render/escape.ts';
import { toJson } from '../render/json.ts';
import type { Console } from './console.ts';
import { type DirectOptions, isDirect, openTargets, userOn } from './direct.ts';
import { inOptions } from './option-words.ts';
import { readInput } from './read-input.ts';
import { tell } from './tell.ts';

export type DoctorCommandOptions = ManifestOptions &
  DirectOptions & {
    readonly format: 'human' | 'json';
    readonly check: readonly string[];
    readonly as?: string;
    readonly list?: boolean;
    readonly explain?: string;
    readonly save?: string;
    readonly from?: string;
    readonly iamRequirements?: 'plan' | 'apply';
    readonly denied?: boolean;
    readonly since?: string;
    readonly limit?: number;
    readonly fixAdmin?: boolean;
  };

/** Every precondition as a named check; of `USER@TARGET` in order, up to the first cause. */
export const doctorCommand = async (at: string | undefined, options: DoctorCommandOptions, console: Console): Promise<ExitCode> => {
  if (options.list) return list(options, console);
  const { iamRequirements: requirements } = options;
  if (requirements !== undefined) return await (await import('./iam.ts')).iamCommand({ ...options, format: 'json', requirements }, console);
  if (options.denied)
    return await (await import('./doctor-denied.ts')).deniedCommand(at, { ...options, limit: options.limit ?? LAST }, console);
  for (const name of ['since', 'limit'] as const)
    if (options[name] !== undefined) throw failure('doctor/option', `--${name} is for --denied`, { hint: 'add --denied, or leave it out' });
  if (options.fixAdmin) return await (await import('./doctor-fix.ts')).fixCommand(at, options, console);
  if (options.explain !== undefined) return await explain(options.explain, options, console);
  const known = EVERY_CHECK.map(({ name }) => name);
  const unknown = options.check.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const meant = nearest(unknown, known);
    throw failure('doctor/unknown-check', `there is no check '${unknown}'`, {
      hint: meant ? `did you mean '${meant}'?` : 'rolecall doctor --list',
    });
  }
  const { evidence, own } =
    options.from === undefined
      ? await gathered(at, options, console)
      : { evidence: savedEvidence(options.from, await readText(options.from)), own: true };
  if (options.save !== undefined) await save(options.save, evidence);
  const judged = checkupOf(evidence, options.check);
  const found = own ? judged : { ...judged, checks: judged.checks.map(inOptions) };
  if (found.checks.length === 0)
    throw failure('doctor/nothing', 'none of these checks applies to these targets', {
      hint: found.user === null ? nothingHint(options.check) : 'rolecall doctor --list',
    });
  console.out(options.format === 'json' ? checkupJson(found) : checkupText(found, console.outTerminal));
  return found.summary.failed > 0 ? EXIT.error : found.summary.unread > 0 ? EXIT.refused : EXIT.ok;
};

/** Checks of one login are made only where one is named. */
const nothingHint = (names: readonly string[]): string =>
  names.some((name) => /^user(?:-|$)/.test(name)) ? 'name whose login it is about: rolecall doctor USER@TARGET' : 'rolecall doctor --list';

/** Denied logins that are shown one by one. */
const LAST = 20;

/** `own`: there is a manifest. */
const gathered = async (
  at: string | undefined,
  options: DoctorCommandOptions,
  console: Console,
): Promise<{ readonly evidence: SavedEvidence; readonly own: boolean }> => {
  const { login, target } = wanted(at, options);
  const { session, own } = await openTargets(opening(options, target, login), console.now);
  tell(session.findings, console);
  checkDatabase(session, login);
  if (login && session.declareds.length > 1)
    throw failure('login/target', `it is not said on which target '${login.user}' logs in`, {
      hint: `write ${login.user}@TARGET with one of: ${session.declareds.map((declared) => declared.target.name).join(', ')}`,
    });
  const evidence = await gatherEvidence(session, { checks: options.check, ...(login ? { login } : {}), now: console.now().getTime() });
  return { evidence, own };
};

/** `--database` is for the login that is asked about; a server that is named on the command line is entered there too. */
const opening = (options: DoctorCommandOptions, target: readonly string[], login: LoginWanted | undefined): DoctorCommandOptions => {
  const { database: _, ...rest } = options;
  return login === undefined || isDirect(options) ? { ...options, target } : { ...rest, target };
};

const checkDatabase = ({ declareds }: Session, login: LoginWanted | undefined): void => {
  const without = declareds.find(({ target: { engine } }) => engine !== 'postgres')?.target.name;
  if (login?.database !== undefined && without !== undefined)
    throw failure('login/database', `--database is for PostgreSQL: a login to '${without}' enters none`, { hint: 'leave it out' });
};

const save = async (file: string, evidence: SavedEvidence): Promise<void> => {
  try {
    await writeFile(file, toJson(evidence), { mode: 0o600 });
  } catch (error) {
    throw failure('doctor/not-written', `'${visible(file)}' was not written: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`);
  }
};

/** What `--save` wrote, here or elsewhere. */
const savedEvidence = (file: string, json: string): SavedEvidence => {
  try {
    const saved = JSON.parse(json) as SavedEvidence;
    checkupOf(saved, []);
    if (/^1\./.test(saved.formatVersion)) return saved;
  } catch {
    // Told below: whatever is wrong with it, it was not written by --save.
  }
  throw failure('doctor/evidence', `'${visible(file)}' is no evidence of this version`, {
    hint: 'write it with rolecall doctor --save FILE',
  });
};

/** The last `@` counts: a name may hold one, a target's does not. */
const wanted = (
  at: string | undefined,
  options: DoctorCommandOptions,
): { readonly login?: LoginWanted; readonly target: readonly string[] } => {
  const { as, target, database } = options;
  if (at === undefined && as !== undefined)
    throw failure('login/nobody', 'it is not said who logs in', { hint: 'write USER@TARGET --as role/NAME' });
  if (at === undefined) return { target };
  const split = at.lastIndexOf('@');
  const rest = { ...(as === undefined ? {} : { as }), ...(database === undefined ? {} : { database }) };
  if (isDirect(options)) return { login: { user: userOn(at, options), ...rest }, target };
  if (split < 0) return { login: { user: at, ...rest }, target };
  return { login: { user: at.slice(0, split), ...rest }, target: [at.slice(split + 1)] };
};

const list = ({ format }: DoctorCommandOptions, console: Console): ExitCode => {
  const checks = EVERY_CHECK.map(({ name, about }) => ({ name, about }));
  if (format === 'json') console.out(toJson({ formatVersion: '1.0', checks }));
  else for (const { name, about } of checks) console.out(`${name.padEnd(24)}${about}\n`);
  return EXIT.ok;
};

/** Offline: what somebody pasted, or a log. */
const explain = async (file: string, { format }: DoctorCommandOptions, console: Console): Promise<ExitCode> => {
  const meanings = meaningsOf(file === '-' ? await text(process.stdin) : await readText(file));
  if (format === 'json') console.out(toJson({ formatVersion: '1.0', meanings }));
  else if (meanings.length > 0) console.out(meaningsText(meanings, console.outTerminal));
  else console.err('no line is known: give the message of the client, or lines of the log iam-db-auth-error\n');
  return meanings.length > 0 ? EXIT.ok : EXIT.error;
};

const readText = async (file: string): Promise<string> => (await readInput(file)).toString('utf8');
