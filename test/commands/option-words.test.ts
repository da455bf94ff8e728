import { expect, test } from 'vitest';
import { inOptions, withOptionWords } from '../../src/commands/option-words.ts';
import { type Failure, failure } from '../../src/model/finding.ts';

test.each<[string, string, string]>([
  [
    'a server of RDS',
    'it is a cluster: write rds: { cluster: orders, region: eu-west-1 }',
    'it is a cluster: write --rds cluster/orders --region eu-west-1',
  ],
  ['where it is', 'write rds: { cluster: …, region: … }, or add endpoint.resource_id', 'write --rds cluster/NAME --region REGION'],
  [
    'a token without a place',
    'write rds: { cluster: …, region: … }, or endpoint: { host: … } with the name that RDS gave it',
    'write --rds cluster/NAME --region REGION, or --host with the name that RDS gave it',
  ],
  ['an address', "check 'endpoint.host' and 'endpoint.port', and the network between", 'check --host and --port, and the network between'],
  ['a tunnel', "start the tunnel, or correct 'endpoint.via'", 'start the tunnel, or correct --via'],
  [
    'an address of libpq',
    'check PGHOST and PGPORT, or DATABASE_URL, and',
    'check --host and --port, or PGHOST, PGPORT and DATABASE_URL, and',
  ],
  [
    'another engine',
    "the server is MySQL 9.7.4, but the manifest says 'engine: mariadb'",
    'the server is MySQL 9.7.4, but mariadb is expected',
  ],
  ['the right engine', 'write engine: mysql, or correct the endpoint', 'write --engine mysql'],
  ['a password', "check the value of '${env:MYSQL_PWD}', and the host", 'check PGPASSWORD (MySQL, MariaDB: MYSQL_PWD), and the host'],
  ['no password', `write 'login: { password: "\${env:NAME}" }'`, 'set PGPASSWORD (MySQL, MariaDB: MYSQL_PWD)'],
  [
    'a user and a target',
    "for 'kim' on target 'db' alone write rolecall lock kim --target db",
    "for 'kim' write rolecall lock kim, and the server beside it",
  ],
  ['nobody', "set PGUSER, or write 'login: { user: … }'", 'set PGUSER, or name it with --user'],
  ['nobody else', "write 'login: { user: … }'", 'name it with --user'],
  ['a log', 'the server is none of RDS, as the manifest has it: its log', 'the server is none of RDS: its log'],
  ['another protocol', 'of MySQL or MariaDB write engine: mysql, or mariadb', 'of MySQL or MariaDB write --engine mysql, or mariadb'],
  ['TLS', "use 'tls: verify-full' and name the authority's certificate in 'ca'", "name the authority's certificate with --ca"],
  [
    'TLS that is asked for',
    "the server does not speak TLS, but 'tls: require' is asked for",
    "the server does not speak TLS, but '--tls require' is asked for",
  ],
])('%s is told in the words of options', (_name, manifest, options) => {
  expect(inOptions({ message: manifest, hint: manifest })).toEqual({ message: options, hint: options });
});

test('the target is said by whoever prints it, and not twice', () => {
  const finding = { severity: 'error', code: 'a/b', message: "target 'x': no", target: 'x' } as const;
  expect(inOptions(finding)).toEqual({ ...finding, message: 'no' });
});

test('nothing is said of a place in a manifest that nobody wrote', () => {
  const source = { file: 'command line', line: 1, column: 40 };
  expect(inOptions({ severity: 'error', code: 'a/b', message: 'no', source })).toEqual({ severity: 'error', code: 'a/b', message: 'no' });
});

test('trouble keeps its code and exit code, and the words of a manifest where there is one', async () => {
  const trouble = failure('a/b', "correct 'rds.region'", {}, 3);
  const told = async (own: boolean) =>
    await withOptionWords(own, () => Promise.reject(trouble)).catch((error: unknown) => error as Failure);
  expect(await told(true)).toBe(trouble);
  const { findings, exitCode } = (await told(false)) as Failure;
  expect({ findings, exitCode }).toEqual({ findings: [{ severity: 'error', code: 'a/b', message: 'correct --region' }], exitCode: 3 });
  await expect(withOptionWords(false, () => Promise.reject(new TypeError('ours')))).rejects.toThrow(TypeError);
});
