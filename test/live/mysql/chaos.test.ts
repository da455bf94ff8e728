import { afterEach, beforeAll, expect, test } from 'vitest';
import { type ChaosProxy, type Fault, startChaos } from '../../lab/chaos.ts';
import { eachMysql } from '../../lab/mysql/versions.ts';

eachMysql((server) => {
  const proxies: ChaosProxy[] = [];
  afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.close();
  });
  beforeAll(async () => {
    await server().query(server().master, 'CREATE DATABASE app', 'CREATE TABLE app.log (line varchar(20))');
  });
  const lines = async () => (await server().query(server().master, 'SELECT line FROM app.log ORDER BY line')).map(({ line }) => line);
  const through = async (fault: Fault | undefined, sql: string) => {
    const proxy = await startChaos(server(), (request) => (request.sql.startsWith('INSERT') ? fault : undefined), 'mysql');
    proxies.push(proxy);
    const connection = await server().connect(server().master, { port: proxy.port });
    const outcome = await connection.query(sql).then(
      () => 'answered',
      (error: { code?: string }) => error.code,
    );
    connection.destroy();
    return { outcome, faults: proxy.faults(), seen: proxy.seen() };
  };

  test('what a proxy shows, breaks and delays is one statement', async () => {
    const insert = (line: string) => `INSERT INTO app.log VALUES ('${line}')`;
    expect(await through(undefined, insert('plain'))).toEqual({ outcome: 'answered', faults: 0, seen: [insert('plain')] });
    expect(await through({ delayMs: 20 }, insert('late'))).toMatchObject({ outcome: 'answered', faults: 1 });
    expect(await through('reset-before', insert('never'))).toMatchObject({ outcome: 'ECONNRESET', faults: 1 });
    expect(await through('reset-after', insert('unheard'))).toMatchObject({ outcome: 'ECONNRESET', faults: 1 });
    expect(await lines()).toEqual(['late', 'plain', 'unheard']);
  });
});
