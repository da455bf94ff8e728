import type { Progress } from '../model/result.ts';
import { partName, visible, visibleSql } from './escape.ts';
import { displayWidth, painter, type Span, span, type Terminal } from './layout.ts';
import { plural } from './phrase.ts';

/** One line of what is going on, without line end, cut at the width; null for what a person need not see (single statements). */
export const progressText = (event: Progress, terminal: Terminal): string | null => {
  const words = wordsOf(event);
  if (words === null) return null;
  const mark =
    event.type === 'transaction-failed'
      ? span('! ', 'alarm')
      : event.type === 'retry' || event.type === 'waiting' || event.type === 'waiting-for-lock'
        ? span('~ ', 'change')
        : span('  ');
  return painter(terminal.colour)([
    mark,
    span(`${visible(event.target)}: `, 'strong'),
    ...cut(words, terminal.width - 4 - displayWidth(visible(event.target))),
  ]);
};

/** The statement that runs, on one line: for a spinner. */
export const statementText = (event: Extract<Progress, { type: 'statement' }>, width: number): string =>
  cut(`${event.number}/${event.of} ${visibleSql(event.sql).replace(/\s+/g, ' ')}`, width)
    .map(({ text }) => text)
    .join('');

const wordsOf = (event: Progress): string | null => {
  switch (event.type) {
    case 'target-start':
      return event.endpoint === '' ? 'connecting' : `connecting to ${event.endpoint}`;
    case 'target-read':
      return `read ${plural(event.objects, 'object')}${event.databases === 0 ? '' : ` in ${plural(event.databases, 'database')}`}, ${seconds(event.ms)}`;
    case 'waiting-for-lock':
      return `waiting for the run lock, held by ${event.holder}`;
    case 'transaction-start':
      return null;
    case 'statement':
      return null;
    case 'transaction-done':
      return event.database === ''
        ? `${plural(event.statements, event.of)} done, ${seconds(event.ms)}`
        : `${within(event.database)}${plural(event.statements, 'statement')} committed, ${seconds(event.ms)}`;
    case 'transaction-failed':
      return `${within(event.database)}${event.database === '' ? 'stopped' : 'rolled back'}: ${event.message}${event.sqlstate === undefined ? '' : ` (${event.sqlstate})`}`;
    case 'waiting':
      return event.reason;
    case 'retry':
      return `${within(event.database)}attempt ${event.attempt}, after: ${event.message}`;
  }
};

const within = (database: string): string => (database === '' ? '' : `database ${partName(database)}: `);

const seconds = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

const cut = (text: string, width: number): Span[] => {
  const shown = visible(text);
  if (displayWidth(shown) <= width) return [span(shown)];
  let kept = '';
  for (const character of shown) {
    if (displayWidth(kept + character) > Math.max(0, width - 3)) break;
    kept += character;
  }
  return [span(`${kept}...`)];
};
