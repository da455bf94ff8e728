import { groupBy } from '../core/group.ts';
import type { Proof, Proofs } from '../model/proof.ts';
import { html } from './escape.ts';
import { proofSubject } from './proofs.ts';

/** Noncharacters, which XML has no way to write. */
const UNWRITABLE = /[\ufffe\uffff]/g;
const xml = (text: string): string => html(text).replace(UNWRITABLE, (character) => `\\u${character.charCodeAt(0).toString(16)}`);

/**
 * The proofs as JUnit's XML, a suite for each target. What is unproven is an error, since nobody counts those as passed; where it was
 * allowed it is skipped.
 */
export const proofsJunit = ({ proofs, stack, summary }: Proofs, { allowUnproven }: { readonly allowUnproven: boolean }): string => {
  const suites = [...groupBy(proofs, ({ target }) => target)].map(([target, cases]) => suiteOf(target, cases, allowUnproven));
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${xml(stack)}" ${counts(proofs.length, summary.failed, summary.unproven, allowUnproven)}>`,
    ...suites.flat(),
    '</testsuites>',
    '',
  ].join('\n');
};

const counts = (tests: number, failed: number, unproven: number, allowUnproven: boolean): string =>
  `tests="${tests}" failures="${failed}" errors="${allowUnproven ? 0 : unproven}" skipped="${allowUnproven ? unproven : 0}"`;

const suiteOf = (target: string, cases: readonly Proof[], allowUnproven: boolean): readonly string[] => {
  const of = (status: Proof['status']): number => cases.filter((proof) => proof.status === status).length;
  return [
    `  <testsuite name="${xml(target)}" ${counts(cases.length, of('failed'), of('unproven'), allowUnproven)}>`,
    ...cases.flatMap((proof) => caseOf(proof, allowUnproven)),
    '  </testsuite>',
  ];
};

const caseOf = (proof: Proof, allowUnproven: boolean): readonly string[] => {
  const { status, target, user, source, message, hint, cause } = proof;
  const open = `    <testcase classname="${xml(`${target}.${user}`)}" name="${xml(proofSubject(proof))}" file="${xml(source.file)}" line="${source.line}"`;
  if (status === 'passed') return [`${open}/>`];
  const tag = status === 'failed' ? 'failure' : allowUnproven ? 'skipped' : 'error';
  const type = tag === 'skipped' ? '' : ` type="${cause ?? status}"`;
  return [
    `${open}>`,
    `      <${tag}${type} message="${xml(message)}">${xml([message, hint].filter((part) => part !== undefined).join(' · '))}</${tag}>`,
    '    </testcase>',
  ];
};
