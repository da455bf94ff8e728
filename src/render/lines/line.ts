import type { Cause, Change, Risk } from '../../model/change.ts';
import type { Position } from '../../model/finding.ts';
import { byCodeUnit } from '../../model/key.ts';
import type { Kind } from '../../model/state.ts';
import { roleName } from '../escape.ts';
import { gravest, type Indexed } from '../fold.ts';
import { listed, type Phrase, plain } from '../phrase.ts';

/** `-` takes access away, `!` flips or escalates, `~` changes, `+` adds. */
export type Sign = '-' | '!' | '~' | '+';

/** One line of a plan as a reviewer reads it: `- member  jane  leaves orders_reader`. It stands for one or many changes. */
export type Line = {
  readonly symbol: Sign;
  /** What is spoken of: user, group, role, member, grant, … */
  readonly noun: string;
  /** The roles that it is about, made visible. */
  readonly subjects: readonly string[];
  readonly text: Phrase;
  /** Further lines under the first. */
  readonly details: readonly Phrase[];
  /** Why it is there, where that is not simply the manifest. */
  readonly reason: string | null;
  readonly source: Position | null;
  readonly risk: Risk;
  readonly cause: Cause;
  /** The sentence that names what stands in the way. */
  readonly blocked: string | null;
  /** Indexes into the target's changes. */
  readonly changes: readonly number[];
};

/** How far lines are folded: `coarse` also over places and sources, for what only adds. */
export type Fold = 'fine' | 'coarse';

/** From how many roles on the same sentence is said once with their number: below, each has its own line beside the rest about it. */
export const MANY = 4;

/** Adds what every line takes from its changes. The first change gives source and cause, the gravest the risk. */
export const lineOf = (
  from: readonly [Indexed<Kind>, ...Indexed<Kind>[]],
  parts: Pick<Line, 'symbol' | 'noun' | 'subjects' | 'text'> & Partial<Pick<Line, 'details'>>,
): Line => {
  const [{ change }] = from;
  return {
    details: [],
    ...parts,
    reason: REASONS[change.cause],
    source: change.source ?? null,
    risk: gravest(from.map((item) => item.change.risk)),
    cause: change.cause,
    blocked: change.blocked ?? null,
    changes: [...new Set(from.map((item) => item.index))].sort((a, b) => a - b),
  };
};

const REASONS: Readonly<Record<Cause, string | null>> = {
  declared: null,
  absent: 'left the manifest',
  removed: 'named under removed',
  expired: 'its until has passed',
  destroyed: null,
};

/** What two changes must share to stand on one line, beside what they say. */
export const circumstances = (change: Change): readonly unknown[] => [change.cause, change.blocked ?? null];

/** Where it is written, as a part of a folding key. */
export const sourceKey = (change: Change): readonly unknown[] =>
  change.source ? [change.source.file, change.source.line, change.source.column] : [];

/** true: somebody or something has less afterwards. Such lines are never cut away. */
export const takesAway = (line: Line): boolean => line.symbol === '-' || line.risk === 'destructive' || line.risk === 'removes';

/** Several subjects in one phrase; a loss names everybody. */
export const subjectPhrase = (line: Pick<Line, 'subjects'> & Partial<Line>): Phrase =>
  listed(
    line.subjects.map((subject) => [{ name: subject }]),
    line.symbol === '-' ? Number.POSITIVE_INFINITY : 3,
  );

/** One subject as a line holds it. */
export const subject = (name: string): readonly string[] => [roleName(name)];

const SYMBOLS: readonly Sign[] = ['-', '!', '~', '+'];
const NOUNS = [
  'user',
  'group',
  'role',
  'sessions',
  'password',
  'member',
  'setting',
  'owner',
  'grant',
  'default',
  'iam role',
  'policy',
  'topic',
  'subscription',
  'log filter',
  'alarm',
];

/** What takes away first, then what flips, changes, adds; within that everything about one role together. */
export const byWeight = (a: Line, b: Line): number =>
  SYMBOLS.indexOf(a.symbol) - SYMBOLS.indexOf(b.symbol) ||
  byCodeUnit(a.subjects[0] ?? '', b.subjects[0] ?? '') ||
  NOUNS.indexOf(a.noun) - NOUNS.indexOf(b.noun) ||
  byCodeUnit(plain(a.text), plain(b.text)) ||
  (a.changes[0] ?? 0) - (b.changes[0] ?? 0);
