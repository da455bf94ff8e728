import { connectArn } from '../core/aws.ts';
import { locate } from '../engine/locate.ts';
import { expectedOf } from '../engine/prove.ts';
import { type ManifestOptions, openSession, type Session } from '../engine/session.ts';
import type { DeclaredAlarm } from '../model/alarm.ts';
import type { Declared, Reference } from '../model/declared.ts';
import { EXIT, type ExitCode, Failure, failure } from '../model/finding.ts';
import type { DeclaredIam } from '../model/iam.ts';
import { distinct } from '../model/key.ts';
import { emitFiles } from '../providers/iam/emit.ts';
import { type AccountPlace, emittedOf, emittedValue } from '../providers/iam/emitted.ts';
import {
  applyCaveat,
  applyRequirements,
  planRequirements,
  proveRequirements,
  requirementsDocument,
  type Scope,
} from '../providers/iam/requirements.ts';
import { visible } from '../render/escape.ts';
import { toJson } from '../render/json.ts';
import type { Console } from './console.ts';
import { tell } from './tell.ts';

export type IamOptions = Omit<ManifestOptions, 'target'> & {
  readonly format: 'json' | 'terraform';
  /** A new directory for all files. */
  readonly out?: string;
  readonly requirements?: 'plan' | 'apply' | 'prove';
  readonly boundary?: string;
};

/** Prints what the manifest asks for in IAM, or what Rolecall itself needs there. Changes nothing. */
export const iamCommand = async (options: IamOptions, console: Console): Promise<ExitCode> => {
  const session = await openSession({ ...options, target: [] }, console.now);
  tell(session.findings, console);
  // What alarms watch is of no interest here.
  const { declareds, findings } = await locate({ ...session, watch: null });
  if (findings.length > 0) throw new Failure(findings);
  if (options.requirements !== undefined) return await requirementsOf(session, declareds, options, console);
  const declared = declareds.find((one) => one.iam !== null);
  if (!declared?.iam) {
    throw failure('iam/nothing', 'the manifest asks for nothing in IAM: it has no principals and no iam section', {
      hint: 'add iam: { account: "ACCOUNT" }',
    });
  }
  const place = placeOf(declared.iam);
  const emitted = emittedOf(declared, declared.iam, place);
  const files = emitFiles(emitted.policies, emitted.roles);
  if (options.out !== undefined) {
    await writeFiles(options.out, files);
    console.err(`${files.length} ${files.length === 1 ? 'file' : 'files'} written to ${visible(options.out)}\n`);
  } else if (options.format === 'terraform') console.out(files.find(({ path }) => path.endsWith('.tf'))!.text);
  else console.out(toJson({ formatVersion: '1.0', ...emittedValue(emitted) }));
  return EXIT.ok;
};

/** What Rolecall itself needs: in IAM, for the alarms, for servers that RDS knows and for secrets. */
const requirementsOf = async (
  { watch = null }: Session,
  declareds: readonly Declared[],
  options: IamOptions,
  console: Console,
): Promise<ExitCode> => {
  const iam = declareds.find((one) => one.iam !== null)?.iam ?? null;
  const places = placesOf(declareds);
  const [secret] = arnsOf(declareds.flatMap(({ target, roles }) => [target.login.password, ...passwordsOf(roles)]));
  if (iam === null && watch === null && places.size === 0 && secret === undefined) throw nothing();
  const account = watch?.alarms.account ?? (places.size === 0 ? secret?.split(':')[4] : undefined);
  const place = placeOf(iam ?? { account: account ?? null, places });
  const { assumes, secrets } =
    options.requirements === 'prove'
      ? await provenOf(options, iam?.roles ?? [], place)
      : { assumes: [], secrets: secretsOf(declareds, options) };
  const logins = declareds.map(({ target }) => target.login.password);
  const scope: Scope = {
    ...place,
    servers: declareds.some(({ target }) => target.rds !== undefined),
    path: iam?.path ?? null,
    roles: distinct((iam?.roles ?? []).map(({ path }) => path)),
    boundary: options.boundary ?? null,
    logins: distinct(declareds.flatMap((declared) => loginsOf(declared, options.requirements!))),
    secrets: arnsOf([...logins, ...secrets]),
    watch: watch && { stack: watch.stack, topics: topicsOf(watch.alarms.alarms) },
  };
  return printRequirements(scope, assumes, options, console);
};

