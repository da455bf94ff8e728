import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { renameUnlessThere } from '../binaries.ts';
import { cacheDir, scratchDir } from '../files.ts';
import type { MysqlOptions } from '../mysql/server.ts';
import type { Verdict } from './proxy.ts';

/** What decides who is let in by a token, in place of RDS. */
export type TokenVerifier = {
  /** For `startMysql`: its plugin asks this verifier. */
  readonly options: Pick<MysqlOptions, 'pluginDir' | 'env'>;
  /** Run as a superuser once: the plugin is there then, as on an instance whose IAM authentication is on. */
  readonly install: string;
  /** What became of each token so far. */
  readonly log: () => readonly (Verdict & { readonly user: string })[];
  readonly close: () => Promise<void>;
};

/** Was the compiler fetched that the plugin needs? */
export const canMakePlugin = (): boolean => fs.existsSync(compiler());

/** Listens for what the plugin of one or more servers asks. */
export async function startTokenVerifier(verify: (token: string, user: string) => Promise<Verdict> | Verdict): Promise<TokenVerifier> {
  const home = scratchDir({});
  const socket = path.join(home, 'verifier');
  const log: (Verdict & { readonly user: string })[] = [];
  const listener = net.createServer((asker) => {
    const answer = async ([user, token]: readonly string[]): Promise<void> => {
      const verdict = await verify(token ?? '', user ?? '');
      log.push({ user: user ?? '', ...verdict });
      asker.end(verdict.ok ? '1' : '0');
    };
    asker.on('error', () => {});
    let heard = Buffer.alloc(0);
    asker.on('data', (chunk) => {
      heard = Buffer.concat([heard, chunk]);
      if (heard.length < 4 || heard.length < 4 + heard.readUInt32LE(0)) return;
      answer(heard.toString('utf8', 4).split('\0')).catch(() => asker.end('0'));
    });
  });
  await new Promise<void>((resolve) => listener.listen(socket, resolve));
  return {
    options: { pluginDir: pluginDir(), env: { LAB_AUTH_SOCKET: socket } },
    install: "INSTALL PLUGIN AWSAuthenticationPlugin SONAME 'aws_auth.so'",
    log: () => log,
    close: async () => {
      await new Promise<void>((resolve) => listener.close(() => resolve()));
      fs.rmSync(home, { recursive: true, force: true });
    },
  };
}

const compiler = (): string => path.join(cacheDir(), 'tcc', 'tcc');

/** The folder with the compiled plugin alone: made once for each text of it, then kept. */
function pluginDir(): string {
  const source = path.join(path.dirname(fileURLToPath(import.meta.url)), 'aws_auth.c');
  const name = path.join(cacheDir(), `aws_auth-${createHash('sha256').update(fs.readFileSync(source)).digest('hex').slice(0, 12)}`);
  if (fs.existsSync(name)) return name;
  if (!canMakePlugin()) throw new Error('the compiler of the plugin is not here: run npm run lab:fetch -- tcc');
  const draft = `${name}.${process.pid}`;
  fs.mkdirSync(draft, { mode: 0o755 });
  const library = path.join(draft, 'aws_auth.so');
  execFileSync(compiler(), ['-shared', '-nostdlib', '-Wall', '-Werror', '-o', library, source], { stdio: 'pipe' });
  fs.writeFileSync(library, withPlainStack(fs.readFileSync(library)));
  renameUnlessThere(draft, name);
  return name;
}

/**
 * The compiler does not say that the library needs no executable stack, and new C libraries refuse what does not: one more program
 * header (PT_GNU_STACK, readable and writable), in a table that moves to the end of the file.
 */
function withPlainStack(library: Buffer): Buffer {
  const [begin, size, count] = [Number(library.readBigUInt64LE(32)), library.readUInt16LE(54), library.readUInt16LE(56)];
  const stack = Buffer.alloc(size);
  stack.writeUInt32LE(0x6474e551, 0);
  stack.writeUInt32LE(6, 4);
  stack.writeBigUInt64LE(16n, 48);
  const changed = Buffer.concat([library, library.subarray(begin, begin + size * count), stack]);
  changed.writeBigUInt64LE(BigInt(library.length), 32);
  changed.writeUInt16LE(count + 1, 56);
  return changed;
}
