import type { Duplex } from 'node:stream';
import { type SecureContext, TLSSocket } from 'node:tls';

/** How a client of PostgreSQL opens a connection, up to its start-up packet. */
export type Opening =
  | { readonly kind: 'cancel'; readonly client: Duplex; readonly packet: Buffer }
  | {
      readonly kind: 'start';
      readonly client: Duplex;
      readonly packet: Buffer;
      readonly secure: boolean;
      readonly user: string;
      readonly database: string;
    };

/** https://www.postgresql.org/docs/18/protocol-message-formats.html */
const CANCEL = 80_877_102;
const SSL = 80_877_103;
const GSS = 80_877_104;
/** First byte of a TLS handshake. */
const HANDSHAKE = 0x16;
/** MAX_STARTUP_PACKET_LENGTH and PG_MAX_AUTH_TOKEN_LENGTH of the server. */
const MAX_STARTUP = 10_000;
const MAX_PASSWORD = 65_535;

/** Reads what comes before the first message, and speaks TLS when the client wants to: at once only when `direct`. */
export async function opening(raw: Duplex, context: SecureContext, direct: boolean): Promise<Opening> {
  let client = raw;
  let secure = false;
  for (;;) {
    const first = await take(client, 1);
    if (first[0] === HANDSHAKE && !secure && direct) {
      client.unshift(first);
      const tls = await encrypted(client, context);
      // without ALPN this could be another protocol's client, so the server refuses it
      if (tls.alpnProtocol !== 'postgresql') throw new Error('direct TLS without ALPN');
      [client, secure] = [tls, true];
      continue;
    }
    const length = Buffer.concat([first, await take(client, 3)]).readUInt32BE();
    if (length < 8 || length > MAX_STARTUP) throw new Error('this is no start-up packet');
    const body = await take(client, length - 4);
    const code = body.readUInt32BE();
    if (code === GSS) client.write('N');
    else if (code === SSL && !secure) {
      // what was sent before the handshake nobody protects: CVE-2021-23222
      if (client.readableLength > 0) throw new Error('bytes before the TLS handshake');
      client.write('S');
      [client, secure] = [await encrypted(client, context), true];
    } else {
      const packet = Buffer.concat([uint32(length), body]);
      if (code === CANCEL) return { kind: 'cancel', client, packet };
      const { user = '', database = user } = parameters(body.subarray(4));
      return { kind: 'start', client, packet, secure, user, database };
    }
  }
}

/** Asks for the password in clear text. */
export async function clearTextPassword(client: Duplex): Promise<string> {
  client.write(message('R', uint32(3)));
  const header = await take(client, 5);
  const length = header.readUInt32BE(1) - 4;
  if (String.fromCharCode(header[0] ?? 0) !== 'p' || length < 1 || length > MAX_PASSWORD) throw new Error('this is no password');
  return (await take(client, length)).toString('utf8', 0, length - 1);
}

/** The error that ends an attempt to connect. */
export function fatal(code: string, text: string): Buffer {
  const fields = ['SFATAL', 'VFATAL', `C${code}`, `M${text}`].map((field) => `${field}\0`).join('');
  return message('E', Buffer.from(`${fields}\0`));
}

/** The next bytes, as many as asked for; what follows them stays in the stream. */
function take(stream: Duplex, size: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const attempt = () => {
      const bytes = stream.read(size) as Buffer | null;
      if (bytes?.length === size) finish(() => resolve(bytes));
      else if (bytes !== null || stream.readableEnded || stream.destroyed) gone();
    };
    const gone = () => finish(() => reject(new Error('the client went away')));
    const finish = (settle: () => void) => {
      stream.off('readable', attempt).off('end', gone).off('close', gone);
      settle();
    };
    stream.on('readable', attempt).on('end', gone).on('close', gone);
    attempt();
  });
}

function encrypted(raw: Duplex, secureContext: SecureContext): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    // Node's types leave out that a server's socket takes any stream
    const socket = new TLSSocket(raw as ConstructorParameters<typeof TLSSocket>[0], {
      isServer: true,
      secureContext,
      ALPNProtocols: ['postgresql'],
    });
    socket.on('error', () => {});
    socket.once('secure', () => resolve(socket));
    socket.once('close', () => reject(new Error('the TLS handshake failed')));
  });
}

/** `name\0value\0…\0`. */
function parameters(bytes: Buffer): Record<string, string> {
  const words = bytes.toString('utf8').split('\0');
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < words.length && words[at] !== ''; at += 2) pairs.push([words[at] ?? '', words[at + 1] ?? '']);
  return Object.fromEntries(pairs);
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), uint32(body.length + 4), body]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
