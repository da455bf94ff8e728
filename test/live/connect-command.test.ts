import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { awsEnvironment, clientConfig } from '../lab/aws/moto.ts';
import { useMoto, withMoto } from '../lab/aws/suite.ts';
import { type RdsLike, startRdsLike } from '../lab/iam/rds-like.ts';
import { useServer } from '../lab/majors.ts';
import { buildCli, type Cli, headOf } from './cli.ts';

const PASSWORD = 'p4ss w:ord\\of jane';
const hasPsql = spawnSync('psql', ['--version']).status === 0;

let cli: Cli;
beforeAll(() => {
  cli = buildCli();
});
afterAll(() => cli.remove());

/** What one query says of who came, and to which database. */
const WHERE = ['--', '-XAtc', `SELECT current_user || ' in ' || current_database()`];
/** The arguments of psql and of whoever started it, seen from a shell inside psql. */
const ARGUMENTS = ['--', '-XAt', '-c', String.raw`\! tr '\0' ' ' < /proc/$PPID/cmdline; ps -ww -o args= -p $(ps -o ppid= -p $PPID)`];

describe.skipIf(!hasPsql)('connect with a password', () => {
  const server = useServer(17, { tls: true });
  const databases = ['host=127.0.0.1 port=1 dbname=app', 'postgres://evil@127.0.0.1:1/app', 'a "b" \'c\' $d `e` %41', '-h', '--help'];
  const env = () => ({ MASTER: server().master.password, JANE: PASSWORD });
  const run = (args: readonly string[], more: Record<string, string> = {}) => cli.runApart(args, { env: { ...env(), ...more } });

  beforeAll(async () => {
    const { master, query } = server();
    await query(master, 'postgres', `CREATE ROLE jane LOGIN PASSWORD '${PASSWORD}'`);
    for (const name of ['app', ...databases]) await query(master, 'postgres', `CREATE DATABASE "${name.replaceAll('"', '""')}"`);
    const people = `users:\n  jane: { auth: password, password: "\${env:JANE}" }\n  open: { auth: password }\n  shut: { enabled: false }\ngroups: { readers: {} }\n`;
    const verified = { host: 'localhost', tls: `tls: verify-full, ca: ${server().caFile}` };
    cli.write('rolecall.yaml', headOf(server(), verified) + people);
  });

  test('comes in as the user, over verified TLS, into the database that the target manages', async () => {
    const sql = `SELECT current_user, current_database(), ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`;
    expect(await run(['connect', 'jane@t', '--', '-XAtc', sql])).toEqual({ code: 0, out: 'jane|app|t\n', err: '' });
  });

  test('needs no target where there is one, and takes the login of Rolecall too', async () => {
    expect(await run(['connect', 'jane', ...WHERE])).toMatchObject({ code: 0, out: 'jane in app\n' });
    expect(await run(['connect', 'master', 'postgres', ...WHERE])).toMatchObject({ code: 0, out: 'master in postgres\n' });
  });

  test('comes to a server that is named without a manifest, as whoever is said', async () => {
    const named = ['--host', '127.0.0.1', '--port', String(server().port)];
    const lies = { PGUSER: 'master', DATABASE_URL: 'postgres://elsewhere@192.0.2.1/x' };
    const { code, out, err } = await run(['connect', 'jane', 'app', ...named, ...WHERE], { PGPASSWORD: PASSWORD, ...lies });
    expect({ code, out }, err).toEqual({ code: 0, out: 'jane in app\n' });
  });

  test.each(databases)('opens a database that is called %s, and goes nowhere else', async (name) => {
    // After `--` commander would take it for psql's: a name that begins with a dash follows the target at once.
    const args = name.startsWith('-') ? ['connect', 'jane@t', ...WHERE] : ['connect', 'jane@t', name, ...WHERE];
    if (name.startsWith('-')) cli.write('other.yaml', cli.read('rolecall.yaml').replace('databases: [app]', `databases: ["${name}"]`));
    const manifest = name.startsWith('-') ? ['--manifest', 'other.yaml'] : [];
    expect(await run([...args.slice(0, 1), ...manifest, ...args.slice(1)])).toEqual({ code: 0, out: `jane in ${name}\n`, err: '' });
  });

  test('heeds none of the variables that would lead elsewhere', async () => {
    const lies = {
      PGHOST: 'elsewhere',
      PGHOSTADDR: '192.0.2.1',
      PGPORT: '1',
      PGUSER: 'somebody',
      PGDATABASE: 'postgres',
      PGPASSWORD: 'wrong',
      PGSSLMODE: 'disable',
      PGSSLROOTCERT: '/nowhere',
      PGSERVICE: 'nowhere',
      PGOPTIONS: '-c statement_timeout=1',
      DATABASE_URL: 'postgres://elsewhere/x',
    };
    expect(await run(['connect', 'jane@t', ...WHERE], lies)).toEqual({ code: 0, out: 'jane in app\n', err: '' });
  });

  test('shows the secret to nobody who lists processes', async () => {
    const { code, out } = await run(['connect', 'jane@t', ...ARGUMENTS]);
    expect(code).toBe(0);
    expect(out).toMatch(/^\S*psql -XAt -c /);
    expect(out).toMatch(/cli\.js connect jane@t/);
    expect(out).not.toContain(PASSWORD);
  });

  test('leaves no file behind', async () => {
    const ours = () => fs.readdirSync(cli.folder).filter((name) => name.startsWith('rolecall-'));
    const { out } = await run(['connect', 'jane@t', '--', '-XAt', '-c', String.raw`\! ls $TMPDIR; stat -c %a "$PGSSLROOTCERT"`], {
      TMPDIR: cli.folder,
    });
    expect(out).toMatch(/rolecall-.*\n600\n$/s);
    expect(ours()).toEqual([]);
  });

  test('gives no password of another login to a user without one', async () => {
    const { code, out } = await run(['connect', 'open@t', '--', '-wXAtc', 'SELECT 1'], { PGPASSWORD: PASSWORD });
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });

  test('passes on how psql ended', async () => {
    expect((await run(['connect', 'jane@t', '--', '-Xc', 'SELECT nothing'])).code).toBe(1);
    expect((await run(['connect', 'jane@t', '--', '-Xv', 'ON_ERROR_STOP=1', '-f', '/nowhere.sql'])).code).toBe(1);
    expect((await run(['connect', 'jane@t', 'no such database', '--', '-Xc', 'SELECT 1'])).code).toBe(2);
  });

  test.each([
    [
      'a user that is not declared',
      ['connect', 'jame@t'],
      "'jame' does not log in on target 't': nothing declares it · did you mean 'jane'?",
    ],
    ['a group', ['connect', 'readers@t'], "'readers' does not log in on target 't': it is a group"],
    ['a user whose login is closed', ['connect', 'shut@t'], "'shut' does not log in on target 't': its login is closed in the manifest"],
    ['a target that is not there', ['connect', 'jane@x'], "there is no target 'x' · the manifest has: t"],
    [
      'an IAM role for a password',
      ['connect', 'jane@t', '--as', 'role/x'],
      "'jane' logs in with a password on target 't': no IAM role is needed",
    ],
    ['a third operand', ['connect', 'jane@t', 'app', 'more'], "'more' is one argument too many"],
    ['a token for a password', ['token', 'jane@t'], "'jane' logs in with a password on target 't': there are no tokens for it"],
    ['a token for nobody', ['token'], 'it is not said who logs in'],
    ['a token for two', ['token', 'jane@t', '--user', 'jane'], "'jane@t' and --user both say who logs in"],
  ])('refuses %s', async (_name, args, said) => {
    const { code, out, err } = await run(args);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err.replaceAll(/\s+/g, ' ')).toContain(said);
  });

  test('says what to install where psql is missing', async () => {
    const { code, err } = await run(['connect', 'jane@t'], { PATH: '/nowhere' });
    expect(code).toBe(1);
    expect(err).toContain("'psql' is not on this machine");
  });
});

