import type { Socket } from 'node:net';
import type { Flavour } from '../../model/privilege-mysql.ts';
import { flavourOf } from './flavour.ts';

/** MySQL Internals, "Protocol::HandshakeV10": 3 bytes of length, one of sequence, then this version. 255 is an error instead. */
const HANDSHAKE_V10 = 10;
const REFUSAL = 0xff;
const HEADER = 4;
/** After the version's text: connection id (4), first part of the scramble (8), a zero; then what the server can. */
const BEFORE_CAPABILITIES = 13;
const CLIENT_PROTOCOL_41 = 0x0200;
const CLIENT_SSL = 0x0800;
const CLIENT_SECURE_CONNECTION = 0x8000;
const UTF8MB4 = 45;

/** ■ Reads a server's greeting, and asks for TLS where it speaks that: the server begins no sooner. */
export const upgrade = (socket: Socket): Promise<boolean> =>
  new Promise((resolve, reject) => {
    let greeting: Buffer = Buffer.alloc(0);
    const read = (chunk: Buffer): void => {
      greeting = Buffer.concat([greeting, chunk]);
      if (greeting.length < HEADER || greeting.length < HEADER + greeting.readUIntLE(0, 3)) return;
      socket.off('data', read);
      const speaks = speaksTls(greeting.subarray(HEADER));
      if (speaks === true) socket.write(sslRequest());
      if (speaks instanceof Error) reject(speaks);
      else resolve(speaks);
    };
    socket.on('data', read);
  });

/** What a greeting says of TLS; an error where it is none. */
export const speaksTls = (payload: Buffer): boolean | Error => {
  if (payload[0] === REFUSAL) return new Error(payload.toString('utf8', 3).replace(/^#...../, ''));
  const end = payload.indexOf(0, 1);
  if (payload[0] !== HANDSHAKE_V10 || end < 0 || payload.length < end + 1 + BEFORE_CAPABILITIES + 2)
    return new Error('what listens there does not speak as MySQL and MariaDB do');
  return (payload.readUInt16LE(end + 1 + BEFORE_CAPABILITIES) & CLIENT_SSL) !== 0;
};

/** What a server says of itself before anybody logs in. `tls`: false where it speaks none. */
export type Greeting = { readonly flavour: Flavour; readonly tls: boolean };

/**
 * What the first bytes of a server say; undefined: there is more to come, null: it is no server of MySQL or MariaDB. One that lets
 * nobody in says why instead, and may be either: the login will be told the same.
 */
export const greetingOf = (bytes: Buffer): Greeting | null | undefined => {
  if (bytes.length <= HEADER) return undefined;
  // The first packet has number 0, and no greeting is as long as 64 KiB.
  if (bytes[2] !== 0 || bytes[3] !== 0 || (bytes[HEADER] !== HANDSHAKE_V10 && bytes[HEADER] !== REFUSAL)) return null;
  if (bytes.length < HEADER + bytes.readUIntLE(0, 3)) return undefined;
  const payload = bytes.subarray(HEADER, HEADER + bytes.readUIntLE(0, 3));
  if (payload[0] === REFUSAL) return { flavour: flavourOf(payload.toString('latin1')), tls: true };
  const tls = speaksTls(payload);
  return tls instanceof Error ? null : { flavour: flavourOf(payload.toString('latin1', 1, payload.indexOf(0, 1))), tls };
};

/** "Protocol::SSLRequest": what the client can, the longest packet, a character set, and nothing. */
const sslRequest = (): Buffer => {
  const packet = Buffer.alloc(HEADER + 32);
  packet.writeUIntLE(32, 0, 3);
  packet.writeUInt8(1, 3);
  packet.writeUInt32LE(CLIENT_PROTOCOL_41 | CLIENT_SSL | CLIENT_SECURE_CONNECTION, HEADER);
  packet.writeUInt32LE(1 << 24, HEADER + 4);
  packet.writeUInt8(UTF8MB4, HEADER + 8);
  return packet;
};
