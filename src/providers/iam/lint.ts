import { groupBy } from '../../core/group.ts';
import type { Declared } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
import { byCodeUnit } from '../../model/key.ts';
import { named } from '../named.ts';
import { type Fault, type ForeignPolicy, faultsOf, foreignPolicies, type Wildcards } from './foreign.ts';
import { obstacleFindings } from './obstacles.ts';
import { reservedFindings } from './principals.ts';
import { reachFindings } from './reach.ts';
import type { RawDocument, Snapshot } from './snapshot.ts';
import { goneIdentities, trustDocument, trustFaults } from './trust.ts';

/**
 * What is worth knowing about the account that no change of ours is about: policies of others that do not what they seem to,
 * who can log in without being declared, who cannot, and whom a role lets in. A few findings however large the account is.
 */
export const lintAccount = (snapshot: Snapshot, declared: Declared): readonly Finding[] => {
  const { iam } = declared;
  if (!iam) return [];
  return [
    ...foreignFindings(snapshot, declared),
    ...(iam.mode === 'manage' ? [...reservedFindings(snapshot, declared), ...obstacleFindings(snapshot, declared)] : []),
    ...reachFindings(snapshot, declared),
    ...trustFindings(snapshot, declared),
  ];
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

/** `policy 'x' of 'role/a', 'role/b' and 7 more`; several policies are each of them, so that one verb does for all. */
const policiesText = (policies: readonly ForeignPolicy[]): string => {
  const labels = [...new Set(policies.map(({ label }) => label))];
  const which = labels.length > 3 ? `${labels.slice(0, 2).join(', ')} and ${labels.length - 2} more` : labels.join(', ');
  return `${labels.length > 1 ? 'each of ' : ''}${which} of ${named(policies.flatMap(({ holders }) => holders))}`;
};

/** Roles that we make, and roles that may log in: whom they let in is who gets to the database. One finding for each fault. */
const trustFindings = (snapshot: Snapshot, { iam }: Declared): readonly Finding[] => {
  const { roles, connects } = iam!;
  const trustOf = (name: string): RawDocument => snapshot.identities.get(`role/${name}`)?.trust ?? NOBODY;
  const made = roles.map(({ name, trust, source }) => {
    const written = trustFaults(trustDocument(trust, snapshot.account, snapshot.partition));
    return { name, faults: [...written, ...goneIdentities(trustOf(name))], source };
  });
  const names = new Set(made.map(({ name }) => name));
  const used = connects
    .filter(({ principal: { kind, name } }) => kind === 'role' && !names.has(name))
    .map(({ principal: { name }, source }) => ({ name, faults: trustFaults(trustOf(name)), source }));
  const faults = [...made, ...used].flatMap((role) => role.faults.map((fault) => ({ ...role, fault })));
  return [...groupBy(faults, ({ fault }) => fault)]
    .sort(([a], [b]) => byCodeUnit(a, b))
    .map(([fault, alike]) => ({
      severity: 'warning',
      code: 'iam/trust',
      message: `the trust policy of ${named(alike.map(({ name }) => `role/${name}`))}: ${fault}`,
      source: alike[0]!.source,
    }));
};

const NOBODY = { Statement: [] };
