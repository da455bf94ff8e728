import net from 'node:net';
import tls from 'node:tls';
import pg from 'pg';
import { expect, test } from 'vitest';
import { BEHIND_FRONT, type FrontOptions, type IamFront, startIamFront } from '../../lab/iam/proxy.ts';
import { eachMajor } from '../../lab/majors.ts';

const GOOD = 'good'.repeat(2_000);

/** '' when it got in, else `code message`. */
const attempt = async (front: IamFront, config: pg.ClientConfig): Promise<string> => {
  const ssl = { ca: front.authority, servername: 'localhost' };
  const client = new pg.Client({ host: front.host, port: front.port, database: 'postgres', ssl, ...config });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.end();
    return '';
  } catch (error) {
    const { code, message } = error as Error & { readonly code?: string };
    return `${code} ${message}`;
  }
};

/** What the front answers to bytes that no client of PostgreSQL would send, in hexadecimal. */
const answerTo = (front: IamFront, bytes: Buffer): Promise<string> =>
  new Promise((resolve) => {
    let answer = '';
    const socket = net.connect(front.port, front.host, () => socket.write(bytes));
    socket.on('data', (chunk) => {
      answer += chunk.toString('hex');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });

const SSL_REQUEST = Buffer.from('0000000804d2162f', 'hex');

eachMajor(
  (server, major) => {
    const withFront = async (options: Partial<FrontOptions>, body: (front: IamFront) => Promise<void>): Promise<void> => {
      const verify: FrontOptions['verify'] = (token) =>
        token === GOOD ? { ok: true } : { ok: false, reason: `${token.length} characters` };
      const front = await startIamFront(server(), { verify, ...options });
      try {
        await body(front);
      } finally {
        await front.close();
      }
    };

    test('a token of 8 kB arrives whole, and so does one of 60 kB', async () => {
      await server().query(server().master, 'postgres', 'CREATE ROLE app LOGIN; GRANT rds_iam TO app');
      await withFront({}, async (front) => {
        expect(await attempt(front, { user: 'app', password: GOOD })).toBe('');
        expect(await attempt(front, { user: 'app', password: 'x'.repeat(60_000) })).toContain('PAM authentication failed for user "app"');
        expect(front.log().map(({ outcome, reason }) => reason ?? outcome)).toEqual(['token', '60000 characters']);
      });
    });

    test('twenty at once get in', async () => {
      await withFront({}, async (front) => {
        const all = Array.from({ length: 20 }, () => attempt(front, { user: 'app', password: GOOD }));
        expect(new Set(await Promise.all(all))).toEqual(new Set(['']));
      });
    });

    test('where TLS is not forced it is for passwords, and still is for tokens', async () => {
      await withFront({ forceTls: false }, async (front) => {
        expect(await attempt(front, { ...server().master, ssl: false })).toBe('');
        const words = major < 14 ? 'SSL off' : 'no encryption';
        const rejected = `28000 pg_hba.conf rejects connection for host "127.0.0.1", user "app", database "postgres", ${words}`;
        expect(await attempt(front, { user: 'app', password: GOOD, ssl: false })).toBe(rejected);
      });
    });

    test('who cannot be asked about is not let in', async () => {
      const verify = () => Promise.reject(new Error('AWS is out of reach'));
      await withFront({ verify }, async (front) => {
        expect(await attempt(front, { user: 'app', password: GOOD })).toBe('28000 PAM authentication failed for user "app"');
        expect(front.log().at(-1)?.reason).toBe('internal error: AWS is out of reach');
      });
    });

    test('what is sent before the handshake, and what is no start-up packet, ends the connection', async () => {
      await withFront({}, async (front) => {
        expect(await answerTo(front, Buffer.concat([SSL_REQUEST, Buffer.from('early')]))).toBe('');
        expect(await answerTo(front, Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toBe('');
        expect(front.log()).toEqual([]);
      });
    });

    test.runIf(major >= 17)('TLS that begins at once has to say which protocol it carries', async () => {
      await withFront({}, async (front) => {
        const direct = (ALPNProtocols: string[] | undefined): Promise<string | false | null> =>
          new Promise((resolve) => {
            const options = { ca: front.authority, servername: 'localhost', ...(ALPNProtocols ? { ALPNProtocols } : {}) };
            const socket = tls.connect({ host: front.host, port: front.port, ...options });
            socket.on('error', () => {});
            socket.on('close', () => resolve(null));
            if (ALPNProtocols) socket.on('secureConnect', () => resolve(socket.alpnProtocol));
          });
        expect(await direct(['postgresql'])).toBe('postgresql');
        expect(await direct(undefined)).toBeNull();
        expect(await direct(['http/1.1'])).toBeNull();
      });
    });

    test.runIf(major >= 16)('whether a creator is locked out depends on the reading', async () => {
      const creator = { user: 'creator', password: 'secret' };
      await server().query(server().master, 'postgres', "CREATE ROLE creator LOGIN CREATEROLE PASSWORD 'secret'");
      await server().query(creator, 'postgres', 'CREATE ROLE made LOGIN');
      await server().query(server().master, 'postgres', 'GRANT rds_iam TO made');
      await withFront({ counted: 'usable' }, async (front) => expect(await attempt(front, creator)).toBe(''));
      await withFront({ counted: 'every' }, async (front) => expect(await attempt(front, creator)).toContain('PAM authentication failed'));
    });
  },
  { only: [13, 18], hba: BEHIND_FRONT },
);
