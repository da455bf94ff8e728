import { connectsOf } from '../core/connects.ts';
import type { DeclaredAccount } from '../manifest/declare-iam.ts';
import type { Declared, Target } from '../model/declared.ts';
import { type Finding, isError } from '../model/finding.ts';
import { distinct, nameKey } from '../model/key.ts';
import type { Place } from '../model/place.ts';

/** The account with where its targets are, or why it cannot be planned. */
export type AccountAt = { readonly declared?: Declared; readonly findings: readonly Finding[] };

/** Targets that cannot be planned, each with the reason; null: it is told elsewhere. */
export type Lost = ReadonlyMap<string, Finding | null>;

/** Policies name every target: where one of them is not known, none of the account is planned, and nothing is removed because of it. */
export const accountAt = (account: DeclaredAccount, targets: ReadonlyMap<string, Target>, lost: Lost): AccountAt => {
  const missing = distinct(account.iam.connects.flatMap(({ target }) => (lost.has(target) ? [target] : [])));
  if (missing.length > 0) return { findings: [unplanned(account, missing, missing.flatMap((name) => lost.get(name) ?? [])[0])] };
  const places = new Map([...targets].flatMap(([name, { place }]): [string, Place][] => (place ? [[name, place]] : [])));
  const { connects, findings } = connectsOf(account.iam.connects, places);
  if (findings.some(isError)) return { findings: findings.map((finding) => ({ ...finding, target: account.target.name })) };
  const iam = { ...account.iam, connects, places, logins: null, flips: new Set<string>() };
  return { declared: { ...account, iam, findings: [...account.findings, ...findings] }, findings: [] };
};

const unplanned = ({ target }: DeclaredAccount, missing: readonly string[], reason?: Finding): Finding => ({
  severity: 'error',
  code: 'iam/no-place',
  message: `the account is not planned, and nothing is taken from anybody: its policies name ${missing.map(nameKey).join(', ')}, which could not be found${reason ? `: ${reason.message}` : ''}`,
  hint: reason?.hint ?? 'mend that first',
  target: target.name,
  source: target.source,
});
