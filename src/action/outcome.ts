import type { Finding } from '../model/finding.ts';
import type { Runner } from './aws.ts';
import type { Context } from './context.ts';
import type { Inputs } from './inputs.ts';

/** Why a job failed, in a word that a workflow can branch on. */
export type FailureReason =
  | 'config-invalid'
  | 'connect'
  | 'auth'
  | 'policy'
  | 'plan-missing'
  | 'plan-changed'
  | 'locked'
  | 'apply-partial'
  | 'github-api'
  | 'proof-failed'
  | 'unproven';

/** Values of action.yml's outputs that a command sets; numbers and booleans become text. */
export type Outputs = Readonly<Record<string, string | number | boolean | null>>;

/** What every command of the action is given. `log` writes lines to the job's log; nothing in them is a workflow command. */
export type Job = {
  readonly inputs: Inputs;
  readonly context: Context;
  readonly log: (text: string) => void;
  readonly runner: Runner;
  /** While this works the runner obeys what is printed: for libraries that have it hide their secrets. Nothing else may print then. */
  readonly listening: <T>(work: () => Promise<T>) => Promise<T>;
  readonly now: () => Date;
  readonly signal: AbortSignal;
};

/** What a command came to. Commands throw a Failure for trouble that ends them before they have one. */
export type Outcome = {
  /** null: the step is green. The message is the annotation that says why it is not. */
  readonly failure: { readonly reason: FailureReason; readonly message: string } | null;
  /** Become annotations, beside the manifest's lines where they have one. */
  readonly findings: readonly Finding[];
  /** Markdown for the run's page: the longest comes first, and the first that GitHub's limit lets through is written. */
  readonly summary: readonly string[];
  readonly outputs: Outputs;
};

/** One command of the action. */
export type Run = (job: Job) => Promise<Outcome>;
