// node bench/raw-mysql.mjs PORT USER TABLE…: reads these tables of `mysql` as they are, and nothing else: the floor of a process of its own.
import { createConnection } from 'mysql2/promise';

const [port, user, ...tables] = process.argv.slice(2);
const connection = await createConnection({ host: '127.0.0.1', port: Number(port), user, password: process.env.BENCH_PASSWORD });
for (const table of tables) await connection.query({ sql: `SELECT * FROM mysql.${table}`, rowsAsArray: true });
await connection.end();
