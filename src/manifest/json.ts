type State = 'value' | 'first item' | 'first key' | 'key' | 'colon' | 'next' | 'end';

const EXPECTED: Readonly<Record<State, string>> = {
  value: 'a value',
  'first item': "a value or ']'",
  'first key': "a key in double quotes or '}'",
  key: 'a key in double quotes',
  colon: "':'",
  next: "',' or the closing bracket",
  end: 'the end of the file',
};

const SPACE = /[ \t\r\n]*/y;
const TOKEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON has none of them inside a string
  /[{}[\],:]|"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

/**
 * Where a text stops being JSON (RFC 8259), and what was expected there; null for JSON. What was found is not said: it may be a
 * password.
 */
export const jsonProblem = (text: string): { readonly offset: number; readonly expected: string } | null => {
  const open: string[] = [];
  let state: State = 'value';
  let offset = text.startsWith('\uFEFF') ? 1 : 0;
  for (;;) {
    offset += matched(SPACE, text, offset).length;
    if (state === 'end' && offset === text.length) return null;
    const token = matched(TOKEN, text, offset);
    const next: State | undefined = token === '' ? undefined : after(state, token[0]!, open);
    if (next === undefined)
      return { offset, expected: token === '' && text[offset] === '"' ? 'text that ends on its line' : EXPECTED[state] };
    offset += token.length;
    state = next;
  }
};

const matched = (pattern: RegExp, text: string, offset: number): string => {
  pattern.lastIndex = offset;
  return pattern.exec(text)?.[0] ?? '';
};

/** The state after a token, told by its first character; undefined where it may not stand. */
const after = (state: State, token: string, open: string[]): State | undefined => {
  const value = !'{}[],:'.includes(token);
  switch (state) {
    case 'value':
    case 'first item':
      if (value) return open.length === 0 ? 'end' : 'next';
      if (token === ']' && state === 'first item') return closed(open);
      if (token !== '{' && token !== '[') return undefined;
      open.push(token);
      return token === '{' ? 'first key' : 'first item';
    case 'first key':
    case 'key':
      if (token === '}' && state === 'first key') return closed(open);
      return token === '"' ? 'colon' : undefined;
    case 'colon':
      return token === ':' ? 'value' : undefined;
    case 'next': {
      const inMap = open.at(-1) === '{';
      if (token === ',') return inMap ? 'key' : 'value';
      return token === (inMap ? '}' : ']') ? closed(open) : undefined;
    }
    case 'end':
      return undefined;
  }
};

const closed = (open: string[]): State => {
  open.pop();
  return open.length === 0 ? 'end' : 'next';
};
