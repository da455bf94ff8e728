import { describe, expect, test } from 'vitest';
import { libpqVariables, tokenTarget } from '../../src/core/postgres-variables.ts';
import { addressOf } from '../../src/providers/postgres/address.ts';
import { connectionFindings } from '../../src/providers/postgres/exposure.ts';
import { targetOf } from '../providers/declared.ts';

const HOST = 'shop.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com';
const environment = targetOf({ endpoint: { kind: 'env' }, login: { auth: 'password' } });
const home = { HOME: '/nonexistent', PGPASSFILE: '/nonexistent/pgpass' };

describe('which server the environment means', () => {
  test.each([
    [
      'postgres-user-manager alone, with its defaults',
      { POSTGRES_HOST: 'a', POSTGRES_PASSWORD: 'p' },
      { host: 'a', port: 5432, user: 'postgres', database: 'postgres', password: 'p', tls: 'require' },
    ],
    [
      'all that it says',
      {
        POSTGRES_HOST: 'a',
        POSTGRES_PORT: '6000',
        POSTGRES_USER: 'u',
        POSTGRES_DB: 'd',
        POSTGRES_PASSWORD: 'p',
        POSTGRES_SSLMODE: 'disable',
      },
      { host: 'a', port: 6000, user: 'u', database: 'd', password: 'p', tls: 'disable' },
    ],
    [
      'PGHOST before it, and nothing of it then',
      { PGHOST: 'b', PGUSER: 'me', POSTGRES_HOST: 'a', POSTGRES_PASSWORD: 'p', POSTGRES_PORT: '6000', POSTGRES_SSLMODE: 'require' },
      { host: 'b', port: 5432, user: 'me', database: 'me', password: undefined, tls: 'prefer' },
    ],
    [
      'DATABASE_URL before it',
      { DATABASE_URL: 'postgres://u:q@c/d', POSTGRES_HOST: 'a', POSTGRES_PASSWORD: 'p' },
      { host: 'c', port: 5432, user: 'u', database: 'd', password: 'q', tls: 'prefer' },
    ],
    [
      'none of libpq beside it: a password is for its own server',
      { POSTGRES_HOST: 'a', PGUSER: 'me', PGPASSWORD: 'q', PGPORT: '7000', PGDATABASE: 'x', PGSSLMODE: 'disable' },
      { host: 'a', port: 5432, user: 'postgres', database: 'postgres', password: undefined, tls: 'require' },
    ],
    [
      'not a password without a host, as images of PostgreSQL have it',
      { POSTGRES_PASSWORD: 'p', POSTGRES_USER: 'u', USER: 'me' },
      { host: 'localhost', port: 5432, user: 'me', database: 'me', password: undefined, tls: 'prefer' },
    ],
  ])('%s', async (_name, env, expected) => {
    expect(await addressOf(environment, { as: 'apply' }, { ...home, ...env })).toMatchObject(expected);
  });

  test.each([
    ['disable', 'disable'],
    ['allow', 'prefer'],
    ['prefer', 'prefer'],
    ['require', 'require'],
    ['verify-ca', 'verify-ca'],
    ['verify-full', 'verify-full'],
  ])('POSTGRES_SSLMODE=%s is no more and no less', async (mode, tls) => {
    expect((await addressOf(environment, { as: 'apply' }, { ...home, POSTGRES_HOST: 'a', POSTGRES_SSLMODE: mode })).tls).toBe(tls);
  });

  test('a mode that there is not is refused', async () => {
    await expect(addressOf(environment, { as: 'apply' }, { ...home, POSTGRES_HOST: 'a', POSTGRES_SSLMODE: 'yes' })).rejects.toThrow(
      /'yes' is not an SSL mode/,
    );
  });

  test('libpq alone is left as it is', () => {
    const env = { PGHOST: 'b', POSTGRES_HOST: 'a' };
    expect(libpqVariables(env)).toBe(env);
  });
});

describe('a password that goes to a server that is not verified', () => {
  test.each([
    ['warns by default', { POSTGRES_HOST: HOST }, ['connect/unverified']],
    ['warns with verify-ca, which takes any host', { POSTGRES_HOST: HOST, POSTGRES_SSLMODE: 'verify-ca' }, ['connect/unverified']],
    ['is fine with verify-full', { POSTGRES_HOST: HOST, POSTGRES_SSLMODE: 'verify-full' }, []],
    ['is fine on this machine', { POSTGRES_HOST: 'localhost' }, []],
    ["is libpq's own matter otherwise", { PGHOST: HOST, POSTGRES_HOST: HOST }, []],
  ])('%s', (_name, env, expected) => {
    expect(connectionFindings(environment, env).map(({ code }) => code)).toEqual(expected);
  });
});

describe('POSTGRES_IAM_AUTH', () => {
  const iam = {
    POSTGRES_HOST: HOST,
    POSTGRES_USER: 'app',
    POSTGRES_SSLMODE: 'require',
    POSTGRES_IAM_AUTH: 'true',
    AWS_REGION: 'us-east-1',
  };

  test.each([
    ['takes the region from the endpoint', iam, { kind: 'explicit', host: HOST, port: 5432, tls: 'verify-full' }],
    [
      'takes it from AWS_REGION where the name does not tell',
      { ...iam, POSTGRES_HOST: 'db.example.com', POSTGRES_PORT: '6000' },
      { kind: 'explicit', host: 'db.example.com', port: 6000, tls: 'verify-full', aws: { region: 'us-east-1' } },
    ],
    [
      'takes an authority of its own',
      { ...iam, PGSSLROOTCERT: '/ca.pem' },
      { kind: 'explicit', host: HOST, port: 5432, tls: 'verify-full', ca: '/ca.pem' },
    ],
  ])('%s', (_name, env, expected) => {
    const target = tokenTarget(environment, env);
    expect(target.endpoint).toEqual(expected);
    expect(target.login).toEqual({ auth: 'iam', user: 'app' });
  });

  test.each([
    ['false', { ...iam, POSTGRES_IAM_AUTH: 'false' }],
    ['beside PGHOST', { ...iam, PGHOST: 'b' }],
    ['left out', { POSTGRES_HOST: HOST }],
  ])('changes nothing when it is %s', (_name, env) => {
    expect(tokenTarget(environment, env)).toBe(environment);
  });

  test('is not needed where the login is by IAM anyway', () => {
    const target = targetOf({ endpoint: { kind: 'env' }, login: { user: 'jane', auth: 'iam' } });
    for (const env of [{ PGHOST: HOST, PGUSER: 'me' }, { POSTGRES_HOST: HOST }]) {
      expect(tokenTarget(target, env)).toMatchObject({
        endpoint: { host: HOST, tls: 'verify-full' },
        login: { user: 'jane', auth: 'iam' },
      });
    }
  });

  test('changes nothing where the manifest says who logs in with which password', () => {
    const target = targetOf({ endpoint: { kind: 'env' } });
    expect(tokenTarget(target, iam)).toBe(target);
  });

  test('is refused when it is neither true nor false', () => {
    expect(() => tokenTarget(environment, { ...iam, POSTGRES_IAM_AUTH: 'yes' })).toThrow(
      /POSTGRES_IAM_AUTH is 'yes', expected true or false/,
    );
  });
});
