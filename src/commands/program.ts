import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EXIT, type ExitCode, Failure, failure } from '../model/finding.ts';
import { VERSION } from '../version.ts';
import { type Console, processConsole } from './console.ts';
import { FORMATS } from './format.ts';
import { tell } from './tell.ts';

/** Parses the arguments and runs one command; expected trouble is told on stderr. */
export const run = async (argv: readonly string[]): Promise<ExitCode> => {
  const interruption = interruptions();
  let exit: ExitCode = EXIT.ok;
  const console = processConsole(interruption.signal, argv.includes('--no-color') ? false : undefined);
  try {
    await program(
      argv,
      (code) => {
        exit = code;
      },
      console,
    ).parseAsync([...argv], { from: 'user' });
    return interruption.signal.aborted && exit === EXIT.ok ? EXIT.interrupted : exit;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.error;
    if (!(error instanceof Failure)) throw error;
    tell(error.findings, console);
    return error.exitCode;
  } finally {
    interruption.end();
  }
};

/** The first Ctrl-C lets the running statement end and rolls back; the second stops at once. */
const interruptions = () => {
  const controller = new AbortController();
  const listen = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    process.stderr.write('\ninterrupted: rolling back what is open (once more to stop at once)\n');
    controller.abort();
  };
  process.on('SIGINT', listen);
  process.on('SIGTERM', listen);
  return {
    signal: controller.signal,
    end: () => {
      process.off('SIGINT', listen);
      process.off('SIGTERM', listen);
    },
  };
};

const AFTER_HELP = `
Begin with:  rolecall validate, then rolecall plan
Exit codes:  0 done or nothing to do · 1 error
             2 changes (drift; plan and report --detailed-exitcode)
             3 refused: errors in the plan, a guard, not confirmed;
               something could not be tried or read (prove, doctor)
             4 the saved plan is stale · 5 applied in part
             6 another run holds the lock · 130 interrupted`;

