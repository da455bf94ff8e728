import type { Reporter, TestModule, TestRunEndReason, TestSuite } from 'vitest/node';

/** Ends the run's output with the versions of the servers that answered and, alone on the last line, the counts. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[], _reason: TestRunEndReason): void {
    const servers = Object.entries(SERVERS)
      .map(([meta, name]) => [name, versionsOf(modules, meta)] as const)
      .filter(([, versions]) => versions.length > 0)
      .map(([name, versions]) => `${name} ${versions.join(', ')}`);
    const lines = [
      ...(servers.length > 0 ? [[...servers, `Node ${process.versions.node}`].join('; ')] : []),
      countLine(modules, unhandledErrors.length),
    ];
    // the other reporters print their summaries in this same event
    process.once('exit', () => process.stdout.write(`\n${lines.join('\n')}\n`));
  }
}

/** What `useServer`, `useMysql` and `useMoto` note in the suites' meta data, and its name. */
const SERVERS = { postgres: 'PostgreSQL', mysql: 'MySQL', mariadb: 'MariaDB', moto: 'moto' };

/** `12 passed, 0 failed`, and `, 1 skipped` where something was. A file that cannot be loaded counts as a failed test. */
function countLine(modules: readonly TestModule[], unhandled: number): string {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const count = (state: string) => tests.filter((test) => test.result().state === state).length;
  const broken = modules.flatMap((module) => [module, ...module.children.allSuites()]).flatMap((group) => group.errors()).length;
  const skipped = count('skipped') + count('pending');
  return `${count('passed')} passed, ${count('failed') + broken + unhandled} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

function versionsOf(modules: readonly TestModule[], server: string): string[] {
  const suites = modules.flatMap((module) => [...module.children.allSuites()]);
  const versions = suites.map((suite: TestSuite) => (suite.meta() as Readonly<Record<string, string | undefined>>)[server]);
  return [...new Set(versions.filter((version) => version !== undefined))].sort((a, b) => Number.parseFloat(a) - Number.parseFloat(b));
}
