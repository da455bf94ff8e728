import type { Declared } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
import { byCodeUnit } from '../../model/key.ts';
import { type Fault, type ForeignPolicy, faultsOf, foreignPolicies, type Wildcards } from './foreign.ts';
import { named } from './named.ts';
import { reachFindings } from './reach.ts';
import type { Snapshot } from './snapshot.ts';
import { trustDocument, trustFaults } from './trust.ts';

/**
 * What is worth knowing about the account that no change of ours is about: policies of others that do not what they seem to,
 * who can log in without being declared, who cannot, and whom a role lets in. A few findings however large the account is.
 */
export const lintAccount = (snapshot: Snapshot, declared: Declared): readonly Finding[] => {
  const { iam } = declared;
  if (!iam) return [];
  return [...foreignFindings(snapshot, declared), ...reachFindings(snapshot, declared), ...trustFindings(snapshot, declared)];
};

/** So many findings of one code are told one by one. */
const EACH = 10;

type Told = { readonly fault: Fault; readonly policies: ForeignPolicy[] };

/** The same fault in many policies is one finding. */
const foreignFindings = (snapshot: Snapshot, declared: Declared): readonly Finding[] => {
  const known = { ...declared.iam!, partition: snapshot.partition, account: snapshot.account };
  const wildcards = severityOfWildcards(declared);
  const told = new Map<string, Told>();
  for (const policy of foreignPolicies(snapshot, declared)) {
    for (const fault of faultsOf(policy, known, wildcards)) {
      const key = `${fault.code}\0${fault.says}`;
      const there = told.get(key);
      if (!there) told.set(key, { fault, policies: [policy] });
      else if (there.policies.at(-1) !== policy) there.policies.push(policy);
    }
  }
  const sorted = [...told].sort(([a], [b]) => byCodeUnit(a, b)).map(([, one]) => one);
  const codes = [...new Set(sorted.map(({ fault }) => fault.code))];
  return codes.flatMap((code) =>
    foreignOf(
      sorted.filter(({ fault }) => fault.code === code),
      declared,
    ),
  );
};

const severityOfWildcards = ({ guards }: Declared): Wildcards | null => {
  const severity = guards.rules['no-wildcard-connect'];
  if (severity === 'off') return null;
  return severity ? { severity, code: 'rule/no-wildcard-connect' } : { severity: 'warning', code: 'iam/wildcard-connect' };
};

const foreignOf = (told: readonly Told[], { target }: Declared): readonly Finding[] => {
  const each = told.slice(0, EACH).map(
    ({ fault: { severity, code, says, hint }, policies }): Finding => ({
      severity,
      code,
      message: `${policiesText(policies)} ${says}`,
      ...(hint ? { hint } : {}),
      source: target.source,
    }),
  );
  const rest = told.slice(EACH);
  if (rest.length === 0) return each;
  const { severity, code } = rest[0]!.fault;
  const where = new Set(rest.flatMap(({ policies }) => policies.map(({ label }) => label)));
  return [
    ...each,
    {
      severity,
      code,
      message: `${rest.length} more ${rest.length === 1 ? 'line' : 'lines'} like that in ${where.size === 1 ? [...where][0] : `${where.size} policies`}`,
      source: target.source,
    },
  ];
};

/** `policy 'x' of 'role/a', 'role/b' and 7 more`. */
const policiesText = (policies: readonly ForeignPolicy[]): string => {
  const labels = [...new Set(policies.map(({ label }) => label))];
  const which = labels.length > 3 ? `${labels.slice(0, 2).join(', ')} and ${labels.length - 2} more` : labels.join(', ');
  return `${which} of ${named(policies.flatMap(({ holders }) => holders))}`;
};

/** Roles that we make, and roles that may log in: whom they let in is who gets to the database. */
const trustFindings = (snapshot: Snapshot, declared: Declared): readonly Finding[] => {
  const iam = declared.iam!;
  const made = iam.roles.map(({ name, trust, source }) => ({
    name,
    faults: [
      ...trustFaults(trustDocument(trust, snapshot.account, snapshot.partition)),
      ...gone(snapshot.identities.get(`role/${name}`)?.trust),
    ],
    source,
  }));
  const names = new Set(made.map(({ name }) => name));
  const used = iam.connects
    .filter(({ principal }) => principal.kind === 'role' && !names.has(principal.name))
    .map(({ principal: { name }, source }) => ({
      name,
      faults: trustFaults(snapshot.identities.get(`role/${name}`)?.trust ?? NOBODY),
      source,
    }));
  const distinctly = new Map([...used.reverse(), ...made].map((one) => [one.name, one]));
  return [...distinctly.values()]
    .sort((a, b) => byCodeUnit(a.name, b.name))
    .flatMap(({ name, faults, source }) =>
      [...new Set(faults)].map(
        (fault): Finding => ({ severity: 'warning', code: 'iam/trust', message: `the trust policy of role '${name}': ${fault}`, source }),
      ),
    );
};

const NOBODY = { Statement: [] };

/** Only what the account shows and a manifest cannot: an identity that was deleted. */
const gone = (trust: unknown): readonly string[] => trustFaults(trust ?? NOBODY).filter((fault) => fault.startsWith("it names 'A"));
