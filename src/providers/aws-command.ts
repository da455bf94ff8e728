/** A call of the API as the command of the AWS CLI with the same effect, for bash or zsh. `service`: as the CLI calls it, `iam`. */
export const command = (service: string, operation: string, input: Readonly<Record<string, unknown>>, region?: string): string => {
  const values = Object.values(input).filter((value) => typeof value === 'string');
  const where = region === undefined ? [] : [option('region', region)];
  // The CLI reads a file where a value looks like one.
  const options = values.some((value) => /^fileb?:\/\//.test(value))
    ? [`--cli-input-json ${quoted(JSON.stringify(input))}`]
    : Object.entries(input).map(([name, value]) => option(RENAMED[`${operation} ${name}`] ?? dashed(name), value));
  return [`aws ${service} ${dashed(operation)}`, ...options, ...where].join(' ');
};

/** Parameters that the CLI has under another name: --endpoint-url begins like this one. */
const RENAMED: Readonly<Record<string, string>> = { 'Subscribe Endpoint': 'notification-endpoint' };

/** `CreatePolicyVersion` → `create-policy-version`, `OKActions` → `ok-actions` */
const dashed = (name: string): string => name.replace(/(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '-').toLowerCase();

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
