import type { Fix, FixReport } from '../model/checkup.ts';
import { clientOf } from './dialect.ts';
import { sqlComment, visible, visibleSql } from './escape.ts';

/** The statements as psql and mysql take them; everything else is a comment. Of a target that could not be asked it says so. */
export const fixSql = ({ targets, unread }: FixReport): string => {
  const lost = unread.filter(({ target }) => targets.every((fix) => fix.target !== target));
  const blocks = [...targets.map((fix) => fixLines(fix, unread)), ...lost.map((one) => [notKnown(one.target, one.message)])];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
};

const notKnown = (target: string, reason: string): string => comment(`target ${target}: not known, ${reason}`);

const fixLines = (fix: Fix, unread: FixReport['unread']): readonly string[] => {
  const { target, login, statements } = fix;
  const of = `target ${target}`;
  if (login === null)
    return [comment(`${of}: not known, ${unread.find((one) => one.target === target)?.message ?? 'it could not be asked'}`)];
  if (statements.length === 0) return [comment(`${of}: '${login}' lacks nothing to administer the declared roles`)];
  return [
    comment(`${of}: what '${login}' lacks to administer the declared roles, for a master to run with ${clientOf(clientTarget(fix))}`),
    ...statements.flatMap(({ sql, notes }) => [...notes.map(comment), statement(sql, fix)]),
  ];
};

/** The engine decides, and nothing else of a target. */
const clientTarget = ({ engine }: Fix) => ({ engine: engine as Parameters<typeof clientOf>[0]['engine'] });

const comment = (text: string): string => `-- ${sqlComment(text)}`;

/** Quoted names of MySQL have no escapes for what cannot be seen. */
const statement = (sql: string, { engine }: Fix): string => {
  if (engine === 'postgres') return `${visibleSql(sql)};`;
  return visible(sql) === sql ? `${sql};` : comment(`cannot be pasted, a name holds what cannot be seen: ${sql};`);
};
