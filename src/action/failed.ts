import { EXIT, type Failure } from '../model/finding.ts';
import { findingsSummary } from '../render/findings-list.ts';
import { findingsMarkdown } from './findings-markdown.ts';
import type { FailureReason, Outcome } from './outcome.ts';

/** What trouble that ended a command comes to. `link` leads to a line of the manifest. */
export const failedOutcome = (error: Failure, link: (file: string, line: number) => string | null = () => null): Outcome => ({
  failure: { reason: reasonOf(error), message: findingsSummary(error.findings) || error.message },
  findings: error.findings,
  summary: [`### ❌ ${findingsSummary(error.findings) || 'failed'}\n\n${findingsMarkdown(error.findings, link)}`],
  outputs: {},
});

const BY_EXIT: Readonly<Record<number, FailureReason>> = {
  [EXIT.stale]: 'plan-changed',
  [EXIT.partial]: 'apply-partial',
  [EXIT.locked]: 'locked',
};
const BY_AREA: Readonly<Record<string, FailureReason>> = {
  connect: 'connect',
  inspect: 'connect',
  target: 'connect',
  aws: 'auth',
  login: 'auth',
  token: 'auth',
  lock: 'locked',
  pin: 'policy',
  guard: 'policy',
  apply: 'policy',
  github: 'github-api',
};

/** The reason that the first error stands for. */
export const reasonOf = ({ exitCode, findings }: Failure): FailureReason => {
  const [area = ''] = (findings.find(({ severity }) => severity === 'error') ?? findings[0])?.code.split('/') ?? [];
  return BY_EXIT[exitCode] ?? BY_AREA[area] ?? (exitCode === EXIT.refused ? 'policy' : 'config-invalid');
};
