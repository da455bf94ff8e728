/** A call of the API as the command of the AWS CLI with the same effect, for bash or zsh. */
export const command = (operation: string, input: Readonly<Record<string, unknown>>): string => {
  const values = Object.values(input).filter((value) => typeof value === 'string');
  // The CLI reads a file where a value looks like one.
  if (values.some((value) => /^fileb?:\/\//.test(value)))
    return `aws iam ${dashed(operation)} --cli-input-json ${quoted(JSON.stringify(input))}`;
  return ['aws iam', dashed(operation), ...Object.entries(input).map(([name, value]) => option(dashed(name), value))].join(' ');
};

/** `CreatePolicyVersion` → `create-policy-version` */
const dashed = (name: string): string => name.replace(/(?<!^)([A-Z])/g, '-$1').toLowerCase();

const option = (name: string, value: unknown): string => {
  if (typeof value === 'boolean') return value ? `--${name}` : `--no-${name}`;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.startsWith('-') ? `--${name}=${quoted(text)}` : `--${name} ${quoted(text)}`;
};

const quoted = (text: string): string => {
  if (/^[\w+=:,./@-]+$/.test(text)) return text;
  // What cannot be seen is written as an escape, as bash and zsh read it.
  return /^[\x20-\x7e]*$/.test(text) ? `'${text.replaceAll("'", "'\\''")}'` : `$'${[...text].map(escaped).join('')}'`;
};

const escaped = (character: string): string => {
  if (character === "'" || character === '\\') return `\\${character}`;
  const code = character.codePointAt(0) ?? 0;
  return code >= 0x20 && code <= 0x7e ? character : `\\U${code.toString(16).padStart(8, '0')}`;
};
