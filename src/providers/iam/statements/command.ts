/** A call of the API as the command of the AWS CLI with the same effect, for a POSIX shell. */
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

const quoted = (text: string): string => (/^[\w+=:,./@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
