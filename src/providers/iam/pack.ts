import { createHash } from 'node:crypto';
import type { Policy, PolicyEntry } from '../../model/iam.ts';
import { byCodeUnit } from '../../model/key.ts';
import { connectDocument, documentSize } from './document.ts';

/** What decides about the policies of one principal. `existing`: names of the policies that we have in the account now. */
export type Packing = {
  readonly stack: string;
  readonly path: string;
  /** Characters that a policy may have, whitespace not counted. */
  readonly policySize: number;
  readonly existing: ReadonlySet<string>;
};

/**
 * The policies of ours for one principal (`role/NAME`), sorted by name: one as long as everything fits.
 *
 * Entries are the leaves of a binary tree over the bits of a hash of their login; a node that is too large for a policy is split.
 * So an entry moves only when its own policy is split, half of which stays where it is, under the same name. What was split
 * stays so until half a policy would hold it: around the limit nothing goes back and forth.
 */
export const packEntries = (principal: string, entries: readonly PolicyEntry[], packing: Packing): readonly Policy[] => {
  const base = policyName(principal, packing.stack);
  const labels = [...packing.existing].flatMap((name) => labelIn(name, base));
  return split(distinctEntries(entries).map(withBits), '', { ...packing, labels })
    .map(({ bits, leaf }) => ({ name: labelled(base, bits), path: packing.path, principal, entries: leaf, foreign: null }))
    .sort((a, b) => byCodeUnit(a.name, b.name));
};

/**
 * The name of the first policy of a principal: names are unique in an account whatever their path and case, so that stack and
 * principal are in it as a hash. Readable before that.
 */
export const policyName = (principal: string, stack: string): string => {
  const readable = principal.replace(/[^\w+=,.@-]/g, '-').slice(0, READABLE);
  return `rolecall-${readable}-${sha256(`${stack}\0${principal}`).slice(0, 8)}`;
};

/** Longest part of a name that is for people: with the rest it stays below the 128 characters of IAM. */
const READABLE = 72;
/** More halvings than any list of users takes; their label has as many letters. */
const DEEPEST = 32;

type Hashed = PolicyEntry & { readonly bits: string };
type Leaf = { readonly bits: string; readonly leaf: readonly PolicyEntry[] };

const split = (entries: readonly Hashed[], bits: string, packing: Packing & { readonly labels: readonly string[] }): readonly Leaf[] => {
  if (entries.length === 0) return [];
  const size = documentSize(connectDocument(entries));
  const apart = packing.labels.some((label) => label.length > bits.length && label.startsWith(bits));
  const whole = entries.length === 1 || bits.length === DEEPEST || size <= (apart ? packing.policySize / 2 : packing.policySize);
  if (whole) return [{ bits, leaf: entries.map(({ arn, login }) => ({ arn, login })) }];
  return ['0', '1'].flatMap((bit) =>
    split(
      entries.filter((entry) => entry.bits.startsWith(bits + bit)),
      bits + bit,
      packing,
    ),
  );
};

/** The half that keeps the name when a policy is split is the one of zeros: they are not written. */
const labelled = (base: string, bits: string): string => {
  const label = bits.replace(/0+$/, '');
  return label === '' ? base : `${base}-${label}`;
};

const labelIn = (name: string, base: string): readonly string[] => {
  const found = name.startsWith(`${base}-`) ? name.slice(base.length + 1) : '';
  return /^[01]*1$/.test(found) ? [found] : [];
};

/** By login, so that all ARNs of one user of a target stand in one policy, and a restored cluster moves nobody. */
const withBits = (entry: PolicyEntry): Hashed => ({ ...entry, bits: bitsOf(sha256(entry.login ?? entry.arn)) });

const bitsOf = (hex: string): string =>
  Number.parseInt(hex.slice(0, DEEPEST / 4), 16)
    .toString(2)
    .padStart(DEEPEST, '0');

/** Sorted by ARN; an ARN that two targets name is one line, of the login that comes first. */
const distinctEntries = (entries: readonly PolicyEntry[]): readonly PolicyEntry[] => {
  const sorted = [...entries].sort((a, b) => byCodeUnit(a.arn, b.arn) || byLogin(a.login, b.login));
  return sorted.filter(({ arn }, index) => arn !== sorted[index - 1]?.arn);
};

const byLogin = (a: string | null, b: string | null): number => Number(a === null) - Number(b === null) || byCodeUnit(a ?? '', b ?? '');

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
