import { type Check, failed, passed, the, tokensInAws } from './check.ts';

/** What the policies of the account come to. */
export const POLICY_CHECKS: readonly Check[] = [
  {
    name: 'policies',
    about: 'every attached line about database logins names a user of a server that is there',
    needs: ['policies'],
    applies: (evidence) => tokensInAws(evidence) && evidence.target.withPolicies,
    judge: ({ policies }) => {
      const { lines, whole } = the(policies);
      const counts = new Map<string, number>();
      for (const { kind } of lines) counts.set(kind, (counts.get(kind) ?? 0) + 1);
      const sum = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `${count} ${kind}`);
      const read = `${sum.join(', ') || 'no line about database logins'}${whole ? '' : ' (only of declared principals: the account may not be read whole)'}`;
      const vain = lines.filter(({ kind }) => VAIN.has(kind));
      if (vain.length === 0) return passed(read);
      const first = vain
        .slice(0, 3)
        .map(({ policy, resource, kind, right }) => `${policy} names '${resource}' (${kind}${right === null ? '' : `: write ${right}`})`);
      return failed(
        `${read}: ${first.join('; ')}${vain.length > 3 ? `; and ${vain.length - 3} more` : ''}`,
        'correct the policies: such a line lets nobody in; rolecall plan says which of them are ours',
      );
    },
  },
];

/** Kinds of lines that let nobody in. */
const VAIN: ReadonlySet<string> = new Set([
  'wrong-partition',
  'wrong-account',
  'wrong-region',
  'wrong-case',
  'identifier',
  'member',
  'malformed',
  'unknown-user',
]);
