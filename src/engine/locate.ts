import { declaredPlace } from '../core/declared-place.ts';
import { tokenTarget } from '../core/postgres-variables.ts';
import type { Declared, Target } from '../model/declared.ts';
import { type Finding, isError } from '../model/finding.ts';
import { createLookup } from '../providers/lookup.ts';
import { accountAt, type Lost } from './account-at.ts';
import type { Session } from './session.ts';
import { watchedAlike, watchedOf } from './watched.ts';

/** What can be planned, and why the rest cannot. `declareds` holds the IAM account after the servers, and the alarms last; `also` is what another session says of the same targets. */
export type Located = {
  readonly declareds: readonly Declared[];
  readonly also: readonly Declared[];
  readonly findings: readonly Finding[];
};

/** ■ Finds every target that is named by RDS, readies logins by token and what looks secrets up for this run, and puts the IAM account and the alarms beside the servers. */
export const locate = async (session: Session, other?: Session): Promise<Located> => {
  const { targets, findings } = await found([...session.declareds.map(({ target }) => target), ...session.elsewhere], session);
  const trouble = findings.filter(isError);
  const lost: Lost = new Map([...trouble].reverse().flatMap((one) => (one.target === undefined ? [] : [[one.target, one] as const])));
  const byName = new Map(targets.map((target) => [target.name, withPlace(target)]));
  const declareds = session.declareds.flatMap((declared, index): Declared[] => {
    const { name } = declared.target;
    if (lost.has(name)) return [];
    // What concerns no target alone, such as a wrong clock, is said once.
    const told = findings.filter(({ severity, target = index === 0 ? name : '' }) => target === name && severity !== 'error');
    return [{ ...declared, target: byName.get(name)!, findings: [...declared.findings, ...told] }];
  });
  const account = session.account && accountAt(session.account, byName, lost);
  const watch = session.watch ? await watchedOf(session.watch, { targets: byName, lost: trouble, regions: session.regions ?? [] }) : null;
  const also = other ? alsoOf(other, byName, lost) : [];
  const otherWatch = other?.watch && watch?.declared ? watchedAlike(other.watch, watch.declared) : null;
  return {
    declareds: [...declareds, ...(account?.declared ? [account.declared] : []), ...(watch?.declared ? [watch.declared] : [])],
    also: otherWatch ? [...also, otherWatch] : also,
    findings: [...trouble, ...(account?.findings ?? []), ...(watch?.findings ?? [])],
  };
};

/** What the other session declares for targets that were found: it is compared with what is read there, and found nowhere else. */
const alsoOf = (other: Session, targets: ReadonlyMap<string, Target>, lost: Lost): readonly Declared[] => {
  const servers = other.declareds.flatMap((declared): Declared[] => {
    const target = targets.get(declared.target.name);
    return target === undefined || lost.has(target.name) ? [] : [{ ...declared, target }];
  });
  const unknown: Lost = new Map([...lost, ...other.elsewhere.flatMap(({ name }) => (targets.has(name) ? [] : [[name, null] as const]))]);
  const account = other.account && accountAt(other.account, targets, unknown);
  return account?.declared ? [...servers, account.declared] : servers;
};

/** AWS is asked only where a target is found by it, or logged in to by token. */
const found = async (
  declared: readonly Target[],
  session: Session,
): Promise<{ targets: readonly Target[]; findings: readonly Finding[] }> => {
  const secrets = createLookup();
  const targets = declared.map((target) => ({ ...tokenTarget(target, process.env), secrets }));
  if (!targets.some(({ rds, login }) => rds !== undefined || login.auth === 'iam')) return { targets, findings: [] };
  const { discover } = await import('../providers/rds/rds.ts');
  const byIam = session.declareds.filter(({ roles }) => [...roles.values()].some(({ auth }) => auth === 'iam'));
  const opened = session.account?.iam.connects.filter(({ via }) => via === 'direct') ?? [];
  return await discover(targets, { needIam: new Set([...byIam.map(({ target }) => target.name), ...opened.map(({ target }) => target)]) });
};

const withPlace = (target: Target): Target => {
  const place = target.place ?? declaredPlace(target);
  return place ? { ...target, place } : target;
};
