import { sameBody } from '../../core/diff.ts';
import type { Declared } from '../../model/declared.ts';
import { type Finding, failure } from '../../model/finding.ts';
import type { Bodies, Kind } from '../../model/state.ts';
import type { About, Normal } from '../provider.ts';
import { reportAccounts } from './accounts.ts';
import { compareDrops } from './drops.ts';
import { FLAVOURS } from './flavour.ts';
import { compareGrants } from './grants.ts';
import { compareMemberships } from './memberships.ts';
import { reportOtherGrants } from './remnants.ts';
import { reportOtherAccounts } from './removed-hosts.ts';
import { reportRenames } from './renames.ts';
import { compareRoles } from './roles.ts';
import { type Comparison, scopeOf } from './scope.ts';
import type { Snapshot } from './snapshot.ts';

/** Puts what was read and what is declared side by side, in the same form and restricted to what the manifest is about. */
export const normalize = (snapshot: Snapshot, declared: Declared): Normal => {
  refuseOtherFlavour(snapshot, declared);
  const scope = scopeOf(snapshot, declared);
  const sides = { actual: emptyState(), desired: emptyState() };
  const about = new Map<string, About>();
  const findings: Finding[] = [...declared.findings];
  const compare = comparison(sides, about, findings);
  reportAccounts(scope, compare);
  reportRenames(scope, compare);
  compareRoles(scope, compare);
  compareMemberships(scope, compare);
  const matches = compareGrants(scope, compare);
  reportOtherGrants(scope, compare);
  compareDrops(scope, compare);
  reportOtherAccounts(scope, compare);
  let met: Normal['matches'] | undefined;
  return {
    ...sides,
    about,
    reality: scope.reality,
    findings,
    get matches() {
      met ??= matches();
      return met;
    },
  };
};

/** MySQL and MariaDB speak one protocol and keep their accounts differently: what was declared for one cannot be compared with the other. */
const refuseOtherFlavour = ({ server }: Snapshot, { target }: Declared): void => {
  if (target.engine === server.flavour) return;
  throw failure(
    'target/engine',
    `target '${target.name}' has engine: ${target.engine}, but the server is ${FLAVOURS[server.flavour]} ${server.versionText}`,
    { hint: `write engine: ${server.flavour}`, target: target.name, source: target.source },
  );
};

const KINDS: readonly Kind[] = ['role', 'password', 'membership', 'grant', 'sessions'];
type MutableState = { [K in Kind]?: Map<string, Bodies[K]> };
const emptyState = (): MutableState => Object.fromEntries(KINDS.map((kind) => [kind, new Map()]));

const comparison = (
  sides: { actual: MutableState; desired: MutableState },
  about: Map<string, About>,
  findings: Finding[],
): Comparison => ({
  put: (kind, key, before, after, note) => {
    if (before && after && sameBody(before, after)) return;
    if (before) (sides.actual[kind] as Map<string, typeof before>).set(key, before);
    if (after) (sides.desired[kind] as Map<string, typeof after>).set(key, after);
    if (note) about.set(`${kind} ${key}`, note);
  },
  report: (finding) => findings.push(finding),
});
