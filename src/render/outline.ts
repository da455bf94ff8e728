import { type Finding, isError } from '../model/finding.ts';
import { byCodeUnit, distinct } from '../model/key.ts';
import type { Counts, Match, Plan, PlanTarget, Step, Transaction } from '../model/plan.ts';
import { type AccessLine, accessLines } from './access.ts';
import { roleName, visible } from './escape.ts';
import { sortFindings } from './findings-list.ts';
import { gather } from './fold.ts';
import { alarmLines } from './lines/alarms.ts';
import { grantLines } from './lines/grant.ts';
import { iamLines } from './lines/iam.ts';
import { byWeight, type Fold, type Line, takesAway } from './lines/line.ts';
import { membershipLines } from './lines/membership.ts';
import { defaultLines, ownershipLines, passwordLines, settingLines } from './lines/other.ts';
import { roleLines, toldByRole } from './lines/role.ts';
import { objectCount } from './objects.ts';
import { count, join, listedOf, literal, type Phrase, plain, plural, say } from './phrase.ts';

/** A plan as it is read: the one grouped, ordered tree behind every view for people. */
export type Outline = {
  readonly command: Plan['command'];
  readonly stack: string;
  readonly asOf: string;
  readonly digest: string;
  readonly counts: Counts;
  readonly verdict: Verdict;
  readonly targets: readonly TargetOutline[];
};

/** `failed`: an error stands in the way. `removes`: somebody or something has less afterwards. */
export type Verdict = 'failed' | 'removes' | 'changes' | 'unchanged';

export type TargetOutline = {
  readonly name: string;
  readonly engine: string;
  /** `PostgreSQL 16.4`. */
  readonly server: string;
  readonly endpoint: string;
  readonly login: string;
  readonly counts: Counts;
  readonly verdict: Verdict;
  /** Logins that change how they prove who they are: shown with the access that is gained and lost. */
  readonly flips: readonly Line[];
  readonly access: readonly AccessLine[];
  /** Those of `lines` that take something away. */
  readonly removals: readonly Line[];
  readonly lines: readonly Line[];
  /** Those of `lines` that are drift: the base wants them too. */
  readonly drift: readonly Line[];
  readonly blocked: readonly Line[];
  readonly findings: readonly Finding[];
  readonly matches: readonly MatchLine[];
  readonly notes: readonly Phrase[];
  readonly read: PlanTarget['read'];
  readonly transactions: readonly TransactionOutline[];
  readonly statements: number;
};

/** One selector of the manifest and what it matched. */
export type MatchLine = { readonly selector: string; readonly text: Phrase; readonly source: Match['source'] };

export type TransactionOutline = Omit<Transaction, 'waitsFor'> & {
  readonly number: number;
  readonly waitsFor: readonly number[];
  readonly steps: readonly Step[];
};

/** Changes that are drift, by the names of targets and their indexes there (core/drift.ts). */
export type Drift = ReadonlyMap<string, ReadonlySet<number>>;

/** Plan → Outline. `coarse` folds additions over schemas and databases. */
export const outline = (plan: Plan, fold: Fold = 'fine', drift: Drift = new Map()): Outline => {
  const targets = plan.targets.map((target) => targetOutline(target, fold, drift.get(target.name) ?? new Set()));
  const verdict = VERDICTS.find((one) => targets.some((target) => target.verdict === one)) ?? 'unchanged';
  // Where nothing changes nobody is told what selectors matched; it may be a hundred thousand of them.
  const told = (index: number): readonly Match[] => (verdict === 'unchanged' ? [] : plan.targets[index]!.matches);
  return {
    command: plan.command,
    stack: plan.stack,
    asOf: plan.asOf,
    digest: plan.digest,
    counts: totalCounts(plan.targets),
    verdict,
    targets: targets.map((target, index) => ({ ...target, matches: matchLines(told(index)) })),
  };
};

const VERDICTS: readonly Verdict[] = ['failed', 'removes', 'changes', 'unchanged'];

/** Lines of one target's changes, gravest first; blocked ones included. */
export const linesOf = (changes: PlanTarget['changes'], fold: Fold = 'fine'): Line[] =>
  [
    ...roleLines(changes, fold),
    ...membershipLines(changes, toldByRole(changes)),
    ...passwordLines(changes),
    ...settingLines(changes),
    ...ownershipLines(changes),
    ...grantLines(changes, fold),
    ...defaultLines(changes),
    ...iamLines(changes),
    ...alarmLines(changes),
  ].sort(byWeight);

/** Lines that tell drift and lines that tell the rest: none of them tells both. */
const linesApart = (changes: PlanTarget['changes'], fold: Fold, drifted: ReadonlySet<number>): Line[] => {
  if (drifted.size === 0) return linesOf(changes, fold);
  const among = (indexes: readonly number[]): Line[] =>
    linesOf(
      indexes.map((index) => changes[index]!),
      fold,
    ).map((line) => ({ ...line, changes: line.changes.map((index) => indexes[index]!) }));
  const indexes = [...changes.keys()];
  return [...among(indexes.filter((index) => !drifted.has(index))), ...among(indexes.filter((index) => drifted.has(index)))].sort(byWeight);
};

/** Sums over targets. */
export const totalCounts = (targets: readonly { readonly counts: Counts }[]): Counts =>
  targets.reduce(
    (sum, { counts }) => ({
      add: sum.add + counts.add,
      change: sum.change + counts.change,
      remove: sum.remove + counts.remove,
      blocked: sum.blocked + counts.blocked,
    }),
    { add: 0, change: 0, remove: 0, blocked: 0 },
  );

