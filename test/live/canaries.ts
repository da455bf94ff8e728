import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { awsEnvironment } from '../lab/aws/moto.ts';
import type { AwsProxy } from '../lab/aws/proxy.ts';
import type { Command, Ended } from './command.ts';

/** Where somebody looks for secrets: an account and a server in it, with the role that the user `app` is for. */
export type Place = {
  readonly command: Command;
  readonly aws: AwsProxy;
  /** A manifest of the one target with this body. */
  readonly manifest: (body: string) => string;
  readonly target: string;
  readonly role: string;
  readonly master: string;
  /** What `app` is granted, and a proof of it. */
  readonly grants: string;
  readonly can: string;
  /** The client that `connect` opens. */
  readonly client: 'psql' | 'mysql';
};

/** Passwords that nobody shall see again: of a user, of whoever mistyped, and one that was not asked for. */
const CANARY = { jane: 'canary-of-jane-1', wrong: 'canary-mistyped-2', spare: 'canary-unasked-3', written: 'canary-written-4' } as const;
const TOKEN = /X-Amz-(?:Signature|Credential|Security-Token)=/;

/** What one command said, and what it was to come to. */
type Said = { readonly name: string; readonly text: string };

/**
 * Every command that has to do with logins, as text and as JSON, where it works and where it fails; nothing that it says or writes has
 * a password, a key or a token in it. Only `token` says one, on stdout, since that is what it is for.
 */
