import type { Mark } from '../model/state.ts';

const LINE = /^\[rolecall stack=(\S+?)((?: [a-z]+=\S+)*)\]$/;
/** No more than what a manifest can say: a version beyond that could never be exceeded. */
const VERSION = /^\d{1,15}$/;

/** Splits a role's comment into the text that is its own and our mark, which is the last line. Other people edit comments: be tolerant. */
export const parseComment = (comment: string | null): { readonly description: string; readonly mark: Mark | null } => {
  if (!comment) return { description: '', mark: null };
  const lines = comment.replace(/\s+$/, '').split('\n');
  const found = LINE.exec(lines.at(-1)!.trim());
  if (!found) return { description: comment, mark: null };
  return { description: lines.slice(0, -1).join('\n'), mark: { stack: found[1]!, ...fields(found[2]!) } };
};

/** A description without marks of the stack at its end, as are left where one was pasted in by hand. */
export const withoutMarks = (description: string, stack: string): string => {
  const { description: rest, mark } = parseComment(description);
  return mark?.stack === stack ? withoutMarks(rest, stack) : description;
};

/** The comment of a role with this description and mark; null when there is nothing to say. */
export const renderComment = (description: string, mark: Mark | null): string | null => {
  if (!mark) return description || null;
  const { pw, locked, reason, wasClosed } = mark;
  const fields = [
    ...(pw === undefined ? [] : [`pw=${pw}`]),
    ...(locked === undefined ? [] : [`locked=${locked}`]),
    ...(locked === undefined || !reason ? [] : [`reason=${escaped(reason)}`]),
    ...(locked === undefined || !wasClosed ? [] : ['was=closed']),
  ];
  return [...(description ? [description] : []), `[rolecall ${[`stack=${mark.stack}`, ...fields].join(' ')}]`].join('\n');
};

/** One word, whatever stands in it. A half of a surrogate pair cannot be written. */
const escaped = (text: string): string => encodeURIComponent(text.replace(/\p{Cs}/gu, '\ufffd'));

const unescaped = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

const fields = (text: string): Omit<Mark, 'stack'> => {
  const found = new Map(
    text
      .split(' ')
      .filter(Boolean)
      .map((field) => field.split('=') as [string, string]),
  );
  const pw = found.get('pw') ?? '';
  const version = VERSION.test(pw) ? { pw: Number(pw) } : {};
  const locked = found.get('locked');
  if (!locked) return version;
  const reason = found.get('reason');
  return {
    ...version,
    locked,
    ...(reason ? { reason: unescaped(reason) } : {}),
    ...(found.get('was') === 'closed' ? { wasClosed: true as const } : {}),
  };
};
