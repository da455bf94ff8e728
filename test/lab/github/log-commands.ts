/* What the runner reads in the lines of a step's stdout and stderr (ActionCommandManager of actions/runner). */

export type Annotation = {
  readonly level: 'error' | 'warning' | 'notice';
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly title?: string;
};

export type LogReader = {
  readonly read: (line: string) => void;
  /** What a person sees: masked, without the commands. */
  readonly log: string[];
  /** Only those that GitHub shows: ten of each level. */
  readonly annotations: Annotation[];
  /** Annotations over the limit, and commands that the runner refuses. */
  readonly complaints: string[];
  readonly masked: (text: string) => string;
};

const SHOWN = 10;

/** Reads a step's log line by line; `secrets` are hidden from the start, as those of the repository are. */
export const readLog = (secrets: readonly string[]): LogReader => {
  const [log, annotations, complaints]: [string[], Annotation[], string[]] = [[], [], []];
  const masks = new Set(secrets.filter((secret) => secret !== ''));
  let deaf: string | null = null;
  const masked = (text: string): string =>
    [...masks].sort((a, b) => b.length - a.length).reduce((left, mask) => left.split(mask).join('***'), text);
  const obey = (name: string, properties: Readonly<Record<string, string>>, data: string): void => {
    if (name === 'error' || name === 'warning' || name === 'notice') {
      const annotation = annotationOf(name, properties, data);
      if (annotations.filter(({ level }) => level === name).length < SHOWN) annotations.push(annotation);
      else complaints.push(`more than ${SHOWN} of ${name}`);
      log.push(`##[${name}]${masked(annotation.message)}`);
    } else if (name === 'add-mask') for (const line of unescaped(data).split(/\r?\n/)) masks.add(line);
    else if (name === 'stop-commands') deaf = data;
    else if (['group', 'endgroup', 'debug', 'echo'].includes(name)) log.push(`##[${name}]${masked(data)}`);
    else complaints.push(`the runner does not obey ::${name}::`);
  };
  const read = (line: string): void => {
    // The old form of commands, which counts anywhere in a line; even a deaf runner's log is coloured by it.
    if (line.includes('##[')) complaints.push(`a line with a command in the old form: ${line}`);
    if (deaf !== null) {
      if (line === `::${deaf}::`) deaf = null;
      else log.push(masked(line));
      return;
    }
    const [, name, properties = '', data = ''] = /^\s*::([a-z-]+)(?: (.*?))?::(.*)$/.exec(line) ?? [];
    if (name === undefined) log.push(masked(line));
    else obey(name, propertiesOf(properties), data);
  };
  return { read, log, annotations, complaints, masked };
};

const annotationOf = (level: Annotation['level'], { file, line, title }: Readonly<Record<string, string>>, data: string): Annotation => ({
  level,
  message: unescaped(data),
  ...(file === undefined ? {} : { file }),
  ...(line === undefined ? {} : { line: Number(line) }),
  ...(title === undefined ? {} : { title }),
});

const propertiesOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split(',')
      .filter((part) => part.includes('='))
      .map((part) => [part.slice(0, part.indexOf('=')).trim(), unescaped(part.slice(part.indexOf('=') + 1))]),
  );

const ESCAPES: Readonly<Record<string, string>> = { '%0D': '\r', '%0A': '\n', '%3A': ':', '%2C': ',', '%25': '%' };
const unescaped = (text: string): string => text.replace(/%(0D|0A|3A|2C|25)/g, (code) => ESCAPES[code] ?? code);
