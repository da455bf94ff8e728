import { crc32, deflateRawSync } from 'node:zlib';

/** A ZIP archive of these files, by name. */
export const zip = (files: Readonly<Record<string, string>>): Buffer => {
  const [locals, directory]: [Buffer[], Buffer[]] = [[], []];
  let at = 0;
  for (const [name, text] of Object.entries(files)) {
    const [title, header] = [Buffer.from(name), headerOf(name, text)];
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), header, title, deflateRawSync(text)]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(at, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), header, rest, title);
    locals.push(local);
    at += local.length;
  }
  return Buffer.concat([...locals, ...directory, endOf(Object.keys(files).length, Buffer.concat(directory).length, at)]);
};

/** What a file's own header and its line of the directory share. */
const headerOf = (name: string, text: string): Buffer => {
  const header = Buffer.alloc(26);
  header.writeUInt16LE(20, 0);
  header.writeUInt16LE(8, 4);
  header.writeUInt32LE(crc32(text), 10);
  header.writeUInt32LE(deflateRawSync(text).length, 14);
  header.writeUInt32LE(Buffer.byteLength(text), 18);
  header.writeUInt16LE(Buffer.byteLength(name), 22);
  return header;
};

const endOf = (files: number, size: number, at: number): Buffer => {
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(files, 8);
  end.writeUInt16LE(files, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(at, 16);
  return end;
};
