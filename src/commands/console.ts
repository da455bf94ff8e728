import { EXIT, failure } from '../model/finding.ts';
import type { Terminal } from '../render/layout.ts';

/** What a command sees of the world: results go to `out`, everything else to `err`. */
export type Console = {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** How text on stdout and on stderr is drawn. */
  readonly outTerminal: Terminal;
  readonly errTerminal: Terminal;
  readonly interactive: boolean;
  /** Asks for a line; null when there is nobody to ask. */
  readonly ask: (question: string) => Promise<string | null>;
  readonly now: () => Date;
  readonly signal: AbortSignal;
};

type Stream = NodeJS.WriteStream;

/** The process's own console. `NO_COLOR`, `FORCE_COLOR`, `CI` and the locale are honoured. */
export const processConsole = (signal: AbortSignal, colour?: boolean): Console => {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', surviveClosedPipe);
  return consoleOf(signal, colour);
};

/** Who reads may stop (`rolecall plan | head`): what is going on at the servers does not stop for that. */
const surviveClosedPipe = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EPIPE') throw error;
};

const consoleOf = (signal: AbortSignal, colour?: boolean): Console => ({
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  outTerminal: terminalOf(process.stdout, colour),
  errTerminal: terminalOf(process.stderr, colour),
  interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
  ask: (question) => askLine(question, signal),
  now: () => new Date(),
  signal,
});

const terminalOf = (stream: Stream, colour?: boolean): Terminal => ({
  // A terminal that does not know its width says 0.
  width: stream.columns || Number(process.env.COLUMNS) || 120,
  colour: colour ?? wantsColour(stream),
  unicode: /utf-?8/i.test(process.env.LC_ALL || process.env.LC_CTYPE || process.env.LANG || ''),
});

const wantsColour = (stream: Stream): boolean => {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== '0';
  return stream.isTTY === true && TERM !== 'dumb';
};

/** A line from the terminal; null where it ends without one (Ctrl-D). */
const askLine = async (question: string, signal: AbortSignal): Promise<string | null> => {
  const { createInterface } = await import('node:readline');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise<string | null>((resolve, reject) => {
      const interrupted = () => reject(failure('apply/interrupted', 'interrupted; nothing was changed', {}, EXIT.interrupted));
      signal.addEventListener('abort', interrupted, { once: true });
      lines.once('SIGINT', () => {
        process.stderr.write('\n');
        interrupted();
      });
      lines.once('close', () => resolve(null));
      lines.question(question, resolve);
    });
  } finally {
    lines.close();
  }
};
