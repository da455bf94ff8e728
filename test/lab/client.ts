import pg from 'pg';

/** A connection that the caller ends. */
export async function opened(config: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(config);
  // a server that a test kills must not take the test process with it
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** Runs SQL, ends the connection, and returns the rows of the last statement. */
export async function queryOnce(client: pg.Client, sql: string, values: readonly unknown[]): Promise<Record<string, unknown>[]> {
  try {
    // several statements in one text need the simple protocol, which binds nothing
    const result = values.length > 0 ? await client.query(sql, [...values]) : await client.query(sql);
    const last = Array.isArray(result) ? result.at(-1) : result;
    return last?.rows ?? [];
  } finally {
    await client.end();
  }
}