export const expectNoSecrets = async (place: Place): Promise<void> => {
  const { command, aws, manifest, target, role, master, grants, can, client } = place;
  const out = (name: string): string => path.join(command.home, name);
  const users = `users:
  app: { auth: iam, principals: [${role}], ${grants} }
  jane: { auth: password, password: "\${env:JANE}" }
`;
  const file = manifest(users);
  const env = { ...awsEnvironment(aws), ROLECALL_MASTER: master, JANE: CANARY.jane, PGPASSWORD: CANARY.spare, MYSQL_PWD: CANARY.spare };
  const said: Said[] = [];
  const run = async (code: number, args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ended> => {
    const ended = await command.start(args, { ...env, ...more }).ended;
    const name = args.join(' ');
    expect({ name, code: ended.code, said: ended.code === code ? '' : ended.stdout + ended.stderr }).toEqual({ name, code, said: '' });
    said.push({ name, text: args[0] === 'token' && code === 0 ? ended.stderr : ended.stdout + ended.stderr });
    return ended;
  };
  const together = async (
    ...runs: readonly (readonly [code: number, args: readonly string[], more?: Readonly<Record<string, string>>])[]
  ) => await Promise.all(runs.map(([code, args, more]) => run(code, args, more)));
  const of = (chosen = file): readonly string[] => ['-m', chosen];
  const mistyped = { JANE: CANARY.wrong };
  const locked = { ROLECALL_MASTER: CANARY.wrong };

  await run(0, ['apply', ...of(), '--auto-approve']);
  const proofs = manifest(
    `${users}expect: [{ target: ${target}, as: ${role}, user: app, can: [${can}] }, { target: ${target}, user: jane }, { target: ${target}, as: ${role}, user: jane, login: denied }]\n`,
  );
  await together(
    [0, ['prove', ...of(proofs)]],
    [1, ['prove', ...of(proofs), '--json'], { ...mistyped, ...locked }],
    [1, ['prove', ...of(proofs), '--format', 'junit', '--out', out('proofs.xml')], mistyped],
  );
  await together(
    [1, ['doctor', ...of(), '--save', out('evidence.json')], locked],
    [0, ['doctor', `app@${target}`, '--as', role, ...of(), '--json', '--save', out('evidence-of-app.json')]],
    [1, ['doctor', `jane@${target}`, ...of()], mistyped],
  );
  expect(fs.statSync(out('evidence.json')).mode & 0o777).toBe(0o600);

  const token = await run(0, ['token', `app@${target}`, ...of(), '--as', role]);
  expect(token.stdout).toMatch(TOKEN);
  // What comes before any server is asked is the same for all.
  if (client === 'psql') {
    const [pasted, log] = [out('pasted.txt'), out('postgresql.log')];
    const signed = token.stdout.trim();
    fs.writeFileSync(
      pasted,
      `PGPASSWORD='${signed}' psql "password=${CANARY.jane}"\nFATAL:  PAM authentication failed for user "${signed}"\n`,
    );
    fs.writeFileSync(log, `2026-11-21 12:00:00 UTC:10.0.0.1(42):app@app:[7]:FATAL:  password authentication failed for user "${signed}"\n`);
    await together(
      [1, ['prove', ...of(manifest(`users:\n  jane: { auth: password, password: ${CANARY.written} }\n`))]],
      [0, ['doctor', '--from', out('evidence-of-app.json')]],
      [0, ['doctor', '--explain', pasted]],
      [0, ['doctor', '--denied', '--from', log]],
    );
    await together([1, ['token', `jane@${target}`, ...of()]], [1, ['token', `app@${target}`, ...of(), '--as', 'group/nobody']]);
  }

  const seen = await connected(place, users, run);
  said.push({ name: 'processes while connect runs', text: seen.processes });
  expect(seen.variables).toEqual([client === 'psql' ? 'PGPASSWORD' : 'MYSQL_PWD']);

  await run(1, ['lock', 'jane', ...of(), '--auto-approve', '--json'], locked);
  await run(0, ['lock', 'jane', ...of(), '--auto-approve', '--json']);
  await run(0, ['unlock', 'jane', ...of()]);
  await run(1, ['unlock', 'jane', ...of()], locked);

  for (const name of ['proofs.xml', 'evidence.json', 'evidence-of-app.json']) said.push({ name, text: fs.readFileSync(out(name), 'utf8') });
  const secrets = [...Object.values(CANARY), master, env.AWS_SECRET_ACCESS_KEY, token.stdout.trim()];
  expect(said.filter(({ text }) => TOKEN.test(text) || secrets.some((secret) => text.includes(secret))).map(({ name }) => name)).toEqual(
    [],
  );
  expect(said.length).toBeGreaterThan(14);
};

/**
 * What a client that `connect` opened sees: everything but its own environment that names the token, and which of its own variables
 * hold it. It is a client that tells this, so that no other has to be on this machine.
 */
const connected = async (
  { command, manifest, target, role, client }: Place,
  users: string,
  run: (code: number, args: readonly string[], more?: Readonly<Record<string, string>>) => Promise<Ended>,
): Promise<{ readonly processes: string; readonly variables: readonly string[] }> => {
  const bin = path.join(command.home, 'bin');
  fs.mkdirSync(bin);
  const [processes, variables] = [path.join(command.home, 'processes'), path.join(command.home, 'variables')];
  const version = client === 'psql' ? 'psql (PostgreSQL) 17.10' : 'mysql  Ver 8.4.6 for Linux on x86_64 (MySQL Community Server - GPL)';
  fs.writeFileSync(
    path.join(bin, client),
    `#!/bin/sh
if [ "$1" = --version ]; then echo "${version}"; exit; fi
{ tr '\\0' ' ' < /proc/$$/cmdline; tr '\\0' ' ' < /proc/$PPID/cmdline; tr '\\0' '\\n' < /proc/$PPID/environ | grep -v -e ^ROLECALL_MASTER= -e ^JANE= -e ^PGPASSWORD= -e ^MYSQL_PWD= -e ^AWS_SECRET; } > ${processes}
env | grep X-Amz-Signature | sed 's/=.*//' > ${variables}
exit 7
`,
    { mode: 0o755 },
  );
  const file = manifest(users);
  // The client of MySQL is opened for an endpoint that is dialled as it is called.
  if (client === 'mysql') fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/ via: \{[^}]*\},/, ''));
  const PATH = { PATH: `${bin}:${process.env.PATH}` };
  await run(7, ['connect', `app@${target}`, '-m', file, '--as', role], PATH);
  const found = { processes: fs.readFileSync(processes, 'utf8'), variables: fs.readFileSync(variables, 'utf8').trim().split('\n') };
  await run(7, ['connect', `jane@${target}`, '-m', file], PATH);
  await run(1, ['connect', `nobody@${target}`, '-m', file], PATH);
  return { ...found, processes: found.processes + fs.readFileSync(processes, 'utf8') };
};