withMoto('a login by IAM', () => {
  const moto = useMoto();
  let rds: RdsLike;
  const env = () => awsEnvironment(moto());
  const run = (args: readonly string[], more: Record<string, string> = {}) => cli.runApart(args, { env: { ...env(), ...more } });

  beforeAll(async () => {
    rds = await startRdsLike({ moto: moto() });
    const { server } = rds;
    await server.query(server.master, 'postgres', 'CREATE DATABASE app');
    await server.query(server.master, 'postgres', 'CREATE ROLE app LOGIN; GRANT rds_iam TO app');
    const iam = new IAMClient(clientConfig(moto()));
    const trust = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }] };
    for (const RoleName of ['app', 'other'])
      await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) }));
    const allowed = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'rds-db:connect', Resource: rds.arn('app') }] };
    await iam.send(new PutRolePolicyCommand({ RoleName: 'app', PolicyName: 'app', PolicyDocument: JSON.stringify(allowed) }));
    cli.write(
      'rolecall.yaml',
      `version: 1
stack: acme/access
iam: { account: "${rds.account}" }
targets:
  orders:
    engine: postgres
    rds: { cluster: ${rds.identifier}, region: ${rds.region}, ca: ${rds.caFile}, via: { host: localhost, port: ${rds.via.port} } }
    login: { user: rolecall, auth: iam }
    databases: [app]
users:
  app: { auth: iam, principals: [role/app] }
`,
    );
  });
  afterAll(async () => await rds?.stop());

  test('token prints a token that is signed for the user at the endpoint, and nothing else', async () => {
    const { code, out, err } = await run(['token', 'app@orders']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(new RegExp(`^${rds.endpoint.host}:${rds.endpoint.port}/\\?Action=connect&DBUser=app&\\S+\\n$`));
    expect((await run(['token', '--user', 'app', '--target', 'orders'])).out).toContain('DBUser=app');
  });

  test('token with an IAM role is signed by that role', async () => {
    const { code, out } = await run(['token', 'app@orders', '--as', 'role/app']);
    expect(code).toBe(0);
    expect(out).toMatch(/X-Amz-Security-Token=/);
  });

  test('token is refused in an action, unless the log hides it first', async () => {
    const refused = await run(['token', 'app@orders'], { GITHUB_ACTIONS: 'true' });
    expect({ code: refused.code, out: refused.out }).toEqual({ code: 3, out: '' });
    expect(refused.err).toContain('--mask');
    const { code, out, err } = await run(['token', 'app@orders', '--mask'], { GITHUB_ACTIONS: 'true' });
    expect(code).toBe(0);
    expect(err).toBe(`::add-mask::${out.trimEnd().replaceAll('%', '%25')}\n`);
    expect((await run(['token', 'app@orders', '--mask'])).err).toBe('');
  });

  test.skipIf(!hasPsql)('connect is let in with a role whose policy allows it, through a tunnel, and denied without', async () => {
    const allowed = await run(['connect', 'app@orders', '--as', 'role/app', ...WHERE]);
    expect(allowed).toEqual({ code: 0, out: 'app in app\n', err: '' });
    expect(rds.front.log().at(-1)).toMatchObject({ user: 'app', tls: true, outcome: 'token' });
    const denied = await run(['connect', 'app@orders', '--as', 'role/other', ...WHERE]);
    expect({ code: denied.code, out: denied.out }).toEqual({ code: 2, out: '' });
    expect(rds.front.log().at(-1)).toMatchObject({ user: 'app', outcome: 'refused' });
    const arguments_ = await run(['connect', 'app@orders', '--as', 'role/app', ...ARGUMENTS]);
    expect(arguments_.out).toContain('cli.js connect app@orders');
    expect(arguments_.out).not.toContain('X-Amz-Signature');
  });

  test('targets without a manifest lists the account', async () => {
    cli.write('empty/nothing', '');
    const here = cli.file('empty');
    const listed = spawnSync(process.execPath, [cli.command, 'targets', '--json'], {
      cwd: here,
      env: { PATH: process.env.PATH, ...env() },
      encoding: 'utf8',
    });
    expect(JSON.parse(listed.stdout)).toMatchObject({
      formatVersion: '1.0',
      databases: [{ kind: 'cluster', identifier: rds.identifier, region: rds.region, resourceId: rds.resource, iam: 'on' }],
    });
    const shown = await run(['targets', '--region', rds.region]);
    expect(shown.out).toContain(`${rds.identifier}  cluster  ${rds.region}  aurora-postgresql`);
    expect(shown.out).toContain('IAM on');
    expect((await run(['targets'])).out).toBe(`orders  postgres  cluster/${rds.identifier}\n`);
  });
});
