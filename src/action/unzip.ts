import { inflateRawSync } from 'node:zlib';

/*
 * APPNOTE 6.3: the central directory at the end says where each file begins and how long it is; what stands before a file may not
 * (streamed archives write its lengths behind it).
 */
const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const [STORED, DEFLATED] = [0, 8];

/** The text of one file of a ZIP archive; null where it has none of this name. Throws where it is no archive, or the file is longer than `limit` bytes. */
export const unzipText = (archive: Uint8Array, name: string, limit: number): string | null => {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  for (const entry of entriesOf(bytes)) if (entry.name === name) return textOf(bytes, entry, limit);
  return null;
};

type Entry = { readonly name: string; readonly method: number; readonly size: number; readonly at: number };

function* entriesOf(bytes: Buffer): Generator<Entry> {
  let end = bytes.length - 22;
  while (end >= 0 && bytes.readUInt32LE(end) !== END) end--;
  if (end < 0) throw new Error('it is no ZIP archive');
  const entries = bytes.readUInt16LE(end + 10);
  let at = bytes.readUInt32LE(end + 16);
  for (let index = 0; index < entries; index++) {
    if (bytes.readUInt32LE(at) !== ENTRY) throw new Error('its directory is broken');
    const [nameLength, extra, comment] = [bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30), bytes.readUInt16LE(at + 32)];
    yield {
      name: bytes.toString('utf8', at + 46, at + 46 + nameLength),
      method: bytes.readUInt16LE(at + 10),
      size: bytes.readUInt32LE(at + 20),
      at: bytes.readUInt32LE(at + 42),
    };
    at += 46 + nameLength + extra + comment;
  }
}

const textOf = (bytes: Buffer, { method, size, at }: Entry, limit: number): string => {
  if (bytes.readUInt32LE(at) !== LOCAL) throw new Error('a file of it is not where its directory says');
  const start = at + 30 + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28);
  const packed = bytes.subarray(start, start + size);
  if (method === STORED && size <= limit) return packed.toString('utf8');
  if (method === DEFLATED) return inflateRawSync(packed, { maxOutputLength: limit }).toString('utf8');
  throw new Error(method === STORED ? 'a file of it is too long' : `a file of it is packed by method ${method}`);
};
