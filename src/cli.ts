import { EXIT, Failure } from './model/finding.ts';
import { VERSION } from './version.ts';

/** argv → command → exit code. What is not needed is not loaded: `--version` answers before anything else. */
const main = async (): Promise<void> => {
  const [first] = process.argv.slice(2);
  if (process.argv.length === 3 && (first === '--version' || first === '-V')) {
    process.stdout.write(`${VERSION}\n`);
    return;
  }
  const { run } = await import('./commands/program.ts');
  process.exitCode = await run(process.argv.slice(2)).catch(report);
};

const report = async (error: unknown): Promise<number> => {
  if (!(error instanceof Failure)) {
    process.stderr.write(`this is a bug in rolecall ${VERSION}:\n${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT.error;
  }
  return error.exitCode;
};

await main();
