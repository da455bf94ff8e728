import type { Checks } from './checks.ts';
import type { Path } from './content.ts';

/** Warns, once for each part, of what is validated and not yet acted on. */
export const checkLater = ({ content, warn }: Checks): void => {
  const later = (what: string, path: Path): void => warn('later', `${what} not acted on by this version`, path, {}, 'key');
  const mysql = Object.entries(content.targets).find(([, { engine }]) => engine !== 'postgres');
  if (mysql) later(`targets with the engine ${mysql[1].engine}, such as '${mysql[0]}', are`, ['targets', mysql[0]]);
  if (content.alarms) later(`'alarms' are`, ['alarms']);
};
