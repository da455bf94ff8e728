import net from 'node:net';
import type pg from 'pg';
import type { Postgres } from './postgres.ts';
import type { Login } from './rds.ts';

/** A pooler that lends out sessions by the statement, as PgBouncer in transaction mode does. */
export type Pooler = { readonly port: number; readonly close: () => Promise<void> };

/**
 * Two sessions of one login behind one port; each query of a client goes to the other one. Anybody may connect, and only the
 * simple protocol is spoken: enough to show what shared sessions do to a lock.
 */
export const startPooler = async (server: Postgres, login: Login, database: string): Promise<Pooler> => {
  const sessions = await Promise.all([rawSession(server, login, database), rawSession(server, login, database)]);
  const open = new Set<net.Socket>();
  let turn = 0;
  const listener = net.createServer((client) => {
    open.add(client);
    client.on('close', () => open.delete(client));
    client.on('error', () => {});
    let greeted = false;
    client.on('data', async (bytes) => {
      if (!greeted) {
        greeted = true;
        client.write(
          Buffer.concat([
            message('R', int32(0)),
            message('S', Buffer.from(`server_version\0${server.version}\0`)),
            message('K', Buffer.concat([int32(1), int32(1)])),
            READY,
          ]),
        );
      } else if (bytes[0] === 'Q'.charCodeAt(0)) {
        client.write(await sessions[turn++ % sessions.length]!.ask(bytes));
      } else client.end();
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    port: (listener.address() as net.AddressInfo).port,
    close: async () => {
      for (const client of open) client.destroy();
      for (const session of sessions) session.end();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
};

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const message = (type: string, body: Buffer): Buffer => Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
const READY = message('Z', Buffer.from('I'));

/** A session that is logged in, and whose bytes are ours from then on. */
const rawSession = async (server: Postgres, login: Login, database: string) => {
  const client: pg.Client = await server.connect(login, database);
  const { stream } = (client as unknown as { connection: { stream: net.Socket } }).connection;
  stream.removeAllListeners('data');
  return {
    ask: (query: Buffer) =>
      new Promise<Buffer>((resolve) => {
        let answer = Buffer.alloc(0);
        const listen = (bytes: Buffer) => {
          answer = Buffer.concat([answer, bytes]);
          // ready again, in whatever state of transaction
          if (answer.length < 6 || answer.toString('latin1', answer.length - 6, answer.length - 1) !== 'Z\0\0\0\u0005') return;
          stream.off('data', listen);
          resolve(answer);
        };
        stream.on('data', listen);
        stream.write(query);
      }),
    end: () => stream.destroy(),
  };
};
