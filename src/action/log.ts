/** The job's log. The runner reads commands from it, so whatever we print stands between two marks that make it deaf. */
export type Log = {
  /** Text for whoever reads the log; line breaks are kept, and nothing in it is a command. */
  readonly print: (text: string) => void;
  /** Lines that the runner shall obey. */
  readonly command: (lines: string) => void;
  /** Hides a value in what the runner shows. */
  readonly mask: (secret: string) => void;
  /** While this works, the runner listens: for libraries that talk to it themselves. */
  readonly listening: <T>(work: () => Promise<T>) => Promise<T>;
  readonly close: () => void;
};

/** Opens the log. `token` is what a name on a server would have to guess to be obeyed. */
export const openLog = (write: (text: string) => void, token: string = crypto.randomUUID()): Log => {
  const deafen = (): void => write(`::stop-commands::${token}\n`);
  const listen = (): void => write(`::${token}::\n`);
  const command = (lines: string): void => {
    listen();
    write(lines);
    deafen();
  };
  deafen();
  return {
    print: (text) => {
      if (text !== '') write(inert(text.endsWith('\n') ? text : `${text}\n`));
    },
    command,
    mask: (secret) => {
      // The runner hides line by line.
      const lines = secret.split(/\r?\n/).filter((line) => line.trim() !== '');
      if (lines.length > 0) command(lines.map((line) => `::add-mask::${escaped(line)}\n`).join(''));
    },
    listening: async (work) => {
      listen();
      try {
        return await work();
      } finally {
        deafen();
      }
    },
    close: listen,
  };
};

/** Deaf or not, whoever shows the log colours a line with `##[error]` in it as an error of the step. */
const inert = (text: string): string => text.replaceAll('##[', '#\\u0023[');

/** As the runner reads the data of a command. */
const escaped = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
