import { beforeAll, expect, test } from 'vitest';
import { eachMajor } from '../lab/majors.ts';
import { applyOn, planOn } from './scenario.ts';

const BODY = `
groups:
  reader: { read: [app.public] }
users:
  jane: { auth: password, password: "\${env:JANE}", groups: [reader] }
`;

eachMajor((server) => {
  beforeAll(async () => {
    process.env.JANE = 'jane-password';
    await server().query(server().master, 'postgres', 'CREATE DATABASE app');
    await server().query(server().master, 'app', 'CREATE TABLE t (id int)');
  });

  test('a user reads what the group may, and a second plan is empty', async () => {
    const applied = await applyOn(server(), BODY, { target: 'databases: [app]' });
    expect(applied).toMatchObject({ exitCode: 0, result: { status: 'applied', residue: [] } });
    const rows = await server().query({ user: 'jane', password: 'jane-password' }, 'app', 'SELECT count(*)::int AS n FROM t');
    expect(rows).toEqual([{ n: 0 }]);
    expect((await planOn(server(), BODY, { target: 'databases: [app]' })).changes).toEqual([]);
  });
});
