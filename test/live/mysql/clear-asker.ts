import net from 'node:net';

export type ClearAsker = {
  readonly port: number;
  /** Every byte that it was sent. */
  readonly heard: () => string;
  readonly close: () => Promise<void>;
};

/** Greets as a server of MySQL does, and then asks for the password in the clear, as somebody between would. */
export const startClearAsker = async (): Promise<ClearAsker> => {
  let heard = '';
  const listener = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.write(packet(0, greeting()));
    socket.once('data', () => socket.write(packet(2, Buffer.from('\xfemysql_clear_password\0', 'latin1'))));
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as net.AddressInfo;
  return { port, heard: () => heard, close: () => new Promise((resolve) => listener.close(() => resolve())) };
};

const packet = (sequence: number, body: Buffer): Buffer => {
  const header = Buffer.alloc(4);
  header.writeUIntLE(body.length, 0, 3);
  header[3] = sequence;
  return Buffer.concat([header, body]);
};

/** Protocol 10, with PROTOCOL_41, SECURE_CONNECTION and PLUGIN_AUTH. */
const greeting = (): Buffer => {
  const capabilities = Buffer.alloc(4);
  capabilities.writeUInt32LE(0x0008_8200);
  return Buffer.concat([
    Buffer.from([10]),
    Buffer.from('8.0.45\0'),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from('12345678\0'),
    capabilities.subarray(0, 2),
    Buffer.from([45, 2, 0]),
    capabilities.subarray(2),
    Buffer.from([21]),
    Buffer.alloc(10),
    Buffer.from('123456789012\0'),
    Buffer.from('mysql_native_password\0'),
  ]);
};
