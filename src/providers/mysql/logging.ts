import type { LoggingFacts } from '../../model/alarm.ts';
import type { Target } from '../../model/declared.ts';
import type { Timeouts } from '../provider.ts';
import { type Connected, connect, timeoutOptions } from './connect.ts';
import { readError } from './trouble.ts';

/** Whether the error log gets a line for each login that is refused. */
export const logging = async (target: Target, timeouts?: Timeouts): Promise<LoggingFacts> => {
  const connected = await connect(target, { as: 'plan', programName: 'rolecall alarms', ...timeoutOptions(timeouts) });
  try {
    return await (connected.flavour === 'mariadb' ? byWarnings(connected) : byVerbosity(connected));
  } catch (error) {
    throw readError(error, connected.peer);
  } finally {
    await connected.close();
  }
};

/** MariaDB Knowledge Base, "log_warnings": access denied from 2 on, which is the default. */
const byWarnings = async ({ ask }: Connected): Promise<LoggingFacts> => {
  const [[level] = []] = await ask('SELECT @@GLOBAL.log_warnings');
  return Number(level) >= 2 ? { logged: true } : { logged: false, found: `log_warnings = ${level}`, wanted: 'log_warnings = 2' };
};

/** MySQL manual, "Error Log Filtering": a refused login is a note, which stands in the log at 3 and is no error that nothing could suppress. */
const byVerbosity = async ({ ask }: Connected): Promise<LoggingFacts> => {
  const [[verbosity, suppressed] = []] = await ask('SELECT @@GLOBAL.log_error_verbosity, @@GLOBAL.log_error_suppression_list');
  if (Number(verbosity) < 3) return { logged: false, found: `log_error_verbosity = ${verbosity}`, wanted: 'log_error_verbosity = 3' };
  const left = String(suppressed).split(/\s*,\s*/);
  const hides = left.find((code) => REFUSED.test(code));
  if (hides === undefined) return { logged: true };
  const kept = left.filter((code) => !REFUSED.test(code)).join(',');
  return {
    logged: false,
    found: `log_error_suppression_list = ${suppressed}`,
    wanted: `log_error_suppression_list = ${kept === '' ? "''" : kept}`,
  };
};

/** The note about a login that was refused, in the ways that the list may name it. */
const REFUSED = /^(MY-)?0*10926$|^ER_ACCESS_DENIED_ERROR_WITH(OUT)?_PASSWORD$/i;
