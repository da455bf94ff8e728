/** Where something stands in a manifest: path as the user gave it, line and column from 1. */
export type Position = { readonly file: string; readonly line: number; readonly column: number };

export type Severity = 'error' | 'warning' | 'note';

/** One expected problem. `code` is `area/slug`; `hint` is something that the user can do. */
export type Finding = {
  readonly severity: Severity;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly target?: string;
  readonly source?: Position;
};

/** Exit codes of every command (product.md, "Commands"). */
export const EXIT = {
  ok: 0,
  error: 1,
  changes: 2,
  refused: 3,
  stale: 4,
  partial: 5,
  locked: 6,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Work must stop: expected trouble, carried as findings. Anything else that is thrown is our bug. */
export class Failure extends Error {
  readonly findings: readonly Finding[];
  readonly exitCode: ExitCode;
  constructor(findings: readonly Finding[], exitCode: ExitCode = EXIT.error) {
    super(findings.map((finding) => finding.message).join('\n'));
    this.name = 'Failure';
    this.findings = findings;
    this.exitCode = exitCode;
  }
}

export const failure = (code: string, message: string, rest: Partial<Finding> = {}, exitCode: ExitCode = EXIT.error): Failure =>
  new Failure([{ severity: 'error', code, message, ...rest }], exitCode);

export const isError = (finding: Finding): boolean => finding.severity === 'error';
