import type { Checks } from './checks.ts';
import type { Path } from './content.ts';

/** Warns, once for each part, of what is validated and not yet acted on. */
export const checkLater = ({ content, warn }: Checks): void => {
  const later = (what: string, path: Path): void => warn('later', `${what} not acted on by this version`, path, {}, 'key');
  if (content.alarms) later(`'alarms' are`, ['alarms']);
};
