import path from 'node:path';
import { type Launched, launchProgram } from '../launch.ts';
import { type Build, buildName, placeFlags } from './builds.ts';

/** What a server that is thrown away need not do; a grant that was acknowledged still outlives the server's being killed. */
const FAST: Readonly<Record<Build['flavour'], readonly string[]>> = {
  mysql: ['--innodb-doublewrite=OFF', '--innodb-redo-log-capacity=16M', '--performance-schema=OFF', '--mysqlx=OFF'],
  mariadb: ['--innodb-doublewrite=0', '--innodb-log-file-size=16M'],
};
/** The kernel's own asynchronous I/O is for few servers at a time, and not to be had in every container. */
const SMALL = [
  '--innodb-use-native-aio=0',
  '--innodb-flush-log-at-trx-commit=2',
  '--innodb-flush-method=nosync',
  '--innodb-buffer-pool-size=64M',
  '--skip-log-bin',
];

export const socketIn = (home: string): string => path.join(home, 'socket');

/** Resolves when the server accepts connections. `home` holds `data` and `tmp`. */
export async function launchAt(
  build: Build,
  home: string,
  port: number,
  flags: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Launched> {
  const { child, log } = await launchProgram({
    name: buildName(build.version),
    home,
    command: [
      ...build.command,
      ...placeFlags(build, home),
      ...FAST[build.flavour],
      ...SMALL,
      '--bind-address=127.0.0.1',
      // clients of this machine are 127.0.0.1, whatever its name service says
      '--skip-name-resolve',
      ...(port > 0 ? [`--port=${port}`] : []),
      `--socket=${socketIn(home)}`,
      `--pid-file=${path.join(home, 'pid')}`,
      ...(build.plugins && !flags.some((flag) => flag.startsWith('--plugin-dir')) ? [`--plugin-dir=${build.plugins}`] : []),
      ...flags,
    ],
    options: { env: { ...process.env, TZ: 'UTC', LC_ALL: 'C', ...env } },
    endBy: 'SIGKILL',
    ready: /ready for connections/,
  });
  return { child, port, log };
}
