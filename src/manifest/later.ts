import type { Checks } from './checks.ts';
import type { Content, Path } from './content.ts';

/** Warns, once for each part, of what is validated and not yet acted on. */
export const checkLater = ({ content, warn }: Checks): void => {
  const later = (what: string, path: Path): void => warn('later', `${what} not acted on by this version`, path, {}, 'key');
  const targets = Object.entries(content.targets);
  const rds = targets.find(([, { rds: found }]) => found);
  const mysql = targets.find(([, { engine }]) => engine !== 'postgres');
  const principals = principalsPath(content);
  if (rds) later(`targets that are found through RDS, such as '${rds[0]}', are`, ['targets', rds[0]]);
  if (mysql) later(`targets with the engine ${mysql[1].engine}, such as '${mysql[0]}', are`, ['targets', mysql[0]]);
  if (principals) later(`'principals' are`, principals);
  if (content.iam) later(`'iam' is`, ['iam']);
  if (content.expect) later(`'expect' is`, ['expect']);
  if (content.alarms) later(`'alarms' are`, ['alarms']);
};

const principalsPath = ({ users }: Content): Path | undefined => {
  for (const [name, { principals, targets }] of Object.entries(users ?? {})) {
    if (principals) return ['users', name, 'principals'];
    if (targets === undefined || Array.isArray(targets)) continue;
    for (const [target, override] of Object.entries(targets)) {
      if (typeof override === 'object' && 'principals' in override) return ['users', name, 'targets', target, 'principals'];
    }
  }
  return undefined;
};
