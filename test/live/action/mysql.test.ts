import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGitHub } from '../../lab/github/api.ts';
import { type JobStep, type Project, startProject } from '../../lab/github/project.ts';
import { type Action, buildAction, runStep, type Step } from '../../lab/github/runner.ts';
import { eachMysql } from '../../lab/mysql/versions.ts';

/* A target of MySQL through the action, against a real server and the emulator of GitHub. */

const FILE = 'access/rolecall.yaml';
const PASSWORD = 'app-password';

let action: Action;
beforeAll(() => {
  action = buildAction();
});

eachMysql(
  (server) => {
    let project: Project;
    beforeAll(async () => {
      await server().query(
        server().superuser,
        'CREATE DATABASE shop_eu',
        'CREATE TABLE shop_eu.orders (id int)',
        'CREATE DATABASE shop_us',
      );
      project = await startProject(await startGitHub(), { [FILE]: manifest('  ann: { auth: none, groups: [readers] }') });
    });
    afterAll(async () => await project?.close());

    const manifest = (users: string): string => `version: 1
stack: acme/access/billing
targets:
  billing:
    engine: mysql
    endpoint: { host: 127.0.0.1, port: ${server().port}, tls: disable }
    login: { user: ${server().master.user}, password: "\${env:MASTER_PASSWORD}" }
groups:
  readers: { read: [shop_eu] }
users:
${users}
`;
    const step = async (job: JobStep, inputs: Readonly<Record<string, string>>): Promise<Step> => {
      const env = { ...job.env, MASTER_PASSWORD: server().master.password, APP_PASSWORD: PASSWORD };
      const ended = await runStep(action, { ...job, env, inputs });
      project.conclude(job.runId, ended.conclusion);
      expect(ended.complaints).toEqual([]);
      for (const secret of [server().master.password, PASSWORD])
        expect(ended.raw + ended.summary + JSON.stringify([ended.outputs, ended.files])).not.toContain(secret);
      return ended;
    };

    test('accounts are reviewed as such, applied once, and repaired when somebody changed them by hand', async () => {
      const { query, superuser } = server();
      const before = await project.headOf('main');
      const app = '  app: { auth: password, password: "${env:APP_PASSWORD}", hosts: ["127.0.0.1", "10.%"], groups: [readers] }';
      const number = await project.openPull('add-app', { [FILE]: manifest(`  ann: { auth: none, groups: [readers] }\n${app}`) });
      expect(await step(await project.pullRequestJob(number), { command: 'plan' })).toMatchObject({ conclusion: 'success' });
      const [{ body } = { body: '' }] = await project.comments(number);
      expect(body).toContain('| `billing` | `MySQL 9.7');
      expect(body).toContain('➕ `app@10.%`, `app@127.0.0.1` gain `SELECT, SHOW VIEW` on schema `shop_eu`, through `readers`');
      expect(body).toMatch(/^\+ user +app@10\.% +created/m);
      expect(body).toContain('```sql\n-- target billing: 127.0.0.1');
      expect(body).toContain("GRANT SELECT, SHOW VIEW ON `shop\\_eu`.* TO 'readers'@'%';");
      expect(body).toContain("CREATE USER 'app'@'10.%' IDENTIFIED BY ${env:APP_PASSWORD} ACCOUNT LOCK");

      const push = await project.pushJob(before, await project.merge(number, 'squash'));
      expect(await step(push, { command: 'apply' })).toMatchObject({ conclusion: 'success', outputs: { failed: '0', skipped: '0' } });
      await query({ user: 'app', password: PASSWORD }, 'SELECT * FROM shop_eu.orders');
      const again = await step({ ...push, runAttempt: 2 }, { command: 'apply' });
      expect(again).toMatchObject({ conclusion: 'success', outputs: { applied: '0' } });
      const told = (await project.comments(number)).map((comment) => comment.body).filter((text) => text.includes('### ✅ Access apply'));
      expect(told).toEqual([expect.stringContaining('✔ matched')]);

      const drift = async () => await step(await project.scheduleJob(), { command: 'drift' });
      expect(await drift()).toMatchObject({ conclusion: 'success', outputs: { drift: 'false' } });
      await query(superuser, "GRANT INSERT ON `shop\\_%`.* TO app@'10.%'", 'GRANT DELETE ON `shop\\_eu`.* TO readers');
      expect(await drift()).toMatchObject({ conclusion: 'success', outputs: { drift: 'true' } });
      const [issue] = await project.issues();
      expect(issue).toMatchObject({ title: 'Access drift: billing', state: 'open' });
      expect(issue!.body).toMatch(/^- grant app@10\.% INSERT on schema pattern "shop\\\\_%"/m);
      expect(issue!.body).toMatch(/^- grant readers DELETE on schema shop_eu/m);

      const repair = await project.dispatchJob();
      expect(await step(repair, { command: 'plan' })).toMatchObject({ conclusion: 'success' });
      project.github.state.approvals.set(repair.runId, [{ by: 'lead', environment: 'db-prod' }]);
      expect(await step(repair, { command: 'apply', 'plan-from': 'run' })).toMatchObject({
        conclusion: 'success',
        outputs: { applied: '2' },
      });
      expect(await drift()).toMatchObject({ outputs: { drift: 'false' } });
      expect(await project.issues()).toMatchObject([{ state: 'closed' }]);
      expect(await query(superuser, "SELECT Db FROM mysql.db WHERE User = 'app' OR Delete_priv = 'Y'")).toEqual([]);
      expect(project.github.violations()).toEqual([]);
    });
  },
  { only: ['9.7'] },
);