const program = (argv: readonly string[], done: (code: ExitCode) => void, console: Console): Command => {
  const root = new Command('rolecall')
    .description('Database access as code: who may log in to which database, as which user, and what they may do there.')
    .version(VERSION, '-V, --version')
    .option('--no-color', 'no colours')
    .exitOverride()
    .showHelpAfterError("(see 'rolecall --help')")
    .addHelpText('after', AFTER_HELP)
    // Names alone: with their arguments 80 columns leave no room to wrap what the commands do.
    .configureHelp({ showGlobalOptions: true, subcommandTerm: (subcommand) => subcommand.name() });
  const command = (name: string, description: string) =>
    root.command(name).description(description).exitOverride().showHelpAfterError(`(see 'rolecall ${name} --help')`);

  manifestOption(command('validate', 'check the manifest offline: schema, references, cycles, rules'))
    .addOption(format(['human', 'json', 'github']))
    .addOption(json())
    .action(async (options) => done(await (await import('./validate.ts')).validateCommand(withJson(options), console)));

  changedOption(planOptions(command('plan', 'read everything once and print what would change')))
    .addOption(rotate())
    .option('--out <file>', 'save the plan')
    .addOption(new Option('--detailed-exitcode', 'exit 2 when there are changes').default(false, 'exit 0'))
    .action(async (options) => done(await (await import('./plan.ts')).planCommand(withJson(options), console)));

  planOptions(command('drift', 'plan, and exit 2 when the servers are not as declared')).action(async (options) =>
    done(await (await import('./drift.ts')).driftCommand({ ...withJson(options), detailedExitcode: true }, console)),
  );

  applyOptions(
    targetOptions(
      command('apply', 'plan again, check against the saved plan, execute, read back').argument(
        '[plan.json...]',
        'saved plans: nothing else runs',
      ),
    ),
  )
    .addOption(new Option('--only <cause>', "only what a passed 'until' asks for").choices(['expired']))
    .addOption(rotate())
    .action(async (plans, options) => done(await (await import('./apply.ts')).applyCommand({ ...withJson(options), plans }, console)));

  applyOptions(targetOptions(command('destroy', 'remove everything that carries our mark on the chosen targets')))
    .option('--reassign-to <role>', 'who shall own what the removed roles own')
    .action(async (options) => done(await (await import('./destroy.ts')).destroyCommand(withJson(options), console)));

  command('show', 'render a saved plan')
    .argument('<plan.json>')
    .addOption(format(FORMATS))
    .addOption(json())
    .action(async (plan, options) => done(await (await import('./show.ts')).showCommand(plan, withJson(options).format, console)));

  command('report', 'merge saved plans, such as those of a matrix, into one report')
    .argument('<plan.json...>')
    .addOption(new Option('--detailed-exitcode', 'exit 2 when there are changes').default(false, 'exit 0'))
    .addOption(format(FORMATS))
    .addOption(json())
    .action(async (plans, options) => done(await (await import('./report.ts')).reportCommand(plans, withJson(options), console)));

  targetOptions(command('graph', 'who is in what and holds what, as the manifest says it'))
    .addOption(format(['mermaid', 'dot']))
    .action(async (options) => done(await (await import('./graph.ts')).graphCommand(options, console)));

  changedOption(targetOptions(command('targets', "the targets of the manifest, or the account's clusters and instances")))
    .addOption(new Option('--region <region>', 'list the account in this region; repeatable').argParser(collect).default([], 'AWS_REGION'))
    .addOption(format(['human', 'json']))
    .addOption(json())
    .action(async (options) => done(await (await import('./targets.ts')).targetsCommand(withJson(options), console)));

  loginOptions(command('token', 'a token for a user, on stdout').argument('[user@target]', 'who logs in where'))
    .option('--user <name>', 'who logs in, instead of user@')
    .addOption(new Option('--mask', 'in a GitHub Action: have it hidden in the log, and print it'))
    .action(async (at, options) => done(await (await import('./token.ts')).tokenCommand(at, options, console)));

  loginOptions(
    command('connect', 'open psql or mysql as a user, with a token or its password')
      .argument('<user@target>', 'who logs in where')
      .argument('[database]', 'PostgreSQL, by default: the only one that the target manages, else its maintenance database')
      .argument('[arguments...]', 'after --, as psql or mysql takes them'),
  ).action(async (_at, _database, _args, options, self) => {
    const { at, database, args } = aroundDashes(argv, self.args);
    done(await (await import('./connect.ts')).connectCommand(at, database, args, options, console));
  });

  serverOptions(command('lock', 'emergency: close a login now, end its sessions, take it out of our policies').argument('<user>', 'who'))
    .option('--reason <text>', 'what for: it stands in the mark, which every login of the server can read')
    .addOption(new Option('--break-lock', 'end whoever holds the run lock, first'))
    .addOption(new Option('--auto-approve', 'do not ask').default(false, 'ask for the name once more'))
    .addOption(format(['human', 'json']))
    .addOption(json())
    .action(async (user, options) => done(await (await import('./lock.ts')).lockCommand(user, withJson(options), console)));

  serverOptions(command('unlock', 'take the lock off: plans open the login again as the manifest says').argument('<user>', 'who'))
    .addOption(format(['human', 'json']))
    .addOption(json())
    .action(async (user, options) => done(await (await import('./lock.ts')).unlockCommand(user, withJson(options), console)));

  targetOptions(command('prove', "really log in, as 'expect' says, as allowed and as denied, and try what it names; changes nothing"))
    .addOption(new Option('--allow-unproven', 'exit 0 when something could not be tried').default(false, 'exit 3'))
    .addOption(format(['human', 'json', 'junit', 'markdown']))
    .addOption(json())
    .option('--out <file>', 'write the result there, in that format')
    .action(async (options) => done(await (await import('./prove.ts')).proveCommand(withJson(options), console)));

  serverOptions(
    command('doctor', 'check every precondition; of USER@TARGET, find the first cause that keeps it out').argument(
      '[user@target]',
      'who cannot log in',
    ),
  )
    .addOption(new Option('--check <name>', 'only this check; repeatable').argParser(collect).default([], 'all'))
    .option('--as <role>', 'of USER@TARGET: the IAM role that shall log in: role/NAME or its ARN')
    .addOption(new Option('--list', 'list the checks'))
    .addOption(
      new Option('--iam-requirements <command>', 'the same as rolecall iam --requirements: what rolecall needs').choices(['plan', 'apply']),
    )
    .option('--save <file>', 'save what was read: no token, password or key is in it')
    .option('--from <file>', 'judge what was saved, offline; with --denied: a log file, - for stdin')
    .option('--denied', 'the last denied logins, of TARGET or of USER@TARGET, from the logs')
    .option('--since <time>', 'with --denied: how far back, e.g. 90s, 30m, 1h, 2d (default: 1h; of a file: all)')
    .addOption(new Option('--limit <n>', 'with --denied: how many to show of each target (default: 20)').argParser(wholeNumber))
    .option('--fix-admin', "what rolecall's login lacks to administer the declared roles, as SQL for a master")
    .option('--explain <file>', 'say what a message of a client or lines of a log mean, offline; - reads them from stdin')
    .addOption(format(['human', 'json']))
    .addOption(json())
    .action(async (at, options) => done(await (await import('./doctor.ts')).doctorCommand(at, withJson(options), console)));

  manifestOption(command('iam', 'the policies and IAM roles that the manifest asks for, or what rolecall itself needs'))
    .option('--now <instant>', "judge 'until' at this RFC 3339 instant (default: the present)")
    .addOption(format(['json', 'terraform']))
    .option('--out <directory>', 'write the policies as JSON and as Terraform into a new directory')
    .addOption(
      new Option('--requirements <command>', 'what rolecall needs to plan, to apply or to prove').choices(['plan', 'apply', 'prove']),
    )
    .option('--boundary <arn>', 'with --requirements: the permissions boundary of every principal that is changed')
    .action(async (options) => done(await (await import('./iam.ts')).iamCommand(options, console)));

  command('import', "another tool's file as a manifest")
    .argument('<file>')
    .addOption(new Option('--from <tool>', 'whose file it is').choices(['postgres-user-manager']).makeOptionMandatory())
    .option('--stack <name>', 'owner/repository: the mark of the roles')
    .option('--cluster <name>', 'the server is this cluster of RDS (default: that of the environment)')
    .option('--instance <name>', 'the server is this instance of RDS')
    .option('--region <region>', 'the region of the cluster or instance')
    .option('--login <user>', 'who logs in there, by IAM', 'rolecall')
    .option('--out <file>', 'write a new file (default: stdout)')
    .addOption(plaintext())
    .action(async (file, options) => done(await (await import('./import.ts')).importCommand(file, options, console)));

  return root;
};

