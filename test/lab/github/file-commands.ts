/*
 * The files that a step writes its outputs and variables to, as the runner reads them (FileCommandManager of actions/runner):
 * `name=value`, or `name<<mark`, lines, and the mark on a line of its own.
 */

/** Names and values. Throws where the runner would fail the step. */
export const parseFileCommands = (text: string): Record<string, string> => {
  const found: Record<string, string> = {};
  const lines = linesOf(text);
  for (let line = lines.next(); !line.done; line = lines.next()) {
    const { content } = line.value;
    if (content === '') continue;
    const [equals, heredoc] = [content.indexOf('='), content.indexOf('<<')];
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) found[content.slice(0, equals)] = content.slice(equals + 1);
    else if (heredoc > 0) found[content.slice(0, heredoc)] = untilMark(lines, content.slice(heredoc + 2));
    else throw new Error(`Invalid format '${content}'`);
  }
  return found;
};

type Line = { readonly content: string; readonly end: string };

function* linesOf(text: string): Generator<Line, undefined> {
  for (const [, content = '', end = ''] of text.matchAll(/([^\r\n]*)(\r\n|\n|\r|$)/g))
    if (content !== '' || end !== '') yield { content, end };
  return undefined;
}

const untilMark = (lines: Generator<Line, undefined>, mark: string): string => {
  if (mark === '') throw new Error('a mark is missing after <<');
  const value: Line[] = [];
  for (let line = lines.next(); !line.done; line = lines.next()) {
    if (line.value.content === mark)
      return value.map(({ content, end }, index) => (index < value.length - 1 ? content + end : content)).join('');
    value.push(line.value);
  }
  throw new Error(`Matching delimiter not found '${mark}'`);
};
