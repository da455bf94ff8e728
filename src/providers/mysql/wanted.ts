import { union, wordOf } from '../../core/privileges.ts';
import type { Privileges } from '../../model/access.ts';
import type { DeclaredGrant } from '../../model/declared.ts';
import { type Place, placeKey } from './places.ts';
import type { Comparison, Scope } from './scope.ts';
import type { Selectors } from './selectors.ts';
import { expandAll, isMixed, levelled, unknownWords } from './words.ts';

/** What an account shall hold at a place, and the first grant of the manifest that says so. */
export type Wanted = { readonly place: Place; readonly privileges: Privileges; readonly grant: DeclaredGrant };

/** What the manifest says, by account and `placeKey`; for an account that is to be dropped, nothing. */
export const wantedRows = (scope: Scope, book: Selectors, compare: Comparison): ReadonlyMap<string, ReadonlyMap<string, Wanted>> => {
  const wanted = new Map<string, Map<string, Wanted>>();
  const reported = new Set<string>();
  const once = (key: string, finding: Parameters<Comparison['report']>[0]): void => {
    if (!reported.has(key)) compare.report(finding);
    reported.add(key);
  };
  for (const grant of scope.declared.grants) {
    const rows = wanted.get(grant.grantee) ?? new Map<string, Wanted>();
    wanted.set(grant.grantee, rows);
    reportWords(scope, grant, once);
    const words = spelled(scope, grant);
    for (const place of book.placesOf(grant)) {
      const key = placeKey(scope, place);
      const known = rows.get(key);
      const privileges = words(place);
      if (privileges.length === 0) reportNothing(scope, grant, once);
      else rows.set(key, known ? { ...known, privileges: union(known.privileges, privileges) } : { place, privileges, grant });
    }
  }
  for (const [account, rows] of wanted) reportMixed(scope, account, rows, once);
  return wanted;
};

/** The words of a grant at a place; `ALL` may be another list in every schema. */
const spelled = (scope: Scope, { privileges }: DeclaredGrant): ((place: Place) => Privileges) => {
  if (!privileges.some((privilege) => wordOf(privilege) === 'ALL')) return () => privileges;
  const known = new Map<string, Privileges>();
  return ({ kind, schema, name }) => {
    const within = kind === 'schema' ? name : schema;
    const key = `${kind}\0${within}`;
    const words = known.get(key) ?? expandAll(scope, privileges, kind, within);
    known.set(key, words);
    return words;
  };
};

type Once = (key: string, finding: Parameters<Comparison['report']>[0]) => void;

const reportWords = (scope: Scope, { privileges, kind, selector, source }: DeclaredGrant, once: Once): void => {
  for (const word of unknownWords(scope, privileges, kind))
    once(`${word} ${kind} ${selector}`, {
      severity: 'error',
      code: 'grant/needs-version',
      message: `privilege ${word} on ${kind} '${selector}': ${scope.server.flavour === 'mariadb' ? 'MariaDB' : 'MySQL'} ${scope.server.versionText} does not know it`,
      source,
    });
};

const reportNothing = ({ login }: Scope, { selector, source }: DeclaredGrant, once: Once): void =>
  once(`nothing ${selector}`, {
    severity: 'error',
    code: 'grant/not-grantable',
    message: `'${login}' may grant nothing on '${selector}': it holds no privilege there with the grant option`,
    hint: 'have an administrator grant it what it shall hand out WITH GRANT OPTION',
    source,
  });

/** The server keeps one grant option for all static privileges of a row. What patterns have in common only the server says. */
const reportMixed = (scope: Scope, account: string, rows: Map<string, Wanted>, once: Once): void => {
  // A hundred thousand rows have a few lists.
  const mixed = new Map<Privileges, boolean>();
  for (const [key, { place, privileges, grant }] of rows) {
    const found = mixed.get(privileges) ?? isMixed(scope, privileges);
    mixed.set(privileges, found);
    if (!found) continue;
    rows.set(key, { place, privileges: levelled(scope, privileges), grant });
    once(`mixed ${grant.selector} ${account}`, {
      severity: 'error',
      code: 'grant/mixed-option',
      message: `'${account}' would hold privileges on '${grant.selector}' with and without the grant option: the server keeps one option for all of them`,
      hint: "write the same 'grantable' for everything that the account gets there",
      source: grant.source,
    });
  }
};
