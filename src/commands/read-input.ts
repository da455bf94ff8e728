import { readFile } from 'node:fs/promises';
import { failure } from '../model/finding.ts';
import { visible } from '../render/escape.ts';

/** Why a file that was named cannot be read, by the code of Node's error. */
export const READ_TROUBLE: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EISDIR: 'it is a directory',
  EACCES: 'you may not read it',
};

/** The bytes of a file that `doctor` shall look into. Throws a Failure `doctor/unreadable`. */
export const readInput = async (file: string): Promise<Buffer> =>
  await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw failure('doctor/unreadable', `'${visible(file)}' cannot be read: ${READ_TROUBLE[error.code ?? ''] ?? error.message}`, {
      hint: 'name a file that is there, or - for standard input',
    });
  });
