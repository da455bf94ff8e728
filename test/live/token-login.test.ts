import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Target } from '../../src/model/declared.ts';
import type { Finding } from '../../src/model/finding.ts';
import { connect } from '../../src/providers/postgres/connect.ts';
import type { Sought } from '../../src/providers/rds/check.ts';
import { discover } from '../../src/providers/rds/rds.ts';
import { REGION } from '../lab/aws/moto.ts';
import { withMoto } from '../lab/aws/suite.ts';
import { type RdsLike, startRdsLike } from '../lab/iam/rds-like.ts';
import { sought } from '../providers/rds/answers.ts';
import { type Runner, startRunner } from './token-runner.ts';

withMoto('a login by token', (moto) => {
  let db: RdsLike;
  let runner: Runner;

  beforeAll(async () => {
    db = await startRdsLike({ moto: moto() });
    const { server } = db;
    await server.query(server.master, 'postgres', 'CREATE ROLE rolecall LOGIN; CREATE ROLE rolecall_plan LOGIN; CREATE ROLE plain LOGIN');
    await server.query(server.superuser, 'postgres', 'GRANT rds_iam TO rolecall, rolecall_plan');
    const users = ['rolecall', 'rolecall_plan', 'plain'];
    runner = await startRunner(
      moto(),
      'runner',
      users.map((user) => db.arn(user)),
    );
  });
  afterAll(async () => await db?.stop());
  beforeEach(() => {
    runner.use();
    return () => vi.unstubAllEnvs();
  });

  const located = async (rds: Partial<Sought['rds']> = {}, rest: Partial<Sought> = {}): Promise<Target> => {
    const login = { user: 'rolecall', planUser: 'rolecall_plan', auth: 'iam' } as const;
    const target = sought({ region: REGION, via: db.via, ca: db.caFile, ...rds }, { login, ...rest });
    const { targets, findings } = await discover([target], { needIam: new Set() });
    expect(findings).toEqual([]);
    return targets[0]!;
  };
  const who = async (target: Target, as: 'plan' | 'apply' = 'apply') => {
    const { client, close } = await connect(target, { as, database: 'postgres', env: {} });
    try {
      return (await client.query('SELECT current_user AS me')).rows[0].me;
    } finally {
      await close();
    }
  };
  const refused = (target: Target): Promise<Finding> => runner.refused(who(target));

  test('comes in through a tunnel, as user and as plan_user, by a token for each connection', async () => {
    const target = await located();
    expect(await who(target, 'apply')).toBe('rolecall');
    expect(await who(target, 'plan')).toBe('rolecall_plan');
    const [one, other] = db.front.log().slice(-2);
    expect([one, other]).toMatchObject([
      { user: 'rolecall', outcome: 'token', tls: true, principal: expect.stringContaining('user/runner') },
      { user: 'rolecall_plan', outcome: 'token', tls: true },
    ]);
  });

  test('is verified for the name of the endpoint, whatever is dialled', async () => {
    const target = await located({ via: { host: 'localhost', port: db.via.port } });
    expect(await who(target)).toBe('rolecall');
    const { host } = db.endpoint;
    const elsewhere = await refused({ ...target, endpoint: { ...target.endpoint, host: `x${host}` } as Target['endpoint'] });
    expect(elsewhere).toMatchObject({ code: 'connect/certificate-host', hint: expect.stringContaining('endpoint.via') });
    expect(elsewhere.message).toContain(`(x${host}:5432 via localhost:${db.via.port}, `);
  });

  test('is refused where no policy allows it, and says which ARN it takes', async () => {
    const target = await located();
    await runner.deny();
    try {
      const finding = await refused(target);
      expect(finding).toMatchObject({ code: 'connect/token', target: 'orders' });
      expect(finding.hint).toContain(db.arn('rolecall'));
      expect(db.front.log().at(-1)).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('rds-db:connect') });
    } finally {
      await runner.allow();
    }
    expect(await who(target)).toBe('rolecall');
  });

  test('is refused where the user is not marked for IAM, and says so', async () => {
    const finding = await refused(await located({}, { login: { user: 'plain', auth: 'iam' } }));
    expect(finding).toMatchObject({ code: 'connect/not-iam', hint: expect.stringContaining('GRANT rds_iam TO "plain"') });
  });

  describe('shows its token to nobody', () => {
    let before: number;
    beforeEach(() => {
      before = db.front.log().length;
    });

    test.each([
      ["whose certificate is not signed by RDS, by RDS's own authorities", { ca: 'rds' }],
      ['whose certificate is not signed by RDS, by default', { ca: undefined }],
    ])('%s', async (_name, { ca }) => {
      const target = await located({ ca } as Partial<Sought['rds']>);
      expect(await refused(target)).toMatchObject({ code: 'connect/certificate' });
      expect(db.front.log()).toHaveLength(before);
    });

    test.each(['require', 'disable'] as const)("with 'tls: %s'", async (tls) => {
      const target = await located();
      const finding = await refused({ ...target, endpoint: { ...target.endpoint, tls } as Target['endpoint'] });
      expect(finding).toMatchObject({ code: 'connect/iam-needs-tls', hint: expect.stringContaining('verify-full') });
      expect(db.front.log()).toHaveLength(before);
    });
  });

  test('says that the tunnel is closed', async () => {
    const finding = await refused(await located({ via: { host: '127.0.0.1', port: 9 } }));
    expect(finding).toMatchObject({ code: 'connect/refused', hint: expect.stringContaining("'endpoint.via'") });
  });
});
