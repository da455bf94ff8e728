import { distinct } from '../model/key.ts';
import type { Plan, PlanTarget, Step } from '../model/plan.ts';
import { clientOf, dialectOf } from './dialect.ts';
import { sqlComment, visible } from './escape.ts';
import { type Line, subjectPhrase } from './lines/line.ts';
import { linesOf } from './outline.ts';
import { count, plain } from './phrase.ts';

/** The steps of a plan as a script for the client of each target: `psql -f steps.sql`, `mysql < steps.sql`, or pasted. Secrets are left to be filled in. */
export const planSql = (plan: Plan): string =>
  `${[
    comment(`${plan.command} of ${plan.stack}, digest ${plan.digest}`),
    comment(headline(plan)),
    ...plan.targets.filter((target) => target.steps.length > 0).flatMap((target) => ['', targetSql(target).trimEnd()]),
  ].join('\n')}\n`;

const headline = ({ targets }: Plan): string => {
  const busy = targets.filter((target) => target.steps.length > 0);
  const clients = distinct(busy.filter((target) => !isCalled(target)).map(clientOf));
  if (clients.length > 1)
    return `For ${clients.join(' and ')}: each target by itself. Stops at the first error. Without the checks that rolecall apply makes before and after.`;
  if (clients.length === 1)
    return `For ${clients[0]}. Stops at the first error. Without the checks that rolecall apply makes before and after.`;
  return busy.length > 0 ? 'Nothing to do for psql.' : 'Nothing to do.';
};

/** The script of one target; calls of AWS are no SQL, and stand in it as comments. */
export const targetSql = (target: PlanTarget): string => {
  if (isCalled(target)) return callLines(target, '--').join('\n');
  return serverSql(target);
};

/** What runs on one target, and in which language: SQL for psql, or commands of the AWS CLI for a shell. */
export const targetScript = (target: PlanTarget): { readonly language: 'sql' | 'sh'; readonly text: string } =>
  isCalled(target) ? { language: 'sh', text: callLines(target, '').join('\n') } : { language: 'sql', text: targetSql(target) };

/** Targets without a server: their steps are calls. */
const CALLED: ReadonlyMap<string, string> = new Map([
  ['iam', 'IAM'],
  ['cloudwatch', 'CloudWatch'],
]);

const isCalled = ({ engine }: PlanTarget): boolean => CALLED.has(engine);

/** Commands with what they do as `#` comments; `lead` turns the whole into comments of something else. */
const callLines = (target: PlanTarget, lead: string): string[] => {
  const { identity } = target;
  const lines = linesByChange(target);
  const notes = lead === '' ? '#' : '';
  const text = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(' ');
  return [
    text(lead, notes, `target ${visible(target.name)}: ${visible(identity.endpoint)}; run as ${visible(identity.login)}`),
    ...(lead === ''
      ? []
      : [
          text(
            lead,
            `${CALLED.get(target.engine)} is no server: these are commands of the AWS CLI, to be run when the statements above are.`,
          ),
        ]),
    ...target.steps.flatMap((step, number) => {
      const before = target.steps[number - 1];
      const said = new Set(before && aboutStep(before, lines));
      const about = aboutStep(step, lines).filter((line) => !said.has(line));
      return [...about.map((line) => text(lead, notes, sqlComment(lineText(line)))), text(lead, visible(step.sql))];
    }),
    '',
  ];
};

const serverSql = (target: PlanTarget): string => {
  const { identity } = target;
  const lines = linesByChange(target);
  const secrets = secretsOf(target);
  const dialect = dialectOf(target);
  return [
    comment(`target ${target.name}: ${[identity.endpoint, identity.version].filter(Boolean).join(', version ')}; run as ${identity.login}`),
    ...dialect.secretNotes(secrets).map(comment),
    ...dialect.head,
    ...target.transactions.flatMap((transaction, number) => {
      const steps = target.steps.filter((step) => step.transaction === number);
      const statements = steps.flatMap((step) => stepSql(step, lines, dialect.statement(step, secrets)));
      return [
        '',
        ...(transaction.awaits ?? []).map((other) =>
          comment(`only when target ${other} has opened the policies: until then nobody could log in`),
        ),
        ...dialect.connect(transaction.database),
        ...(transaction.autocommit ? statements : ['BEGIN;', ...statements, 'COMMIT;']),
      ];
    }),
    '',
  ].join('\n');
};

const comment = (text: string): string => `-- ${sqlComment(text)}`;

/** Lines of comment above a statement before the rest is counted. */
const COMMENTS = 6;

const stepSql = (step: Step, lines: Lines, sql: string): string[] => {
  const about = aboutStep(step, lines);
  const shown = about.slice(0, COMMENTS).map((line) => comment(lineText(line)));
  const rest = about.length > COMMENTS ? [comment(`and ${count(about.length - COMMENTS)} more changes`)] : [];
  return [...shown, ...rest, ...(step.as === undefined ? [] : [comment(`as ${step.as}`)]), sql.endsWith(';') ? sql : `${sql};`];
};

/** The lines that tell each change: a row that gains and loses has two, and so has an account that flips. */
type Lines = ReadonlyMap<number, readonly Line[]>;

const linesByChange = ({ changes }: PlanTarget): Lines => {
  const found = new Map<number, Line[]>();
  for (const line of linesOf(changes)) for (const index of line.changes) found.set(index, [...(found.get(index) ?? []), line]);
  return found;
};

const aboutStep = ({ changes, phase }: Step, lines: Lines): Line[] => [
  ...new Set(changes.flatMap((index) => fitting(lines.get(index) ?? [], phase))),
];

const TAKING: ReadonlySet<Step['phase']> = new Set(['close', 'revoke', 'release', 'drop']);

/** Of several lines about one change those that this statement is for. */
const fitting = (lines: readonly Line[], phase: Step['phase']): readonly Line[] => {
  if (lines.length < 2) return lines;
  const sided = lines.filter(({ symbol }) => (symbol === '-') === TAKING.has(phase));
  const narrowed = sided.length < 2 ? sided : sided.filter(({ symbol }) => (symbol === '!') === (phase === 'open'));
  return narrowed.length > 0 ? narrowed : lines;
};

/** A line of the plan on one line: `+ member jane joins orders_reader`. */
export const lineText = (line: Line): string =>
  [line.symbol, line.noun, plain(subjectPhrase(line)), plain(line.text), ...(line.reason === null ? [] : [`(${line.reason})`])].join(' ');

/** The steps that need a secret, in order: their variables are numbered from 1. */
const secretsOf = (target: PlanTarget): Step[] => target.steps.filter((step) => step.secret !== undefined);
