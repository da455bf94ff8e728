import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Failure, type Finding, failure, isError } from '../model/finding.ts';
import { onSecret } from '../providers/lookup.ts';
import { canonicalJson } from '../render/escape.ts';
import { annotations } from './annotations.ts';
import { type Context, contextOf, untrusted } from './context.ts';
import { detailOf, withoutNames } from './detail.ts';
import { type Command, type Inputs, inputsOf } from './inputs.ts';
import { type Log, openLog } from './log.ts';
import type { Job, Outcome, Outputs, Run } from './outcome.ts';
import { outputsText, summaryText } from './outputs.ts';
import { keepSecret, keepSecretsOf, redact } from './redact.ts';

/** The file of each command, loaded only when it is the one that runs. */
const COMMAND_FILES: Readonly<Record<Command, () => Promise<Run>>> = {
  validate: async () => (await import('./validate.ts')).validate,
  plan: async () => (await import('./verify.ts')).planOrVerify,
  apply: async () => (await import('./apply.ts')).apply,
  drift: async () => (await import('./drift.ts')).drift,
  report: async () => (await import('./report.ts')).report,
  prove: async () => (await import('./prove.ts')).prove,
};

/** Inputs → one command → annotations, summary, outputs, and a step that is green or red. */
const main = async (): Promise<void> => {
  const log = openLog((text) => void process.stdout.write(text));
  const interruption = new AbortController();
  // The runner interrupts a step that is cancelled, terminates it 7.5 s later, and kills it after that.
  const stop = (): void => {
    if (interruption.signal.aborted) process.exit(1);
    interruption.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  try {
    const outcome = await run(log, interruption.signal).catch((error) => failed(error));
    await report(outcome, log);
    if (outcome.failure) process.exitCode = 1;
  } catch (error) {
    log.print(redact(error instanceof Error ? (error.stack ?? error.message) : String(error)));
    log.command('::error::the step failed for a reason that is no fault of the workflow: its log has the details\n');
    process.exitCode = 1;
  } finally {
    log.close();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
  }
};

const run = async (log: Log, signal: AbortSignal): Promise<Outcome> => {
  const inputs = inputsOf(process.env);
  const context = contextOf(process.env, await payload());
  keepSecretsOf(process.env);
  keepSecret(inputs.githubToken);
  if (inputs.githubToken !== '') log.mask(inputs.githubToken);
  onSecret((secret) => maskOn(log, secret));
  const load = COMMAND_FILES[commandFor(inputs, context, log)];
  const show = detailOf({ inputs, context }) === 'full' ? everything : withoutNames;
  const said = await (await load())(jobOf(inputs, context, log, signal)).catch((error) => failed(error, context, show));
  const outcome = { ...said, findings: show(said.findings) };
  return inputs.summary ? outcome : { ...outcome, summary: [] };
};

/** A fork's pull request and one of Dependabot get no credentials: what can be said without any is said. */
const commandFor = ({ command }: Inputs, context: Context, log: Log): Command => {
  const reason = untrusted(context);
  if (reason === null || command === 'apply' || command === 'validate') return command;
  log.print(`a pull request of ${reason === 'fork' ? 'a fork' : reason} gets no credentials: '${command}' runs as 'validate'`);
  return 'validate';
};

const jobOf = (inputs: Inputs, context: Context, log: Log, signal: AbortSignal): Job => ({
  inputs,
  context,
  log: (text) => log.print(redact(text)),
  runner: {
    mask: (secret) => maskOn(log, secret),
    idToken: (audience) => log.listening(async () => (await import('@actions/core')).getIDToken(audience)),
  },
  listening: log.listening,
  now: () => new Date(),
  signal,
});

/** In the log, and in whatever else leaves the step. */
const maskOn = (log: Log, secret: string): void => {
  log.mask(secret);
  keepSecret(secret);
};

const payload = async (): Promise<unknown> => {
  const file = process.env.GITHUB_EVENT_PATH;
  if (!file) return {};
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    throw failure('action/context', `'${file}' holds no event: it cannot be read as JSON`, {
      hint: 'GITHUB_EVENT_PATH is set by the runner',
    });
  }
};

type Shown = (findings: readonly Finding[]) => readonly Finding[];
const everything: Shown = (findings) => findings;

const failed = async (error: unknown, context?: Context, show: Shown = everything): Promise<Outcome> => {
  if (!(error instanceof Failure)) throw error;
  const { failedOutcome } = await import('./failed.ts');
  return failedOutcome(
    new Failure(show(error.findings), error.exitCode),
    context ? (await import('./links.ts')).lineLink(context) : undefined,
  );
};

/** Everything that leaves the step goes through here, and through the redactor. */
const report = async (outcome: Outcome, log: Log): Promise<void> => {
  const { GITHUB_OUTPUT, GITHUB_STEP_SUMMARY, GITHUB_WORKSPACE } = process.env;
  const cwd = process.cwd();
  const commands = annotations(annotated(outcome), { workspace: GITHUB_WORKSPACE || cwd, cwd });
  if (commands !== '') log.command(redact(commands));
  if (outcome.failure) log.print(redact(`failed (${outcome.failure.reason}): ${outcome.failure.message}`));
  const outputs = redacted({ ...outcome.outputs, 'failure-reason': outcome.failure?.reason ?? '' }, redact);
  const resultPath = await savedResult(outputs);
  if (GITHUB_OUTPUT) await appendFile(GITHUB_OUTPUT, outputsText({ ...outputs, 'result-path': resultPath }));
  if (GITHUB_STEP_SUMMARY) await appendFile(GITHUB_STEP_SUMMARY, summaryText(outcome.summary.map(redact)));
};

/** A red step says why on the run's page: by its errors, else by the reason alone. */
const annotated = ({ failure: why, findings }: Outcome): readonly Finding[] =>
  why === null || findings.some(isError)
    ? findings
    : [...findings, { severity: 'error', code: `action/${why.reason}`, message: why.message }];

const redacted = (outputs: Outputs, redact: (text: string) => string): Outputs =>
  Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, typeof value === 'string' ? redact(value) : value]));

/** The outputs as a file, for steps that would rather read JSON. */
const savedResult = async (outputs: Outputs): Promise<string> => {
  const folder = path.join(process.env.RUNNER_TEMP || tmpdir(), 'rolecall');
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, 'result.json');
  await writeFile(file, `${canonicalJson(outputs, 2)}\n`);
  return file;
};

await main();
