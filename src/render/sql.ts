import type { Plan, PlanTarget, Step } from '../model/plan.ts';
import { sqlComment, visible, visibleSql } from './escape.ts';
import { type Line, subjectPhrase } from './lines/line.ts';
import { linesOf } from './outline.ts';
import { count, plain } from './phrase.ts';

/**
 * The steps of a plan as a script for psql: `psql -f steps.sql`, or pasted.
 * A secret is a psql variable (`psql --set=secret_1=…`), listed on top of its target; an unset one is a syntax error,
 * and the script stops there. A SCRAM verifier in its place keeps the password out of the server's log.
 */
export const planSql = (plan: Plan): string =>
  `${[
    comment(`${plan.command} of ${plan.stack}, digest ${plan.digest}`),
    ...(plan.targets.some((target) => target.steps.length > 0 && !isAccount(target))
      ? [comment('For psql. Stops at the first error. Without the checks that rolecall apply makes before and after.')]
      : [comment(plan.targets.some((target) => target.steps.length > 0) ? 'Nothing to do for psql.' : 'Nothing to do.')]),
    ...plan.targets.filter((target) => target.steps.length > 0).flatMap((target) => ['', targetSql(target).trimEnd()]),
  ].join('\n')}\n`;

/** The script of one target; calls of IAM are no SQL, and stand in it as comments. */
export const targetSql = (target: PlanTarget): string => {
  if (isAccount(target)) return callLines(target, '--').join('\n');
  return serverSql(target);
};

/** What runs on one target, and in which language: SQL for psql, or commands of the AWS CLI for a shell. */
export const targetScript = (target: PlanTarget): { readonly language: 'sql' | 'sh'; readonly text: string } =>
  isAccount(target) ? { language: 'sh', text: callLines(target, '').join('\n') } : { language: 'sql', text: targetSql(target) };

const isAccount = ({ engine }: PlanTarget): boolean => engine === 'iam';

/** Commands with what they do as `#` comments; `lead` turns the whole into comments of something else. */
const callLines = (target: PlanTarget, lead: string): string[] => {
  const { identity } = target;
  const lines = new Map(linesOf(target.changes).flatMap((line) => line.changes.map((index) => [index, line])));
  const notes = lead === '' ? '#' : '';
  const text = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(' ');
  return [
    text(lead, notes, `target ${visible(target.name)}: ${visible(identity.endpoint)}; run as ${visible(identity.login)}`),
    ...(lead === '' ? [] : [text(lead, 'IAM is no server: these are commands of the AWS CLI, to be run when the statements above are.')]),
    ...target.steps.flatMap((step, number) => {
      const said = new Set(target.steps[number - 1]?.changes.map((index) => lines.get(index)));
      const about = [...new Set(step.changes.flatMap((index) => lines.get(index) ?? []))].filter((line) => !said.has(line));
      return [...about.map((line) => text(lead, notes, sqlComment(lineText(line)))), text(lead, visible(step.sql))];
    }),
    '',
  ];
};

const serverSql = (target: PlanTarget): string => {
  const { identity } = target;
  const lines = new Map(linesOf(target.changes).flatMap((line) => line.changes.map((index) => [index, line])));
  const secrets = secretsOf(target);
  return [
    comment(`target ${target.name}: ${[identity.endpoint, identity.version].filter(Boolean).join(', version ')}; run as ${identity.login}`),
    ...secrets.map((step, index) =>
      comment(`secret_${index + 1}: the password at ${step.secret}, as a SCRAM verifier if it is not to be logged`),
    ),
    '\\set ON_ERROR_STOP on',
    ...target.transactions.flatMap((transaction, number) => {
      const steps = target.steps.filter((step) => step.transaction === number);
      const statements = steps.flatMap((step) => stepSql(step, lines, secrets));
      return ['', connect(transaction.database), ...(transaction.autocommit ? statements : ['BEGIN;', ...statements, 'COMMIT;'])];
    }),
    '',
  ].join('\n');
};

const comment = (text: string): string => `-- ${sqlComment(text)}`;

/**
 * psql reads a database name with `=` or a URI as a connection string, so what is not plain goes as one. Inside single quotes
 * it knows C's escapes, and what comes out it unquotes once more as an identifier: hence the `"` around (psql manual,
 * "Meta-Commands"; tried with psql on such names).
 */
const connect = (database: string): string => {
  if (/^[A-Za-z0-9_][A-Za-z0-9_ .@$-]*$/.test(database)) return `\\connect "${database}"`;
  const value = `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const identifier = `"${value.replaceAll('"', '""')}"`;
  return `\\connect -reuse-previous=on '${bytesEscaped(identifier.replaceAll('\\', '\\\\').replaceAll("'", "''"))}'`;
};

/** Invisible characters as the octal escapes of their UTF-8 bytes. */
const bytesEscaped = (text: string): string =>
  [...text]
    .map((character) =>
      visible(character) === character
        ? character
        : [...new TextEncoder().encode(character)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
    )
    .join('');

/** Lines of comment above a statement before the rest is counted. */
const COMMENTS = 6;

const stepSql = (step: Step, lines: ReadonlyMap<number, Line>, secrets: readonly Step[]): string[] => {
  const about = [...new Set(step.changes.flatMap((index) => lines.get(index) ?? []))];
  const shown = about.slice(0, COMMENTS).map((line) => comment(lineText(line)));
  const rest = about.length > COMMENTS ? [comment(`and ${count(about.length - COMMENTS)} more changes`)] : [];
  const sql = visibleSql(withVariable(step, secrets)).trimEnd();
  return [...shown, ...rest, ...(step.as === undefined ? [] : [comment(`as ${step.as}`)]), sql.endsWith(';') ? sql : `${sql};`];
};

/** A line of the plan on one line: `+ member jane joins orders_reader`. */
export const lineText = (line: Line): string =>
  [line.symbol, line.noun, plain(subjectPhrase(line)), plain(line.text), ...(line.reason === null ? [] : [`(${line.reason})`])].join(' ');

/** The steps that need a secret, in order: their variables are numbered from 1. */
const secretsOf = (target: PlanTarget): Step[] => target.steps.filter((step) => step.secret !== undefined);

/** The reference at the end of the statement as a psql variable; one that is only quoted in a comment stays text. */
const withVariable = (step: Step, secrets: readonly Step[]): string => {
  if (step.secret === undefined || !step.sql.endsWith(step.secret)) return step.sql;
  return `${step.sql.slice(0, -step.secret.length)}:'secret_${secrets.indexOf(step) + 1}'`;
};
