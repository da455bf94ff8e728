import net from 'node:net';

type OldServer = { readonly port: number; readonly close: () => Promise<void> };

/**
 * A stand-in, ours and nobody's server: says that it is this version, lets everybody in, and answers every query with that version.
 * For versions that cannot be had any more.
 */
export async function startOldServer(version: string): Promise<OldServer> {
  const open = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    let greeted = false;
    socket.write(packet(0, greeting(version)));
    socket.on('data', (data) => {
      // the first packet is the login, each one after it a command of its own
      const command = data[4];
      if (!greeted) socket.write(packet(2, OK));
      else if (command === QUERY) socket.write(Buffer.concat(answer([version, 'MySQL Community Server (GPL)', '7'])));
      else socket.end();
      greeted = true;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const QUERY = 0x03;
const OK = Buffer.from([0, 0, 0, 2, 0, 0, 0]);
const EOF = Buffer.from([0xfe, 0, 0, 2, 0]);
const UTF8 = 33;

const packet = (sequence: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(4);
  head.writeUIntLE(payload.length, 0, 3);
  head[3] = sequence;
  return Buffer.concat([head, payload]);
};

/** Protocol 4.1 without TLS, with passwords as 5.7 takes them. */
const greeting = (version: string): Buffer =>
  Buffer.concat([
    Buffer.from([10]),
    Buffer.from(`${version}\0`),
    Buffer.from([7, 0, 0, 0]),
    Buffer.from('12345678\0'),
    // capabilities: CONNECT_WITH_DB, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH
    Buffer.from([0x09, 0xa2, UTF8, 2, 0, 0x08, 0x00, 21]),
    Buffer.alloc(10),
    Buffer.from('123456789012\0mysql_native_password\0'),
  ]);

const text = (value: string): Buffer => Buffer.concat([Buffer.from([Buffer.byteLength(value)]), Buffer.from(value)]);

/** One row of texts. */
const answer = (row: readonly string[]): Buffer[] => {
  const column = (name: string): Buffer =>
    Buffer.concat([...['def', '', '', '', name, ''].map(text), Buffer.from([0x0c, UTF8, 0, 0xff, 0, 0, 0, 0xfd, 0, 0, 0, 0, 0])]);
  const payloads = [Buffer.from([row.length]), ...row.map((_, at) => column(`c${at}`)), EOF, Buffer.concat(row.map(text)), EOF];
  return payloads.map((payload, at) => packet(at + 1, payload));
};
