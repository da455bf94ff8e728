import { expect, test } from 'vitest';
import { eachMysql } from '../../lab/mysql/versions.ts';

eachMysql((server, version) => {
  test('the server is of the version that was asked for', async () => {
    const [row] = await server().query(server().master, 'SELECT @@version AS version');
    expect(String(row!.version)).toContain(`${version}.`);
  });
});
