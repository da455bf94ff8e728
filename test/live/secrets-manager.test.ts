import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { CreateSecretCommand, DeleteSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ACCOUNT, awsEnvironment, clientConfig, REGION } from '../lab/aws/moto.ts';
import { type AwsFault, type AwsProxy, startAwsProxy } from '../lab/aws/proxy.ts';
import { withMoto } from '../lab/aws/suite.ts';
import { eachMajor } from '../lab/majors.ts';
import { eachMysql } from '../lab/mysql/versions.ts';
import { type CliHere, cliHere, type Ended } from './cli.ts';

/** What must be seen nowhere. */
const CANARY = { app: "canary-app-o'hara-\\-ünseen", etl: 'canary-etl-${env:PATH}', jobs: 'canary-jobs "x"', next: 'canary-next' };

/** Users of secrets that are no passwords: the secret, the key that is asked for, and what is told. */
const BROKEN: readonly (readonly [string, string | undefined, string, string])[] = [
  ['bytes', undefined, 'secret/binary', 'holds binary data'],
  ['gone', undefined, 'secret/deleted', 'is marked for deletion'],
  ['nowhere', undefined, 'secret/not-found', 'is not there'],
  ['denied', undefined, 'aws/access-denied', 'not authorized to perform: secretsmanager:GetSecretValue .* · [^·]*kms:Decrypt'],
  ['busy', undefined, 'aws/throttled', 'takes no more calls'],
  ['whole', undefined, 'secret/whole-json', 'no key of it is named'],
  ['keyless', 'password', 'secret/no-key', "has no key 'password'"],
  ['text', 'password', 'secret/not-json', 'is no JSON object'],
  ['number', 'password', 'secret/not-text', 'has a number'],
  ['empty', 'password', 'secret/empty', "is empty at 'password'"],
];

