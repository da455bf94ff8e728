import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { BEHAVIOURS, behaviourOf, shownStatement } from './behaviour.ts';

const DOC = path.resolve(import.meta.dirname, '../../../docs/mysql.md');
const TABLE = /(<!-- behaviour -->\n)[\s\S]*?(\n<!-- \/behaviour -->)/;
const COLUMNS = ['8.0', '9.7', '10.11', '11.8'] as const;

const rowsOf = (text: string): string[][] =>
  (TABLE.exec(text)?.[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => line.slice(2, -2).split(' | '));

/** What the document says, and, where UPDATE_BEHAVIOUR is set, what it shall say: by row, then by column. */
const written = rowsOf(fs.readFileSync(DOC, 'utf8'));
const found = BEHAVIOURS.map((make, index) => [
  make(index).when,
  shownStatement(make(index), index),
  ...(written[index]?.slice(2) ?? ['', '', '', '']),
]);

const tableOf = (rows: readonly (readonly string[])[]): string =>
  [['when', 'statement', 'MySQL 8.0', 'MySQL 9.7', 'MariaDB 10.11', 'MariaDB 11.8'], Array.from({ length: 6 }, () => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');

afterAll(() => {
  if (process.env.UPDATE_BEHAVIOUR)
    fs.writeFileSync(
      DOC,
      fs.readFileSync(DOC, 'utf8').replace(TABLE, (_, before, after) => before + tableOf(found) + after),
    );
});

eachMysql((server, version) => {
  beforeAll(async () => {
    await server().query(
      server().superuser,
      'CREATE DATABASE shop',
      'CREATE DATABASE shop_eu',
      'CREATE TABLE shop.orders (id int, total int)',
      'CREATE TABLE shop_eu.orders (id int)',
    );
  });

  test('statements do what the table of docs/mysql.md says', async () => {
    const column = 2 + COLUMNS.indexOf(version as (typeof COLUMNS)[number]);
    for (const [index, make] of BEHAVIOURS.entries()) found[index]![column] = await behaviourOf(server(), make(index));
    if (process.env.UPDATE_BEHAVIOUR) return;
    expect(found.map((row) => [row[0], row[1], row[column]])).toEqual(written.map((row) => [row[0], row[1], row[column]]));
  });
});
