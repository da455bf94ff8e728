import module from 'node:module';
import { EXIT, Failure } from './model/finding.ts';
import { VERSION } from './version.ts';

/** argv → command → exit code. What is not needed is not loaded: `--version` answers before anything else. */
const main = async (): Promise<void> => {
  const [first] = process.argv.slice(2);
  if (process.argv.length === 3 && (first === '--version' || first === '-V')) {
    process.stdout.write(`${VERSION}\n`);
    return;
  }
  keepCompiled();
  const { run } = await import('./commands/program.ts');
  process.exitCode = await run(process.argv.slice(2)).catch(report);
};

/** Node 22.1 and later can keep compiled code for the next run; in the user's own folder, since it is trusted when it is read. */
const keepCompiled = (): void => {
  const { enableCompileCache } = module as { readonly enableCompileCache?: (folder: string) => unknown };
  const { XDG_CACHE_HOME: cache, HOME: home } = process.env;
  const folder = cache || (home && `${home}/.cache`);
  if (folder) enableCompileCache?.(`${folder}/rolecall`);
};

const report = async (error: unknown): Promise<number> => {
  if (!(error instanceof Failure)) {
    process.stderr.write(`this is a bug in rolecall ${VERSION}:\n${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT.error;
  }
  return error.exitCode;
};

await main();