const plaintext = (): Option =>
  new Option('--allow-plaintext-passwords', 'read JSON with passwords written out; they are left out, and variables named in their place');

const collect = (value: string, previous: readonly string[]): readonly string[] => [...previous, value];

const manifestOption = (command: Command): Command =>
  command
    .addOption(
      new Option('-m, --manifest <path>', 'file or directory of *.yaml; repeatable')
        .argParser(collect)
        .default([], './access, else ./rolecall.yaml'),
    )
    .addOption(plaintext());

const targetOptions = (command: Command): Command =>
  manifestOption(command)
    .addOption(new Option('-t, --target <name>', 'only this target; repeatable').argParser(collect).default([], 'all'))
    .option('--now <instant>', "judge 'until' at this RFC 3339 instant (default: the present)");

/** The manifest's targets; or, without one, a server as psql or mysql names it, or as RDS does. */
const serverOptions = (command: Command): Command =>
  directOptions(
    manifestOption(command)
      .addOption(new Option('-t, --target <name>', 'only this target; repeatable').argParser(collect).default([], 'all'))
      .option(
        '--user <name>',
        "without a manifest: whom to log in as (default: PGUSER; MySQL, MariaDB: the machine's user; RDS: rolecall)",
      ),
  ).option('--database <name>', 'PostgreSQL without a manifest: the database to enter (default: PGDATABASE, else postgres)');

/** A server without a manifest. */
const directOptions = (command: Command): Command =>
  command
    .option('--host <host>', 'without a manifest: the server, as for psql and mysql (default: PGHOST, or MYSQL_HOST)')
    .option('--port <port>', 'its port (default: PGPORT, else 5432; MYSQL_TCP_PORT, else 3306)')
    .addOption(
      new Option('--engine <engine>', 'what it runs (default: as it is heard there, or as RDS says)').choices([
        'postgres',
        'mysql',
        'mariadb',
      ]),
    )
    .addOption(
      new Option('--tls <mode>', 'of --host (default: as PGSSLMODE says; MySQL, MariaDB: encrypted where the server can)').choices([
        'verify-full',
        'require',
        'disable',
      ]),
    )
    .option(
      '--rds <kind/name>',
      'without a manifest: cluster/NAME, instance/NAME or proxy/NAME; by token unless PGPASSWORD, or MYSQL_PWD, is set',
    )
    .option('--region <region>', 'its region (default: AWS_REGION)')
    .option('--via <host:port>', 'what to dial instead of its endpoint: a tunnel')
    .option('--ca <file>', 'the authority of its certificate');

