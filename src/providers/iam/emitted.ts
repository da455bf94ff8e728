import { canonicalJson } from '../../core/canonical.ts';
import type { Declared } from '../../model/declared.ts';
import type { DeclaredIam, IamRole, Policy } from '../../model/iam.ts';
import type { Partition } from '../../model/place.ts';
import { connectDocument } from './document.ts';
import { connectsByPrincipal, namingOf } from './logins.ts';
import { packEntries } from './pack.ts';
import { trustDocument } from './trust.ts';

/** The account that everything is for. */
export type AccountPlace = { readonly account: string; readonly partition: Partition };

/** What a manifest asks for in IAM, whatever is there: for those who do it elsewhere. */
export type Emitted = { readonly policies: readonly Policy[]; readonly roles: readonly IamRole[] };

/** Characters that IAM lets a managed policy have, unless the account's own quota is read. */
const POLICY_SIZE = 6144;

/** Policies in the order of their principals, roles in that of the manifest. */
export const emittedOf = ({ stack }: Declared, iam: DeclaredIam, { account, partition }: AccountPlace): Emitted => {
  const naming = namingOf(iam);
  const packing = { stack, path: iam.path, policySize: POLICY_SIZE, existing: new Set<string>() };
  return {
    policies: [...connectsByPrincipal(iam)].flatMap(([principal, connects]) =>
      packEntries(principal, connects.flatMap(({ arns }) => arns).map(naming.entry), packing),
    ),
    roles: iam.roles.map(({ trust, source: _, ...role }) => ({ ...role, trust: canonicalJson(trustDocument(trust, account, partition)) })),
  };
};

/** The same as a value to be printed. */
export const emittedValue = ({ policies, roles }: Emitted): object => ({
  policies: policies.map(({ name, path, principal, entries }) => ({ name, path, principal, document: connectDocument(entries) })),
  roles: roles.map(({ trust, ...role }) => ({ ...role, trust: JSON.parse(trust) })),
});
