import { afterAll, beforeAll, expect, test } from 'vitest';
import { withMoto } from '../lab/aws/suite.ts';
import { type AwsWorld, startAwsWorld } from './aws-world.ts';
import type { Running } from './command.ts';

withMoto('the command killed at any call that changes IAM', (moto) => {
  let world: AwsWorld;
  beforeAll(async () => {
    world = await startAwsWorld(moto());
    for (const role of ['api', 'reports', 'batch']) await world.makeRole(role);
    await world.rds.server.query(world.rds.server.master, 'postgres', 'CREATE DATABASE app');
  });
  afterAll(() => world?.close());

  const OLD = `iam: { roles: { old-task: { trust: { service: ecs-tasks.amazonaws.com } } } }
users:
  api: { auth: iam, principals: [role/api] }
  jane: { auth: password, password: "\${env:JANE}" }
  leaver: { auth: iam, principals: [role/batch, role/old-task] }
`;
  const NEW = `iam: { roles: { new-task: { trust: { service: ecs-tasks.amazonaws.com } } } }
users:
  api: { auth: iam, principals: [role/reports, role/new-task] }
  jane: { auth: iam, principals: [role/api] }
removed: { leaver: { drop: true } }
`;
  const BACK = `${OLD.replace('${env:JANE}" }', '${env:JANE}", password_version: VERSION }')}`;

  const apply = async (body: string) => {
    const { code, stdout, stderr } = await world.run('apply', '-m', world.manifest(body), '--auto-approve');
    expect({ code, out: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, out: '' });
  };
  /** Who gets in where; the same before and after nobody may lose in between. */
  const state = async () => ({
    api: await world.login('role/api', 'api'),
    reports: await world.login('role/reports', 'api'),
    jane: await world.login('role/api', 'jane'),
    policies: await world.policies(),
    attached: [await world.attached('api'), await world.attached('reports'), await world.attached('batch')],
  });

  test('a re-run ends in the same state, and nobody in between has what neither state gives', async () => {
    // one that ends leaves what Node compiled to those that are killed
    expect((await world.start('apply', '-m', world.manifest(OLD), '--auto-approve').ended).code).toBe(0);
    await apply(NEW);
    const now = await state();
    let version = 1;
    let struck = 0;
    for (let at = 0; ; at++) {
      version++;
      await apply(BACK.replace('VERSION', String(version)));
      let running: Running | undefined;
      let count = 0;
      let hit = false;
      world.strike((call) => {
        if (count++ !== at) return;
        hit = true;
        running!.child.kill('SIGKILL');
        return call % 2 === 0 ? 'reset-before' : 'reset-after';
      });
      running = world.start('apply', '-m', world.manifest(NEW), '--auto-approve');
      const { signal, code } = await running.ended;
      world.strike(null);
      if (!hit) {
        expect(code).toBe(0);
        break;
      }
      struck++;
      expect(signal).toBe('SIGKILL');
      expect(await world.login('role/batch', 'api')).not.toBe('in');
      expect(await world.login('role/reports', 'jane')).not.toBe('in');
      await apply(NEW);
      expect(await state()).toEqual(now);
    }
    expect(struck).toBeGreaterThan(5);
  });
});
