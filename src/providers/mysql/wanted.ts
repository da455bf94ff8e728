import { union, wordOf } from '../../core/privileges.ts';
import type { Privileges } from '../../model/access.ts';
import type { DeclaredGrant } from '../../model/declared.ts';
import { type Container, placeOn, type Shelves, shelfAt } from './places.ts';
import type { Comparison, Scope } from './scope.ts';
import type { Selectors } from './selectors.ts';
import { expandAll, isMixed, levelled, unknownWords } from './words.ts';

/** What an account shall hold at a place, and the first grant of the manifest that says so. */
export type Wanted = { readonly privileges: Privileges; readonly grant: DeclaredGrant };

/** What the grants of one account in the manifest say. Places that are told alike share one value. */
export const wantedRows = (scope: Scope, book: Selectors, compare: Comparison): ((grants: readonly DeclaredGrant[]) => Shelves<Wanted>) => {
  const once = onceOnly(compare);
  const both = merging(scope);
  return (grants) => {
    const shelves: Shelves<Wanted> = new Map();
    for (const grant of grants) {
      reportWords(scope, grant, once);
      const told = spelled(scope, grant);
      for (const { container, names } of book.selected(grant)) {
        const shelf = shelfAt(scope, shelves, container);
        for (const name of names) {
          const want = told(container, name);
          if (want.privileges.length === 0) {
            reportNothing(scope, grant, once);
            continue;
          }
          const key = placeOn(scope, shelf, name);
          const known = shelf.values.get(key);
          if (known && isMixed(scope, union(known.privileges, want.privileges))) reportMixed(grant, once);
          shelf.values.set(key, known ? both(known, want) : want);
        }
      }
    }
    return shelves;
  };
};

/** Two grants together. A hundred thousand tables are under a few pairs of grants. */
const merging = (scope: Scope): ((a: Wanted, b: Wanted) => Wanted) => {
  const known = new Map<Wanted, Map<Wanted, Wanted>>();
  return (a, b) => {
    const of = known.get(a) ?? new Map<Wanted, Wanted>();
    known.set(a, of);
    const found = of.get(b) ?? { ...a, privileges: levelled(scope, union(a.privileges, b.privileges)) };
    of.set(b, found);
    return found;
  };
};

/** What a grant says at a place; `ALL` may be another list in every schema. */
const spelled = (scope: Scope, grant: DeclaredGrant): ((container: Container, name: string) => Wanted) => {
  const { privileges } = grant;
  if (!privileges.some((privilege) => wordOf(privilege) === 'ALL')) {
    const want = { privileges, grant };
    return () => want;
  }
  const known = new Map<string, Wanted>();
  return ({ kind, schema }, name) => {
    const within = kind === 'schema' ? name : schema;
    const key = `${kind}\0${within}`;
    const want = known.get(key) ?? { privileges: expandAll(scope, privileges, kind, within), grant };
    known.set(key, want);
    return want;
  };
};

type Once = (key: string, finding: Parameters<Comparison['report']>[0]) => void;

const onceOnly = (compare: Comparison): Once => {
  const reported = new Set<string>();
  return (key, finding) => {
    if (!reported.has(key)) compare.report(finding);
    reported.add(key);
  };
};

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
const reportMixed = ({ grantee, selector, source }: DeclaredGrant, once: Once): void =>
  once(`mixed ${selector} ${grantee}`, {
    severity: 'error',
    code: 'grant/mixed-option',
    message: `'${grantee}' would hold privileges on '${selector}' with and without the grant option: the server keeps one option for all of them`,
    hint: "write the same 'grantable' for everything that the account gets there",
    source,
  });
