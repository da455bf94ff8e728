import { expect, test } from 'vitest';
import { eachMysql } from '../../lab/mysql/versions.ts';

eachMysql((server, version) => {
  test('the server is of the version that was asked for', async () => {
    const [row] = await server().query(server().master, 'SELECT @@version AS version');
    expect(String(row!.version)).toContain(`${version}.`);
  });

  test.each([['SUPER'], ['FILE'], ['SHUTDOWN']])('the master cannot grant %s', async (word) => {
    const { query, master } = server();
    await expect(query(master, "CREATE USER IF NOT EXISTS somebody@'%'", `GRANT ${word} ON *.* TO somebody@'%'`)).rejects.toMatchObject({
      errno: 1045,
    });
  });

  test('the master ends a session of somebody else by mysql.rds_kill alone', async () => {
    const { query, connect, master } = server();
    const jane = { user: 'jane', password: 'jane-password' };
    await query(master, `CREATE USER jane@'%' IDENTIFIED BY '${jane.password}'`);
    const session = await connect(jane);
    const id = session.threadId;
    await expect(query(master, `KILL ${id}`)).rejects.toMatchObject({ errno: 1095 });
    await query(master, `CALL mysql.rds_kill(${id})`);
    await expect(session.query('SELECT 1')).rejects.toThrow();
    session.destroy();
  });

  test('what was acknowledged outlives the server being killed', async () => {
    const { query, crash, restart, master } = server();
    await query(master, "CREATE USER kept@'%' ACCOUNT LOCK");
    await crash();
    await restart();
    expect(await query(master, "SELECT User FROM mysql.user WHERE User = 'kept'")).toEqual([{ User: 'kept' }]);
  });
});
