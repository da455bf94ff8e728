import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { cacheDir } from '../files.ts';

export type Flavour = 'mysql' | 'mariadb';
/** The servers that the tests run, by the two numbers that name a series. */
export type Version = '8.0' | '9.7' | '10.11' | '11.8';

/** One server that was fetched. */
export type Build = {
  readonly flavour: Flavour;
  readonly version: Version;
  /** e.g. '9.7.4' */
  readonly release: string;
  /** The folder that stands for /usr. */
  readonly usr: string;
  /** The server as a command: Debian's loader, its libraries, and the program. */
  readonly command: readonly string[];
  /** Its messages, character sets and SQL. */
  readonly share: string;
  /** Its plugins; null: it brings none. */
  readonly plugins: string | null;
};

export const flavourOf = (version: Version): Flavour => (version.length === 3 ? 'mysql' : 'mariadb');

/** The name of its folder in the cache, by which it is fetched too. */
export const buildName = (version: Version): string => `${flavourOf(version)}-${version}`;

/** Was this server fetched? */
export const isFetched = (version: Version): boolean => fs.existsSync(path.join(cacheDir(), buildName(version), 'VERSION'));

/** The build of a series; throws where it was not fetched. */
export function findBuild(version: Version): Build {
  const root = path.join(cacheDir(), buildName(version));
  const usr = path.join(root, 'usr');
  const flavour = flavourOf(version);
  const libraries = path.join(usr, 'lib', 'x86_64-linux-gnu');
  const plugins = path.join(usr, 'lib', 'mysql', 'plugin');
  return {
    flavour,
    version,
    release: fs.readFileSync(path.join(root, 'VERSION'), 'utf8').trim().split(' ')[1]!,
    usr,
    share: path.join(usr, 'share', fs.existsSync(path.join(usr, 'share', 'mariadb', 'english')) ? 'mariadb' : 'mysql'),
    command: [
      path.join(libraries, 'ld-linux-x86-64.so.2'),
      '--library-path',
      libraries,
      path.join(usr, 'sbin', flavour === 'mysql' ? 'mysqld' : 'mariadbd'),
    ],
    plugins: fs.existsSync(plugins) ? plugins : null,
  };
}

/** Where the server finds its messages and character sets, and where it writes: whatever the machine has configured. */
export function placeFlags(build: Build, home: string): string[] {
  return [
    '--no-defaults',
    `--basedir=${build.usr}`,
    `--datadir=${path.join(home, 'data')}`,
    // a MariaDB that starts removes the temporary tables of every other server in its folder
    `--tmpdir=${path.join(home, 'tmp')}`,
    `--lc-messages-dir=${build.share}`,
    `--character-sets-dir=${path.join(build.share, 'charsets')}`,
    ...(build.flavour === 'mysql' ? ['--secure-file-priv=NULL'] : []),
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
  ];
}

/** Runs the server to its end with SQL on its standard input; its output where it fails. */
export function runServer(build: Build, flags: readonly string[], input = ''): void {
  const [command = '', ...args] = [...build.command, ...flags];
  try {
    execFileSync(command, args, { cwd: '/', input, stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' } });
  } catch (error) {
    throw new Error(`${buildName(build.version)} failed\n${(error as { stderr?: Buffer }).stderr?.toString().slice(0, 6000)}`);
  }
}
