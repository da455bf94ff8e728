import { connect as dial } from 'node:net';
import type { DatabaseEngine } from '../model/declared.ts';
import { greetingOf } from '../providers/mysql/greeting.ts';
import { codeOf } from '../providers/network.ts';

/** What listens at a port. `tls`: false where it speaks none. `trouble`: the code of the socket's error, where nobody was reached. */
export type Heard =
  | { readonly port: number; readonly engine: DatabaseEngine; readonly tls: boolean }
  | { readonly port: number; readonly engine: null; readonly trouble: string | null };

/** The port at which PostgreSQL is asked at once: nobody else is expected there. */
const POSTGRES_PORT = 5432;
/** How long a server may take to greet before it is asked; to be reached; and to say anything at all (it may look up our name first). */
const WAIT = { greetingMs: 500, dialMs: 10_000, answerMs: 10_000 } as const;
/** PostgreSQL 18 manual, 54.2.11 and 54.7, "SSLRequest": the length, and a number that stands for it; one letter answers. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const ANSWERS = ['S', 'N'];
/** A greeting may begin with such a letter; it never comes alone. */
const ALONE_MS = 100;

/**
 * ■ Which engine listens at a port, without a login: MySQL and MariaDB greet whoever comes, PostgreSQL answers when it is asked for
 * TLS. On the others such a visit counts against `max_connect_errors`, until somebody logs in.
 */
export const heardAt = (host: string, port: number, patience?: AbortSignal): Promise<Heard> =>
  new Promise((resolve) => {
    const socket = dial({ host, port });
    let bytes = Buffer.alloc(0);
    let asked = false;
    const timers: NodeJS.Timeout[] = [];
    const after = (ms: number, act: () => void): void => void timers.push(setTimeout(act, ms));
    const end = (heard: Heard): void => {
      for (const timer of timers) clearTimeout(timer);
      socket.destroy();
      resolve(heard);
    };
    const unheard = (trouble: string | null): void => end({ port, engine: null, trouble });
    const ask = (): void => {
      if (bytes.length > 0) return;
      asked = true;
      socket.write(SSL_REQUEST);
    };
    patience?.addEventListener('abort', () => unheard('ETIMEDOUT'));
    after(WAIT.dialMs, () => unheard('ETIMEDOUT'));
    socket.once('connect', () => {
      clearTimeout(timers.pop());
      after(port === POSTGRES_PORT ? 0 : WAIT.greetingMs, ask);
      after(WAIT.answerMs, () => unheard(null));
    });
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      const greeting = greetingOf(bytes);
      if (greeting) end({ port, engine: greeting.flavour, tls: greeting.tls });
      else if (greeting === null) unheard(null);
      else if (asked && bytes.length === 1 && ANSWERS.includes(bytes.toString('latin1')))
        after(ALONE_MS, () => bytes.length === 1 && end({ port, engine: 'postgres', tls: bytes.toString('latin1') === 'S' }));
    });
    socket.once('error', (error) => unheard(codeOf(error) || 'ETIMEDOUT'));
    socket.once('close', () => unheard(null));
  });