/** `No changes. 3 targets match the manifest.` */
export const unchangedText = (view: Outline): string => {
  const targets = plural(view.targets.length, 'target');
  if (view.command === 'destroy') {
    const marked = view.targets.filter(({ engine }) => engine !== 'mariadb').length;
    if (marked === 0 && view.targets.length > 0) return 'Nothing to destroy: MariaDB keeps no marks, and nothing is known to be ours.';
    return `Nothing to destroy: nothing on ${plural(marked, 'target')} carries the mark of ${visible(view.stack)}.`;
  }
  if (view.command === 'drift') return `No drift. ${targets} ${view.targets.length === 1 ? 'matches' : 'match'} the manifest.`;
  if (view.targets.length === 0) return 'No changes. No target was to be planned.';
  return `No changes. ${targets} ${view.targets.length === 1 ? 'matches' : 'match'} the manifest.`;
};

/** `10 changes on 8 lines`: one line may tell several changes; '' where each has its own. */
export const foldedText = ({ counts: { add, change, remove }, lines }: Pick<TargetOutline, 'counts' | 'lines'>): string => {
  const changes = add + change + remove;
  return changes === lines.length ? '' : `${plural(changes, 'change')} on ${plural(lines.length, 'line')}`;
};

/** `10 to add, 3 to change, 4 to remove`. */
export const countsSentence = ({ add, change, remove, blocked }: Counts): string =>
  [
    `${count(add)} to add, ${count(change)} to change, ${count(remove)} to remove`,
    ...(blocked > 0 ? [`${count(blocked)} blocked`] : []),
  ].join(', ');

/** What goes where something is taken away: access, or what watches for those who have none. */
export const whatGoes = (targets: readonly { readonly engine: string }[]): 'access' | 'alarms' | 'access and alarms' => {
  const watches = targets.filter(({ engine }) => engine === 'cloudwatch').length;
  return watches === 0 ? 'access' : watches === targets.length ? 'alarms' : 'access and alarms';
};

/** Enough of the digest to compare by eye. */
export const shortDigest = (digest: string): string => visible(digest.length > 19 ? `${digest.slice(0, 15)}…` : digest);

const targetOutline = (target: PlanTarget, fold: Fold, drifted: ReadonlySet<number>): Omit<TargetOutline, 'matches'> => {
  const all = linesApart(target.changes, fold, drifted);
  const lines = all.filter((line) => line.blocked === null);
  const blocked = all.filter((line) => line.blocked !== null);
  const removals = lines.filter(takesAway);
  const losses = target.access.some((delta) => delta.loses.length > 0);
  return {
    name: target.name,
    engine: target.engine,
    server: [ENGINES[target.engine] ?? target.engine, target.identity.version].filter((word) => word !== '').join(' '),
    endpoint: target.identity.endpoint,
    login: target.identity.login,
    counts: target.counts,
    verdict: verdictOf(target, lines.length + blocked.length, removals.length > 0 || losses),
    flips: lines.filter((line) => line.risk === 'authentication' && line.symbol === '!'),
    access: accessLines(target.access, target.engine),
    removals,
    lines,
    drift: lines.filter((line) => line.changes.every((index) => drifted.has(index))),
    blocked,
    findings: sortFindings(target.findings),
    notes: notesOf(target),
    read: target.read,
    transactions: target.transactions.map((transaction, number) => ({
      ...transaction,
      number,
      steps: target.steps.filter((step) => step.transaction === number),
    })),
    statements: target.steps.length,
  };
};

const ENGINES: Readonly<Record<string, string>> = {
  postgres: 'PostgreSQL',
  mysql: 'MySQL',
  mariadb: 'MariaDB',
  iam: 'IAM',
  cloudwatch: 'CloudWatch',
};

const verdictOf = (target: PlanTarget, lines: number, removes: boolean): Verdict => {
  if (target.findings.some(isError)) return 'failed';
  if (removes) return 'removes';
  return lines > 0 || target.changes.length > 0 ? 'changes' : 'unchanged';
};

/** One line for each selector: `14 tables, 3 sequences`. What several places say alike is said once. */
const matchLines = (matches: readonly Match[]): MatchLine[] =>
  gather(matchesBySource(matches), (line) => [line.selector, plain(line.text)]).map(([first]) => first);

const matchesBySource = (matches: readonly Match[]): MatchLine[] =>
  gather(matches, (match) => [match.selector, match.source?.file, match.source?.line, match.source?.column])
    .map((group) => ({
      selector: group[0].selector,
      text: [
        gather(group, (match) => [match.kind])
          .map((same) =>
            objectCount(
              same[0].kind,
              same.reduce((sum, match) => sum + match.count, 0),
            ),
          )
          .join(', '),
      ],
      source: group[0].source,
    }))
    .sort(
      (a, b) =>
        byCodeUnit(a.source?.file ?? '', b.source?.file ?? '') ||
        (a.source?.line ?? 0) - (b.source?.line ?? 0) ||
        (a.source?.column ?? 0) - (b.source?.column ?? 0) ||
        byCodeUnit(a.selector, b.selector),
    );

const notesOf = (target: PlanTarget): Phrase[] => [
  ...unmanagedNote(target),
  ...(target.nextExpiry === null ? [] : [say`the next until passes at ${literal(target.nextExpiry)}`]),
];

const unmanagedNote = ({ unmanaged }: PlanTarget): Phrase[] => {
  const named = (roles: readonly string[], noun: string): Phrase[] =>
    roles.length === 0
      ? []
      : [say`${[plural(roles.length, noun)]} (${listedOf(distinct(roles), 5, (name) => [{ name: roleName(name) }])})`];
  const parts = [...named(unmanaged.users, 'user'), ...named(unmanaged.groups, 'group')];
  return parts.length === 0 ? [] : [say`not managed, left alone: ${join(parts, ', ')}`];
};
