import { expect, test } from 'vitest';
import { type Greeting, greetingOf, speaksTls } from '../../../src/providers/mysql/greeting.ts';

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

/** As the first packet of a connection. */
const packet = (payload: Buffer, number = 0): Buffer => {
  const head = Buffer.from([0, 0, 0, number]);
  head.writeUIntLE(payload.length, 0, 3);
  return Buffer.concat([head, payload]);
};
const named = (version: string): Buffer =>
  Buffer.concat([Buffer.from([10]), Buffer.from(`${version}\0`), Buffer.alloc(13), Buffer.from([0xff, 0xff])]);
const refusal = (text: string): Buffer => packet(Buffer.concat([Buffer.from([0xff, 0x6a, 0x04]), Buffer.from(text)]));

test.each<[string, Buffer, Greeting | null | undefined]>([
  ['MySQL', packet(greeting(0xffff)), { flavour: 'mysql', tls: true }],
  ['MySQL without TLS', packet(greeting(0xf7ff)), { flavour: 'mysql', tls: false }],
  ['MariaDB', packet(named('11.8.6-MariaDB-0+deb13u1')), { flavour: 'mariadb', tls: true }],
  ['MariaDB as it names itself to old clients', packet(named('5.5.5-10.11.18-MariaDB-log')), { flavour: 'mariadb', tls: true }],
  ['MariaDB that admits nobody', refusal("Host 'x' is not allowed to connect to this MariaDB server"), { flavour: 'mariadb', tls: true }],
  ['MySQL that admits nobody', refusal("Host 'x' is not allowed to connect to this MySQL server"), { flavour: 'mysql', tls: true }],
  ['nothing', Buffer.alloc(0), undefined],
  ["PostgreSQL's answer", Buffer.from('S'), undefined],
  ['a greeting of which some is missing', packet(greeting(0xffff)).subarray(0, 20), undefined],
  ['a later packet', packet(greeting(0xffff), 1), null],
  ['another version of the protocol', packet(greeting(0xffff, 9)), null],
  ['a greeting that is too short', packet(greeting(0xffff).subarray(0, 21)), null],
  ['something else', Buffer.from('SSH-2.0-OpenSSH_9.2'), null],
  ['a mail server', Buffer.from('220 mail.example.com ESMTP\r\n'), null],
])('from the first bytes of %s it is known who it is', (_name, bytes, expected) => {
  expect(greetingOf(bytes)).toEqual(expected);
});
