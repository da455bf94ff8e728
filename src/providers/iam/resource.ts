import type { Patterns } from './document.ts';
import { covers, type Glob, globOf, isPattern } from './glob.ts';
import { and, type Context, not, or, resolve, type Truth } from './variables.ts';

/** An ARN that is asked about, taken apart once. */
export type Asked = { readonly head: readonly string[]; readonly tail: string };

/** The Resource or NotResource of a statement, ready to be asked. `only`: the ARNs that it can be about at all; null: no list of them. */
export type ResourceTest = { readonly matches: (asked: Asked, context: Context) => Truth; readonly only: readonly string[] | null };

/** Takes an ARN apart; one that is cut short stands for everything below. The first parts have no case. */
export const splitArn = (text: string): Asked | null => {
  const [prefix, partition, service = '*', region = '*', account = '*', ...rest] = text.split(':');
  if (prefix !== 'arn' || partition === undefined) return null;
  const head = [partition, service, region, account].map((part) => part.toLowerCase());
  return { head, tail: rest.length === 0 ? '*' : rest.join(':') };
};

/** A variable without a value matches nothing, and keeps NotResource from matching anything. */
export const resourceTest = ({ negated, patterns }: Patterns, variables: boolean): ResourceTest => {
  const tests = patterns.map((pattern) => patternTest(pattern, variables));
  const only = negated ? [null] : patterns.map((pattern) => literalOf(pattern, variables));
  return {
    only: only.some((arn) => arn === null) ? null : only.flatMap((arn) => arn ?? []),
    matches: (asked, context) => {
      const matched = tests.map((test) => test(asked, context));
      if (negated) return and(matched.map((truth) => (truth === 'unset' ? 'no' : not(truth))));
      return or(matched.map((truth) => (truth === 'unset' ? 'no' : truth)));
    },
  };
};

/** The ARN itself, where the pattern is none; null where it may be more than one. */
const literalOf = (pattern: string, variables: boolean): string | null => {
  const parts = splitArn(pattern);
  if (!parts || isPattern(`${parts.head.join('')}${parts.tail}`) || (variables && parts.tail.includes('${'))) return null;
  return `arn:${parts.head.join(':')}:${parts.tail}`;
};

/** Variables stand in the last part only, and the kind of resource, `dbuser:`, is never a pattern. */
const patternTest = (pattern: string, variables: boolean): ((asked: Asked, context: Context) => Truth | 'unset') => {
  if (pattern === '*') return () => 'yes';
  const parts = splitArn(pattern);
  if (!parts) return () => 'no';
  const kind = /^[^:/]*[:/]/.exec(parts.tail)?.[0] ?? '';
  const rest = parts.tail.slice(kind.length);
  const head = parts.head.map((part) => (isPattern(part) ? globOf(part) : part));
  const plain: Glob | null = variables && rest.includes('${') ? null : globOf(rest);
  // most patterns differ from what is asked in what stands before their first star; a variable has to be looked at anyway
  const start = kind + (plain ? /^[^*?]*/.exec(rest)![0] : '');
  return (asked, context) => {
    if (!asked.tail.startsWith(start)) return 'no';
    const there = head.every((part, index) => (typeof part === 'string' ? part === asked.head[index] : covers(part, asked.head[index]!)));
    if (!there) return 'no';
    const glob = plain ?? resolve(rest, variables, context);
    return glob === 'unset' ? 'unset' : glob === 'unknown' ? 'maybe' : covers(glob, asked.tail.slice(kind.length)) ? 'yes' : 'no';
  };
};
