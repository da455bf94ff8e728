import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { scratchDir } from '../files.ts';
import { end, forget, launchProgram } from '../launch.ts';

/** moto, the AWS emulator, running; all that it knows is in its memory and goes when it is stopped. */
export type Moto = {
  /** e.g. '5.1.1' */
  readonly version: string;
  /** e.g. 'http://127.0.0.1:40123' */
  readonly url: string;
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Empties all its accounts. */
  readonly reset: () => Promise<void>;
  /**
   * From now on judges each call by the policies of the user or role that signed it, or lets every call pass again. It judges
   * actions, not resources or conditions; credentials that it did not hand out itself are then invalid.
   */
  readonly judge: (judged: boolean) => Promise<void>;
  /** A line per call so far, and what went wrong inside. */
  readonly log: () => string;
  readonly stop: () => Promise<void>;
};

export type MotoOptions = {
  /** Leave the emulator as its authors made it, without the corrections of `moto_fixes.py` and `moto_watch.py`. */
  readonly unfixed?: boolean;
};

/** The account that the emulator's default credentials belong to. */
export const ACCOUNT = '123456789012';
/** The region of `awsEnvironment`. */
export const REGION = 'eu-central-1';
/** The command that fetches the emulator. */
export const FETCH = 'npm run lab:fetch';

const here = path.dirname(fileURLToPath(import.meta.url));

/** Where the emulator is, or would be: MOTO_DIR, or the lab's cache in this repository. */
export function motoDir(): string {
  return process.env.MOTO_DIR || path.join(here, '../../../.cache/lab/moto');
}

/** Was the emulator fetched? */
export function isMotoInstalled(): boolean {
  return fs.existsSync(path.join(motoDir(), 'python'));
}

/** Starts a fresh emulator with one empty account; about a second. */
export async function startMoto(options: MotoOptions = {}): Promise<Moto> {
  if (!isMotoInstalled()) throw new Error(`the AWS emulator is not here: run ${FETCH}`);
  const home = scratchDir({});
  const { child, log } = await launchProgram({
    name: 'moto',
    home,
    command: [path.join(motoDir(), 'python'), '-c', options.unfixed ? UNFIXED : FIXED, '-H', '127.0.0.1', '-p', '0'],
    options: { cwd: home, env: environment(home) },
    endBy: 'SIGTERM',
    ready: /Running on http:\/\/127\.0\.0\.1:\d+/,
  });
  const port = Number(/Running on http:\/\/127\.0\.0\.1:(\d+)/.exec(log())?.[1]);
  const url = `http://127.0.0.1:${port}`;
  const tell = async (what: string, body: string): Promise<void> => {
    const { ok } = await fetch(`${url}/moto-api/${what}`, { method: 'POST', body });
    if (!ok) throw new Error(`moto did not ${what}\n${log()}`);
  };
  return {
    version: version(),
    url,
    host: '127.0.0.1',
    port,
    log,
    reset: async () => await tell('reset', ''),
    judge: async (judged) => await tell('reset-auth', judged ? '0' : 'inf'),
    stop: async () => {
      await end(child, 'SIGTERM');
      fs.rmSync(home, { recursive: true, force: true });
      forget(home);
    },
  };
}

/** What a program needs in its environment to take the emulator, or a proxy before it, for AWS. Nobody's own profile gets in. */
export function awsEnvironment(endpoint: { readonly url: string }) {
  return {
    AWS_ENDPOINT_URL: endpoint.url,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: 'AKIAROLECALLLAB00001',
    AWS_SECRET_ACCESS_KEY: 'a-secret-key-of-the-lab',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  } as const;
}

/** The same for a client of the SDK that a test makes itself. */
export function clientConfig(endpoint: { readonly url: string }) {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = awsEnvironment(endpoint);
  return { endpoint: endpoint.url, region: REGION, credentials: { accessKeyId, secretAccessKey } } as const;
}

/** As the package's own `moto_server` starts it. */
const UNFIXED = 'import sys; from moto.server import main; main(sys.argv[1:])';
const FIXED = `import moto_fixes, moto_keys, moto_watch; ${UNFIXED}`;

/** A fixed hash seed keeps the order in which it lists sets. */
function environment(home: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([variable]) => !/^(AWS|MOTO|PYTHON|LD)_?/.test(variable));
  const python = { PYTHONPATH: here, PYTHONDONTWRITEBYTECODE: '1', PYTHONHASHSEED: '0' };
  return { ...Object.fromEntries(inherited), ...python, HOME: home, TZ: 'UTC', LC_ALL: 'C.UTF-8' };
}

/** Debian's version of the package, without Debian's revision of it. */
function version(): string {
  const packages = fs.readFileSync(path.join(motoDir(), 'PACKAGES'), 'utf8');
  return /^python3-moto_([\d.]+)/m.exec(packages)?.[1] ?? 'of unknown version';
}