withMoto('passwords in AWS Secrets Manager', (moto) => {
  let cli: CliHere;
  let aws: AwsProxy;
  let rule: (secret: string, nth: number) => AwsFault | undefined = () => undefined;
  const asked = new Map<string, number>();
  const arns = new Map<string, string>();
  const clientOf = (region: string) => new SecretsManagerClient({ ...clientConfig(moto()), region });

  beforeAll(async () => {
    cli = cliHere();
    aws = await startAwsProxy(moto(), ({ operation, input }) => {
      if (operation !== 'GetSecretValue') return undefined;
      const name = [...arns].find(([, arn]) => arn === input.SecretId)?.[0] ?? '';
      const nth = asked.get(name) ?? 0;
      asked.set(name, nth + 1);
      return rule(name, nth);
    });
  });
  afterAll(async () => {
    await aws?.close();
    cli?.remove();
  });
  beforeEach(() => {
    rule = () => undefined;
    forget();
  });

  const forget = () => {
    aws.forget();
    asked.clear();
  };
  /** Which secrets were asked for since, as often as that was. */
  const reads = () => [...asked].map(([name, times]) => `${name} ${times}`).sort();

  const make = async (name: string, value: string | Uint8Array, region: string = REGION): Promise<void> => {
    const held = typeof value === 'string' ? { SecretString: value } : { SecretBinary: value };
    const { ARN } = await clientOf(region).send(new CreateSecretCommand({ Name: name, ...held }));
    arns.set(name, ARN!);
  };
  const secret = (name: string, key?: string): string => `"\${secret:${arns.get(name)}${key === undefined ? '' : `#${key}`}}"`;

  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
    cli.run(args, { env: { ...awsEnvironment(aws), ...env } });
  const leaks = (text: string): string[] =>
    ['canary', 'ünseen', ...Object.values(CANARY).map((value) => Buffer.from(value).toString('base64'))].filter((part) =>
      text.includes(part),
    );
  const expectClean = ({ code, out, err }: Ended, expected: number) =>
    expect({ code, leaked: leaks(out + err), ...(code === expected ? {} : { out, err }) }).toEqual({ code: expected, leaked: [] });
  /** On one line, however wide the terminal. */
  const flat = (text: string): string => text.replaceAll(/\s+/g, ' ');
  /** Where a text stands in the manifest, as findings say it. */
  const placeOf = (text: string): string => {
    const before = cli.read('rolecall.yaml').split(text)[0]!.split('\n');
    return `rolecall.yaml:${before.length}:${before.at(-1)!.length + 1}`;
  };

  type Db = { readonly engine: string; readonly port: number; readonly user: string; readonly password: string; readonly more: string };
  const write = (db: Db, body: string, login = secret('login', 'password')): void =>
    cli.write(
      'rolecall.yaml',
      `version: 1
stack: acme/access/test
targets:
  t:
    engine: ${db.engine}
    endpoint: { host: 127.0.0.1, port: ${db.port}, tls: disable }
    login: { user: ${db.user}, password: ${login} }
${db.more}${body}`,
    );
  const users = (version: number): string => `users:
  app: { password: ${secret('app')}, password_version: ${version} }
  etl: { password: ${secret('shared', 'etl')} }
  jobs: { password: ${secret('shared', 'jobs')} }
`;
  const makeSecrets = async (db: Db): Promise<void> => {
    await moto().reset();
    arns.clear();
    await make('login', JSON.stringify({ engine: db.engine, username: db.user, password: db.password, port: db.port }));
    await make('app', CANARY.app, 'us-east-1');
    await make('shared', JSON.stringify({ etl: CANARY.etl, jobs: CANARY.jobs, number: 5, empty: '' }));
  };

  /** What holds on every engine. `login`: whether somebody comes in. */
  const story = (dbOf: () => Db, login: (user: string, password: string) => Promise<boolean>) => {
    beforeAll(async () => await makeSecrets(dbOf()));

    test('plan looks up what it logs in with and nothing else, and no output has a value', async () => {
      write(dbOf(), users(1));
      for (const format of ['human', 'json', 'sql', 'markdown'])
        expectClean(await run(['plan', '--format', format, '--out', 'plan.json']), 0);
      expect(leaks(cli.read('plan.json'))).toEqual([]);
      expect(cli.read('plan.json')).toContain(`\${secret:${arns.get('app')}}`);
      expect(reads()).toEqual(['login 4']);
    });

    test('apply asks for each secret once, where it is, and the users come in with what it holds', async () => {
      expectClean(await run(['apply', 'plan.json', '--auto-approve', '--format', 'json']), 0);
      expect(reads()).toEqual(['app 1', 'login 1', 'shared 1']);
      expect(new Set(aws.calls().map(({ operation, region }) => `${operation} ${region}`))).toEqual(
        new Set([`GetSecretValue ${REGION}`, 'GetSecretValue us-east-1']),
      );
      expect(await Promise.all((['app', 'etl', 'jobs'] as const).map((name) => login(name, CANARY[name])))).toEqual([true, true, true]);
      forget();
      expectClean(await run(['apply', '--auto-approve']), 0);
      expect(reads()).toEqual(['login 1']);
    });

    test('a rotation reads again', async () => {
      await clientOf('us-east-1').send(new PutSecretValueCommand({ SecretId: 'app', SecretString: CANARY.next }));
      write(dbOf(), users(2));
      expectClean(await run(['apply', '--auto-approve']), 0);
      expect(reads()).toEqual(['app 1', 'login 1']);
      expect(await login('app', CANARY.next)).toBe(true);
      expectClean(await run(['apply', '--auto-approve', '--rotate', 'app']), 0);
      expect(await login('app', CANARY.next)).toBe(true);
      expect(await login('app', CANARY.app)).toBe(false);
      expect(reads()).toEqual(['app 2', 'login 2']);
    });
  };

  eachMajor(
    (server) => {
      const db = (): Db => ({ engine: 'postgres', port: server().port, ...server().master, more: '    databases: [postgres]\n' });
      const login = (user: string, password: string) =>
        server()
          .query({ user, password }, 'postgres', 'SELECT 1')
          .then(
            () => true,
            () => false,
          );
      story(db, login);

      describe('what is wrong with a secret', () => {
        beforeAll(async () => {
          for (const [name, value] of [
            ['bytes', Buffer.from('canary')],
            ['keyless', '{"Password":"canary"}'],
            ['text', 'canary'],
            ['number', '{"password":123}'],
            ['empty', '{"password":""}'],
            ['whole', '{"password":"canary"}'],
            ['gone', 'canary'],
            ['denied', 'canary'],
            ['busy', 'canary'],
          ] as const)
            await make(name, value);
          arns.set('nowhere', `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:nowhere-Ab12Cd`);
          await clientOf(REGION).send(new DeleteSecretCommand({ SecretId: 'gone' }));
        });

        test('is told all at once, where it is written, before anything runs', async () => {
          rule = (name) => (name === 'denied' ? 'access-denied' : name === 'busy' ? 'throttle' : undefined);
          write(
            db(),
            `users:\n  first: { auth: none }\n${BROKEN.map(([name, key]) => `  ${name}: { password: ${secret(name, key)} }\n`).join('')}`,
          );
          const ended = await run(['apply', '--auto-approve'], { AWS_MAX_ATTEMPTS: '2' });
          expectClean(ended, 1);
          for (const [name, key, code, said] of BROKEN)
            expect(flat(ended.out)).toMatch(
              new RegExp(
                `${placeOf(`"\${secret:${arns.get(name)}${key ? '#' : '}'}`)}: error ${code}: the password of '${name}': [^·]*${said}`,
              ),
            );
          expect(await server().query(server().master, 'postgres', "SELECT 1 FROM pg_roles WHERE rolname = 'first'")).toEqual([]);
          expect(reads()).toContain('busy 2');
        });

        test('is told to each user who has it, with one call', async () => {
          rule = (name) => (name === 'denied' ? 'access-denied' : undefined);
          const lines = ['one', 'two'].map((name) => `  ${name}: { password: ${secret('denied')} }\n`);
          write(db(), `users:\n${lines.join('')}`);
          const ended = await run(['apply', '--auto-approve']);
          expectClean(ended, 1);
          const [first = '', second = ''] = [
            ...flat(ended.out).matchAll(/rolecall\.yaml:(\d+):\d+: error aws\/access-denied: the password of '(\w+)'/g),
          ].map(([, line, name]) => `${Number(line) - Number(placeOf(lines[0]!).split(':')[1])} ${name}`);
          expect([first, second]).toEqual(['0 one', '1 two']);
          expect(reads()).toEqual(['denied 1', 'login 1']);
        });

        test('is that AWS is busy for a moment: it is asked again', async () => {
          rule = (name, nth) => (name === 'login' && nth < 2 ? 'throttle' : undefined);
          write(db(), users(2));
          expectClean(await run(['plan']), 0);
          expect(reads()).toEqual(['login 3']);
        });

        test.each<[string, () => string, Readonly<Record<string, string>>, string]>([
          [
            'no key',
            () => secret('login', 'nothing'),
            {},
            "secret/no-key: target 't': the password of its login: the secret '.*' has no key 'nothing'",
          ],
          [
            'no credentials',
            () => secret('login', 'password'),
            { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
            'aws/no-credentials: ',
          ],
          [
            'no network',
            () => secret('login', 'password'),
            { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' },
            'aws/unreachable: .*no answer to secretsmanager:GetSecretValue',
          ],
        ])('keeps the login out: %s', async (_name, reference, env, said) => {
          write(db(), users(2), reference());
          const ended = await run(['plan'], env);
          expectClean(ended, 1);
          expect(flat(ended.out)).toMatch(new RegExp(`${placeOf(reference()).replaceAll('$', String.raw`\$`)}: error ${said}`));
        });

        test('is told by doctor, which reads on', async () => {
          write(db(), users(2), secret('login', 'nothing'));
          const ended = await run(['doctor']);
          expectClean(ended, 1);
          expect(flat(ended.out)).toContain("has no key 'nothing'");
          expect(reads()).toEqual(['login 1']);
        });

        test('is an answer that cannot be read: nothing of it is told', async () => {
          const half = http.createServer((_request, response) => {
            response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end('{"SecretString": canary-of-an-answer');
          });
          await new Promise<void>((resolve) => half.listen(0, '127.0.0.1', resolve));
          write(db(), users(2));
          const url = `http://127.0.0.1:${(half.address() as AddressInfo).port}`;
          const ended = await run(['plan'], { AWS_ENDPOINT_URL: url, AWS_MAX_ATTEMPTS: '1' });
          half.close();
          half.closeAllConnections();
          expectClean(ended, 1);
          expect(flat(ended.out)).toMatch(/aws\/failed: .*secretsmanager:GetSecretValue on '.*' failed \(SyntaxError\)/);
        });
      });

      test('whoever logs in by a secret can do all there is', async () => {
        write(db(), `${users(2)}expect: [{ user: etl, can: [login] }]\n`);
        for (const args of [['drift'], ['doctor'], ['prove'], ['lock', 'jobs', '--auto-approve'], ['unlock', 'jobs']])
          expect({ args, ...(await run(args)) }).toMatchObject({ args, code: 0 });
        // prove needs no login but that of the user
        expect(reads()).toEqual(['login 4', 'shared 1']);
        expect(await login('jobs', CANARY.jobs)).toBe(true);
      });

      test('the server heard none of the passwords', () => {
        expect(server().log()).toContain('SCRAM-SHA-256$');
        expect(leaks(server().log())).toEqual([]);
      });

      test('connect gives the password to psql, in its environment', async () => {
        const seen = cli.file('seen');
        cli.write('bin/psql', `#!/bin/sh\nprintf '%s' "$PGUSER $PGPASSWORD" > ${seen}\n`);
        fs.chmodSync(cli.file('bin/psql'), 0o755);
        const path_ = `${path.dirname(cli.file('bin/psql'))}:${process.env.PATH}`;
        for (const [user, password] of [
          ['etl', CANARY.etl],
          [server().master.user, server().master.password],
        ]) {
          expectClean(await run(['connect', `${user}@t`], { PATH: path_ }), 0);
          expect(fs.readFileSync(seen, 'utf8')).toBe(`${user} ${password}`);
        }
      });
    },
    { only: [17], settings: { log_statement: 'all' } },
  );

  eachMysql(
    (server) => {
      const log = () => path.join(server().dataDir, 'general.log');
      beforeAll(async () => {
        await server().query(server().superuser, `SET GLOBAL general_log_file = '${log()}'`, 'SET GLOBAL general_log = ON');
      });

      const db = (): Db => ({ engine: 'mysql', port: server().port, ...server().master, more: '' });
      story(db, (user, password) =>
        server()
          .query({ user, password }, 'SELECT 1')
          .then(
            () => true,
            () => false,
          ),
      );

      test('a password that is longer than MySQL takes is told before anything runs', async () => {
        // two bytes a letter
        await make('long', JSON.stringify({ most: 'ü'.repeat(128), more: `${'ü'.repeat(128)}x` }));
        const body = `users:\n  first: { auth: none }\n  most: { password: ${secret('long', 'most')} }\n`;
        const more = secret('long', 'more');
        write(db(), `${body}  more: { password: ${more} }\n`);
        const refused = await run(['apply', '--auto-approve']);
        expect(refused.code).toBe(1);
        expect(flat(refused.out)).toContain(`${placeOf(more)}: error secret/too-long: the password of 'more' is`);
        expect(refused.out + refused.err).not.toMatch(/ü|error 1396/);
        expect(await server().query(server().superuser, "SELECT 1 FROM mysql.user WHERE user = 'first'")).toEqual([]);
        write(db(), body);
        expectClean(await run(['apply', '--auto-approve']), 0);
      });

      test('no log of the server has them', () => {
        expect(fs.readFileSync(log(), 'utf8')).toMatch(/'app'@'%' IDENTIFIED BY <secret>/);
        expect(leaks(fs.readFileSync(log(), 'utf8'))).toEqual([]);
      });
    },
    { only: ['9.7'] },
  );
});
