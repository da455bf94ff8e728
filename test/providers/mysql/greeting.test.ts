import { expect, test } from 'vitest';
import { speaksTls } from '../../../src/providers/mysql/greeting.ts';

/** A greeting as version 10 of the protocol has it, with these capabilities. */
const greeting = (capabilities: number, version = 10): Buffer => {
  const flags = Buffer.alloc(2);
  flags.writeUInt16LE(capabilities);
  return Buffer.concat([Buffer.from([version]), Buffer.from('8.0.45\0'), Buffer.alloc(4), Buffer.from('scramble'), Buffer.alloc(1), flags]);
};

test.each<[string, Buffer, boolean | string]>([
  ['a server with TLS', greeting(0xffff), true],
  ['TLS and nothing else', greeting(0x0800), true],
  ['a server without', greeting(0xf7ff), false],
  ['a refusal', Buffer.concat([Buffer.from([0xff, 0x69, 0x04]), Buffer.from('Host is not allowed')]), 'Host is not allowed'],
  ['a refusal with its state', Buffer.concat([Buffer.from([0xff, 0x10, 0x04]), Buffer.from('#08004Too many')]), 'Too many'],
  ['another version of the protocol', greeting(0xffff, 9), 'what listens there does not speak as MySQL and MariaDB do'],
  ['a greeting that is cut off', greeting(0xffff).subarray(0, 21), 'what listens there does not speak as MySQL and MariaDB do'],
  ['something else', Buffer.from('SSH-2.0-OpenSSH_9.2'), 'what listens there does not speak as MySQL and MariaDB do'],
])('of %s it is known whether TLS is spoken', (_name, payload, expected) => {
  const said = speaksTls(payload);
  expect(said instanceof Error ? said.message : said).toBe(expected);
});