const loginOptions = (command: Command): Command =>
  directOptions(
    manifestOption(command)
      .addOption(new Option('-t, --target <name>', 'the target, instead of @target').argParser(collect).default([], 'the only one'))
      .option('--as <role>', 'the IAM role to assume first: role/NAME or its ARN'),
  );

/** What stands before `--` is ours, what follows it is for the program that is opened. */
const aroundDashes = (argv: readonly string[], operands: readonly string[]) => {
  const dashes = argv.indexOf('--');
  const args = dashes < 0 ? [] : argv.slice(dashes + 1);
  const [at = '', database, ...others] = operands.slice(0, operands.length - args.length);
  if (others.length > 0)
    throw failure('connect/arguments', `'${others[0]}' is one argument too many`, { hint: 'arguments of psql or mysql follow --' });
  return { at, database, args };
};

const changedOption = (command: Command): Command =>
  command.addOption(
    new Option('--changed-from <path>', 'only targets that this other state of the manifest declares otherwise; repeatable')
      .argParser(collect)
      .default([], 'all'),
  );

const planOptions = (command: Command): Command =>
  paceOptions(targetOptions(command).addOption(format(FORMATS)).addOption(json()).addOption(maxRemovals()));

const paceOptions = (command: Command): Command =>
  command
    .option('--parallelism <n>', 'how many targets are worked on at once', atLeastOne, 4)
    .option('--connect-timeout <seconds>', 'how long to wait for a server to answer, e.g. 30 or 1m (default: 15)', seconds)
    .option('--statement-timeout <seconds>', 'how long a statement may take, e.g. 300 or 10m (default: 5m to read, 10m to apply)', seconds)
    .hook('preAction', (self) => {
      const { parallelism, connectTimeout, statementTimeout } = self.opts();
      const timeouts = {
        ...(connectTimeout === undefined ? {} : { connectMs: connectTimeout * 1000 }),
        ...(statementTimeout === undefined ? {} : { statementMs: statementTimeout * 1000 }),
      };
      self.setOptionValue('pace', { parallel: parallelism, timeouts });
    });

const applyOptions = (command: Command): Command =>
  paceOptions(command)
    .addOption(new Option('--auto-approve', 'do not ask').default(false, 'ask when anybody loses access'))
    .option('--lock-timeout <seconds>', 'how long to wait for another run, e.g. 30 or 2m', seconds, 0)
    .addOption(maxRemovals())
    .addOption(format(['human', 'json', 'jsonl', 'markdown']))
    .addOption(json())
    .hook('preAction', (self) => {
      self.setOptionValue('lockTimeoutMs', self.opts().lockTimeout * 1000);
    });

const format = (choices: readonly string[]): Option =>
  new Option('-f, --format <format>', 'how to print it').choices([...choices]).default(choices[0]);
const json = (): Option => new Option('--json', 'the same as --format json');
const rotate = (): Option =>
  new Option('--rotate <user>', "set this user's password again, whatever its version; repeatable")
    .argParser(collect)
    .default([], 'nobody');
const maxRemovals = (): Option => new Option('--max-removals <n>', 'how many roles may lose access on a target').argParser(wholeNumber);

const withJson = (options: { readonly json?: boolean } & Record<string, unknown>) =>
  ({ ...options, ...(options.json ? { format: 'json' } : {}) }) as never as OptionsOf;
// biome-ignore lint/suspicious/noExplicitAny: commander gives options by name; each command names their types.
type OptionsOf = any;

const wholeNumber = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('a whole number is expected.');
  return Number(text);
};

const atLeastOne = (text: string): number => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('a whole number from 1 is expected.');
  return Number(text);
};

/** `30`, `30s` or `2m`, in seconds. */
const seconds = (text: string): number => {
  const found = /^(\d+)(s|m)?$/.exec(text);
  if (!found) throw new InvalidArgumentError('seconds are expected, e.g. 30, 30s or 2m.');
  return Number(found[1]) * (found[2] === 'm' ? 60 : 1);
};
