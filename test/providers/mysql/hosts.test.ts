import { expect, test } from 'vitest';
import { hostOf } from '../../../src/providers/mysql/hosts.ts';

test.each<[string, string, readonly string[], string | undefined]>([
  ['any', '10.1.2.3', ['%'], '%'],
  ['the most specific', '10.1.2.3', ['%', '10.%', '10.1.%', '10.1.2.3', '11.%'], '10.1.2.3'],
  ['the longer pattern', '10.1.2.3', ['%', '10.%', '10.1.%'], '10.1.%'],
  ['no other network', '10.1.2.3', ['192.168.%', 'localhost'], undefined],
  ['a network by its mask', '10.1.2.3', ['%', '10.1.0.0/255.255.0.0'], '10.1.0.0/255.255.0.0'],
  ['a network by its length', '10.1.2.3', ['%', '10.1.2.0/24'], '10.1.2.0/24'],
  ['not beside the network', '10.1.3.3', ['10.1.2.0/24'], undefined],
  ['every address', '10.1.2.3', ['0.0.0.0/0'], '0.0.0.0/0'],
  ['one character', 'db1', ['db_'], 'db_'],
  ['a dot as itself', '10x1', ['10.1'], undefined],
  ['names in any case', 'LocalHost', ['localhost'], 'localhost'],
  ['no network for a name', 'localhost', ['10.0.0.0/8'], undefined],
])('%s', (_name, client, hosts, expected) => {
  expect(hostOf(client, hosts)).toBe(expected);
});
