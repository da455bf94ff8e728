import { describe, expect, test } from 'vitest';
import type { Address } from '../../../src/providers/mysql/address.ts';
import { type Client, clientArguments, clientEnvironment, clientOf } from '../../../src/providers/mysql/client.ts';

const addressOf = (rest: Partial<Address> = {}): Address => ({
  host: 'db.example.com',
  port: 3307,
  user: 'jane',
  password: 'secret',
  tls: 'verify-full',
  ca: undefined,
  ...rest,
});
const ALWAYS = ['--no-defaults', '--protocol=TCP', '--host=db.example.com', '--port=3307', '--user=jane'];

test.each<[string, string, Client]>([
  ['MySQL 8.4', 'mysql  Ver 8.4.6 for Linux on x86_64 (MySQL Community Server - GPL)\n', 'mysql'],
  ['MariaDB 11.8, by its own name', 'mariadb from 11.8.6-MariaDB, client 15.2 for debian-linux-gnu (x86_64)\n', 'mariadb'],
  ['MariaDB 10.11 that is called mysql', 'mysql  Ver 15.1 Distrib 10.11.18-MariaDB, for debian-linux-gnu (x86_64)\n', 'mariadb'],
])('the client of %s is known by what it prints', (_, printed, expected) => {
  expect(clientOf(printed)).toBe(expected);
});

describe('arguments of a client', () => {
  test.each<[string, Client, Partial<Address>, { readonly ca?: string; readonly token: boolean }, readonly string[]]>([
    [
      'a token',
      'mysql',
      {},
      { ca: '/ca.pem', token: true },
      ['--ssl-mode=VERIFY_IDENTITY', '--ssl-ca=/ca.pem', '--enable-cleartext-plugin'],
    ],
    ['a token', 'mariadb', {}, { ca: '/ca.pem', token: true }, ['--ssl', '--ssl-verify-server-cert', '--ssl-ca=/ca.pem']],
    ['a password over TLS', 'mysql', { tls: 'require' }, { token: false }, ['--ssl-mode=REQUIRED']],
    ['a password over TLS', 'mariadb', { tls: 'require' }, { token: false }, ['--ssl', '--skip-ssl-verify-server-cert']],
    ['a password in the clear', 'mysql', { tls: 'disable' }, { token: false }, ['--ssl-mode=DISABLED']],
    ['a password in the clear', 'mariadb', { tls: 'disable' }, { token: false }, ['--skip-ssl']],
    [
      'a password that the client asks for',
      'mysql',
      { tls: 'require', password: undefined },
      { token: false },
      ['--ssl-mode=REQUIRED', '--password'],
    ],
  ])('for %s, of %s', (_, client, address, more, expected) => {
    const options = clientArguments(client, addressOf(address), more);
    expect(options).toEqual([...ALWAYS, ...expected]);
    expect(options.join(' ')).not.toContain('secret');
  });
});

test.each<[string, string | undefined, Readonly<Record<string, string>>]>([
  ['holds the secret, and not that of another login', 'secret', { PATH: '/bin', MYSQL_PWD: 'secret' }],
  ['holds none where the client asks', undefined, { PATH: '/bin' }],
])('the environment of a client %s', (_, password, expected) => {
  expect(clientEnvironment(addressOf({ password }), { PATH: '/bin', MYSQL_PWD: 'of another' })).toEqual(expected);
});