const nothing = (): Failure =>
  failure(
    'iam/nothing',
    'the manifest asks for nothing in AWS: it has no principals, no iam section, no alarms, no targets of RDS and no secrets',
    { hint: 'add iam: { account: "ACCOUNT" }' },
  );

/** Names of topics that we keep. */
const topicsOf = (alarms: readonly DeclaredAlarm[]): string[] =>
  distinct(alarms.flatMap(({ topic }) => (topic === null || topic.startsWith('arn:') ? [] : [topic])));

const placesOf = (declareds: readonly Declared[]): DeclaredIam['places'] =>
  new Map(declareds.flatMap(({ target: { name, place } }) => (place ? [[name, place] as const] : [])));

const placeOf = ({ account, places }: Pick<DeclaredIam, 'account' | 'places'>): AccountPlace => {
  const [place] = places.values();
  const known = account ?? place?.account;
  if (known) return { account: known, partition: place?.partition ?? 'aws' };
  throw failure('iam/no-account', 'the manifest does not say which account it is about', { hint: 'add iam: { account: "ACCOUNT" }' });
};

/** What Rolecall logs in as by IAM; through a proxy it is the proxy that is connected to. */
const loginsOf = ({ target: { login, place } }: Declared, as: 'plan' | 'apply' | 'prove'): string[] => {
  const users = as !== 'apply' ? [login.planUser ?? login.user] : [login.user, login.planUser];
  if (login.auth !== 'iam' || !place) return [];
  const { partition, account } = place;
  return users.flatMap((user) =>
    user === undefined ? [] : place.resources.map(({ id, region }) => connectArn({ partition, region, account, resource: id, user })),
  );
};

type Password = Reference | undefined;

/** Passwords of users, which only `apply` sets. */
const secretsOf = (declareds: readonly Declared[], { requirements: as }: IamOptions): readonly Password[] =>
  as === 'apply' ? declareds.flatMap(({ roles }) => passwordsOf(roles)) : [];

const passwordsOf = (roles: Declared['roles']): readonly Password[] => [...roles.values()].map(({ password }) => password);

const arnsOf = (passwords: readonly Password[]): string[] =>
  distinct(passwords.flatMap((password) => (password?.source === 'secret' ? [password.name] : [])));

/** Roles and passwords of those whom `expect` names. A role with a path that the manifest does not know has to be written as its ARN there. */
const provenOf = async (
  options: IamOptions,
  roles: DeclaredIam['roles'],
  { account, partition }: AccountPlace,
): Promise<{ readonly assumes: readonly string[]; readonly secrets: readonly Password[] }> => {
  const { expectations } = await expectedOf({ ...options, target: [] });
  const assumed = expectations.flatMap(({ as }) => {
    if (as?.kind !== 'role') return [];
    const path = roles.find(({ name }) => name === as.name)?.path ?? '/';
    return [as.arn ?? `arn:${partition}:iam::${account}:role${path}${as.name}`];
  });
  return { assumes: distinct(assumed), secrets: expectations.map(({ password }) => password) };
};

const printRequirements = (
  scope: Scope,
  assumes: readonly string[],
  { requirements: as, format }: IamOptions,
  console: Console,
): ExitCode => {
  if (format !== 'json') throw failure('iam/format', 'requirements are printed as JSON', { hint: 'leave --format out' });
  const requirements =
    as === 'prove' ? proveRequirements(scope, assumes) : as === 'plan' ? planRequirements(scope) : applyRequirements(scope);
  if (requirements.length === 0) throw nothing();
  for (const { sid, why } of requirements) console.err(`${sid}: ${why}\n`);
  if (as === 'apply' && scope.path !== null) console.err(`\nnote: ${applyCaveat(scope)}\n`);
  console.out(`${JSON.stringify(requirementsDocument(requirements), null, 2)}\n`);
  return EXIT.ok;
};

const writeFiles = async (folder: string, files: ReturnType<typeof emitFiles>): Promise<void> => {
  const { mkdir, writeFile } = await import('node:fs/promises');
  const { dirname, join } = await import('node:path');
  try {
    // What is there already may be another stack's.
    await mkdir(folder);
    for (const { path, text } of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text, { flag: 'wx' });
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw failure('iam/not-written', `'${folder}' was not written: ${code === 'EEXIST' ? 'it exists already' : (code ?? message)}`, {
      hint: 'name a new directory with --out',
    });
  }
};
