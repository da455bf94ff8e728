import type { Proof, Proofs } from '../model/proof.ts';
import { cellSpan, partName, prose, roleName, visible } from './escape.ts';
import { painter, type Span, type Style, span, type Terminal, wrap } from './layout.ts';
import { count, plural } from './phrase.ts';

const WORDS: Readonly<Record<Proof['status'], string>> = { passed: 'passed', failed: 'FAILED', unproven: 'unproven' };
const STYLES: Readonly<Record<Proof['status'], Style>> = { passed: 'add', failed: 'remove', unproven: 'warn' };

/** `role/orders-api as orders_api at orders-prod/orders: login`. */
export const proofSubject = ({ as, user, target, database, what, expected }: Proof): string => {
  const who = as === null ? roleName(user) : `${visible(as)} as ${roleName(user)}`;
  const where = database === null ? roleName(target) : `${roleName(target)}/${partName(database)}`;
  return `${who} at ${where}: ${expected === 'allowed' ? '' : what === 'login' ? 'no ' : 'cannot '}${visible(what)}`;
};

/** A line for each: whether it holds, who and where and what, why; then how many. */
export const proofsText = ({ proofs, summary }: Proofs, terminal: Terminal): string => {
  const paint = painter(terminal.colour);
  const rows = proofs.flatMap((proof) => rowsOf(proof, terminal));
  return [...rows.map((row) => paint(row)), '', summaryText(summary), ''].join('\n');
};

/** `Proofs: 7 passed, 1 failed, 2 unproven.` */
export const summaryText = ({ passed, failed, unproven }: Proofs['summary']): string =>
  `Proofs: ${count(passed)} passed, ${count(failed)} failed, ${count(unproven)} unproven.`;

const INDENT = 9;

const rowsOf = (proof: Proof, { width, unicode }: Terminal): Span[][] =>
  wrap(spansOf(proof, unicode), width - INDENT).map((row, index) => [
    index === 0 ? span(WORDS[proof.status].padEnd(INDENT), STYLES[proof.status]) : span(' '.repeat(INDENT)),
    ...row,
  ]);

const spansOf = (proof: Proof, unicode: boolean): Span[] => {
  const { status, message, hint, source, cause } = proof;
  return [
    span(proofSubject(proof), 'strong'),
    span(` ${unicode ? '—' : '-'} ${visible(message)}`),
    ...(status !== 'passed' && hint !== undefined ? [span(` ${unicode ? '·' : '-'} ${visible(hint)}`, 'dim')] : []),
    span(` ${status === 'passed' || cause === null ? '' : `[${cause}] `}${visible(source.file)}:${source.line}`, 'dim'),
  ];
};

const ICONS: Readonly<Record<Proof['status'], string>> = { passed: '✅', failed: '❌', unproven: '❔' };
/** What a page is still readable with. */
const ROWS = 500;

/** The verdict, a table with what did not pass, and what did folded under it. */
export const proofsMarkdown = ({ proofs, summary }: Proofs, link: (file: string, line: number) => string | null = () => null): string => {
  const held = proofs.filter(({ status }) => status === 'passed');
  const others = proofs.filter(({ status }) => status !== 'passed');
  return [
    `### ${verdict(summary)}`,
    '',
    ...(others.length > 0 ? [...tableOf(others, link), ''] : []),
    ...(held.length > 0
      ? [`<details><summary>${plural(held.length, 'proof')} passed</summary>`, '', ...tableOf(held, link), '', '</details>', '']
      : []),
  ].join('\n');
};

/** What it came to, without a name in it. */
export const verdict = (summary: Proofs['summary']): string => {
  const { passed, failed, unproven } = summary;
  const icon = failed > 0 ? '❌' : unproven > 0 ? '⚠️' : '✅';
  return `${icon} Access proofs: ${count(passed)} passed, ${count(failed)} failed, ${count(unproven)} unproven`;
};

const tableOf = (proofs: readonly Proof[], link: (file: string, line: number) => string | null): readonly string[] => [
  '| | Who | Where | What | Why |',
  '|:--|:--|:--|:--|:--|',
  ...proofs.slice(0, ROWS).map((proof) => rowOf(proof, link)),
  ...(proofs.length > ROWS ? ['', `**and ${count(proofs.length - ROWS)} more**`] : []),
];

const rowOf = (
  { status, as, user, target, database, what, expected, message, hint, source, cause }: Proof,
  link: (file: string, line: number) => string | null,
): string => {
  const who = as === null ? cellSpan(user) : `${cellSpan(as)} as ${cellSpan(user)}`;
  const where = cellSpan(database === null ? target : `${target}/${database}`);
  const url = link(source.file, source.line);
  const place = cellSpan(`${source.file}:${source.line}`);
  const tried = `${expected === 'allowed' ? '' : what === 'login' ? 'no ' : 'cannot '}${cellSpan(what)}`;
  const why = [message, ...(status === 'passed' || hint === undefined ? [] : [hint])].map(cell).join(' · ');
  const slug = status === 'passed' || cause === null ? '' : ` <sub>${cellSpan(cause)}</sub>`;
  return `| ${ICONS[status]} | ${who} | ${where} | ${tried} | ${why}${slug} ${url === null ? place : `[${place}](${url})`} |`;
};

const cell = (text: string): string => prose(text.replaceAll('|', '\\u007c'));
