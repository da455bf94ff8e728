import type { ObjectSet } from '../model/access.ts';
import type { Target } from '../model/declared.ts';
import type { Finding } from '../model/finding.ts';
import { distinct, nameKey } from '../model/key.ts';
import type { Moment, Statements } from '../model/normal.ts';

/** Promised is that access of both states never lapses, and that nobody has more than either: where the server has no such way, this says so. */
export const momentFindings = (target: Pick<Target, 'engine'>, { lapses, moments = [] }: Statements): Finding[] => {
  const of = (kind: Moment['kind']) => moments.filter((moment) => moment.kind === kind);
  const exceeding = distinct(of('excess').map(({ role }) => role));
  const bridged = distinct(of('bridge').map(({ role }) => role));
  const whose = (roles: readonly string[], kind: Moment['kind']): string => rolesText(roles, of(kind));
  const found: Finding[] = [];
  if (lapses.length > 0)
    found.push({
      severity: 'warning',
      code: 'plan/lapse',
      message: `while this is applied, ${countOf(lapses)} for a moment without access that ${lapses.length === 1 ? 'it keeps' : 'they keep'}: ${whose(lapses, 'lapse')}`,
      hint:
        target.engine === 'postgres'
          ? 'groups exchange members and grants across databases: do it in two steps, first what is added, then what goes'
          : 'the server has no one statement for this, and what is missing comes back with a later one: choose a quiet moment',
    });
  if (exceeding.length > 0)
    found.push({
      severity: 'warning',
      code: 'plan/excess',
      message: `while this is applied, ${countOf(exceeding)} for a moment able to do what is allowed neither before nor afterwards: ${whose(exceeding, 'excess')}`,
      hint: 'of the grants that match a schema the server counts one, and each that goes brings another to light: choose a quiet moment, or close the users meanwhile, with enabled: false in an apply before this one',
    });
  if (bridged.length > 0)
    found.push({
      severity: 'note',
      code: 'plan/bridge',
      message: `for a moment ${bridged.length === 1 ? 'a role is' : `${bridged.length} roles are`} granted what ${bridged.length === 1 ? 'it has' : 'they have'} by another, so that nobody gets more while patterns go: ${whose(bridged, 'bridge')}`,
    });
  return found;
};

/** So many roles are named, each with so many places. */
const [ROLES, PLACES] = [5, 2];

const countOf = (roles: readonly string[]): string => (roles.length === 1 ? 'a role is' : `${roles.length} roles are`);

const rolesText = (roles: readonly string[], moments: readonly Moment[]): string =>
  `${roles
    .slice(0, ROLES)
    .map((role) =>
      roleText(
        role,
        moments.filter((moment) => moment.role === role),
      ),
    )
    .join(', ')}${roles.length > ROLES ? ', …' : ''}`;

const roleText = (role: string, moments: readonly Moment[]): string => {
  const places = moments.flatMap(({ on, privileges, pattern }) =>
    on === null ? [] : [`${privileges.join(', ')} on ${objectText(on)}${pattern === null ? '' : `, which pattern \`${pattern}\` matches`}`],
  );
  const shown = [...places.slice(0, PLACES), ...(places.length > PLACES ? ['…'] : [])];
  if (moments.some(({ on }) => on === null)) return `${nameKey(role)} (perhaps: too much to tell where)`;
  return places.length === 0 ? nameKey(role) : `${nameKey(role)} (${shown.join('; ')})`;
};

const objectText = ({ kind, schema, relation, names }: ObjectSet): string => {
  if (kind === 'global') return '*.*';
  const path = [schema, relation, names[0]].filter((name) => name !== null && name !== undefined);
  return `${kind} ${path.map(nameKey).join('.')}`;
};
