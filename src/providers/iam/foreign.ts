import type { Declared } from '../../model/declared.ts';
import type { Severity } from '../../model/finding.ts';
import { byCodeUnit } from '../../model/key.ts';
import { named } from '../named.ts';
import { type Judgement, judgeConnect, type Known } from './arn.ts';
import { isUnsupported } from './condition.ts';
import { CONNECT, readDocument, type Statement } from './document.ts';
import { concernsConnect } from './evaluate.ts';
import { covers } from './glob.ts';
import { isOurs } from './marks.ts';
import type { RawDocument, Snapshot } from './snapshot.ts';

/** What is wrong with a statement: the end of a sentence about the policy that it stands in. */
export type Fault = { readonly severity: Severity; readonly code: string; readonly says: string; readonly hint?: string };

/** A policy of somebody else that somebody has. Inline policies of one name and text are one, with many holders. */
export type ForeignPolicy = { readonly label: string; readonly document: RawDocument; readonly holders: readonly string[] };

/** Policies that are attached or inline, and neither ours nor AWS's own; sorted by label. */
export const foreignPolicies = (snapshot: Snapshot, declared: Declared): readonly ForeignPolicy[] => {
  const holders = new Map<string, string[]>();
  const inline = new Map<string, { readonly label: string; readonly document: RawDocument; readonly holders: string[] }>();
  for (const [key, identity] of snapshot.identities) {
    for (const arn of identity.attached) holders.set(arn, [...(holders.get(arn) ?? []), key]);
    for (const { name, document } of identity.inline) {
      const text = `${name}\0${JSON.stringify(document)}`;
      const there = inline.get(text);
      if (there) there.holders.push(key);
      else inline.set(text, { label: `inline policy '${name}'`, document, holders: [key] });
    }
  }
  const managed = [...snapshot.policies.values()].flatMap((policy) => {
    const held = holders.get(policy.arn);
    const foreign = held && policy.document !== null && !policy.arn.includes(':iam::aws:') && !isOurs(policy, declared);
    return foreign ? [{ label: `policy '${policy.name}'`, document: policy.document, holders: held }] : [];
  });
  return [...managed, ...inline.values()].sort((a, b) => byCodeUnit(a.label, b.label) || byCodeUnit(a.holders[0]!, b.holders[0]!));
};

/** Everything that is wrong with what a policy says about `rds-db:connect`. `wildcards`: how grave they are, null: not at all. */
export const faultsOf = ({ document, holders }: ForeignPolicy, known: Known, wildcards: Wildcards | null): readonly Fault[] => {
  const { statements, problems, variables } = readDocument(document);
  const mentions = statements.filter(isAboutConnect);
  return [
    ...(problems.length > 0 && /rds-db/i.test(JSON.stringify(document)) ? problems.map(unreadable) : []),
    ...mentions.flatMap((statement) => [
      ...actionFaults(statement),
      ...conditionFaults(statement),
      ...(concernsConnect(statement.action) ? resourceFaults(statement, known, wildcards, variables, holders) : []),
    ]),
  ];
};

/** Under which code, and how grave. */
export type Wildcards = { readonly code: string; readonly severity: Severity };

const warning = (code: string, says: string, hint?: string): Fault => ({ severity: 'warning', code, says, ...(hint ? { hint } : {}) });

const unreadable = (problem: string): Fault => warning('iam/malformed-policy', `cannot be read: ${problem}`);

/** Whether somebody meant the logins of databases: administrators, who may do everything, are told of apart. */
const isAboutConnect = ({ action, resource }: Statement): boolean =>
  (!action.negated && action.patterns.some((pattern) => /^rds-db:|^rds:connect/i.test(pattern))) ||
  (concernsConnect(action) && (resource?.patterns ?? []).some((pattern) => /^arn:[^:]*:rds-db:/i.test(pattern)));

const actionFaults = ({ action }: Statement): readonly Fault[] =>
  action.patterns
    .filter((pattern) => /^rds-db:|^rds:connect/i.test(pattern) && !covers(pattern.toLowerCase(), CONNECT))
    .map((pattern) => warning('iam/unknown-action', `names the action '${pattern}', which does not exist`, `the one action is ${CONNECT}`));

/** AWS says that no condition key works there but does not say how they fail: what is not known to fail is noted. */
const conditionFaults = ({ effect, conditions, action }: Statement): readonly Fault[] => {
  if (!concernsConnect(action)) return [];
  return conditions.map(({ key }): Fault => {
    if (!isUnsupported(key)) {
      const says = `makes ${CONNECT} depend on '${key}': AWS does not promise that this works for database logins`;
      return { severity: 'note', code: 'iam/condition', says, hint: 'try a login that it shall refuse, and one that it shall allow' };
    }
    const outcome = effect === 'Allow' ? 'it lets nobody in' : 'it keeps nobody out';
    return warning(
      'iam/unsupported-condition',
      `makes ${CONNECT} depend on '${key}', which database logins do not support: ${outcome}`,
      'take the condition away; restrict the network by security groups',
    );
  });
};

const resourceFaults = (
  { effect, resource }: Statement,
  known: Known,
  wildcards: Wildcards | null,
  variables: boolean,
  holders: readonly string[],
): readonly Fault[] => {
  const { negated, patterns } = resource ?? { negated: false, patterns: [] };
  if (negated) {
    const says = `${effect === 'Allow' ? 'lets in' : 'keeps out'} everywhere but where it names (NotResource)`;
    return effect === 'Allow' && wildcards ? [{ ...wildcards, says, hint: 'name what it shall allow instead' }] : [];
  }
  return patterns.flatMap((pattern): readonly Fault[] => {
    const judged = judgeConnect(pattern, known);
    if (effect === 'Deny' && WIDE.has(judged.kind)) return [];
    if (judged.kind === 'variable') return variableFaults(pattern, variables, holders);
    return faultOf(judged, pattern, effect === 'Allow' ? 'lets nobody in' : 'keeps nobody out', known, wildcards);
  });
};

/** A Deny may well be as wide as this. */
const WIDE: ReadonlySet<Judgement['kind']> = new Set(['everything', 'wildcard-resource', 'wildcard-user']);

const variableFaults = (pattern: string, variables: boolean, holders: readonly string[]): readonly Fault[] => {
  if (!variables) return [warning('iam/old-version', `has variables in '${pattern}' and no Version 2012-10-17: they are only text`)];
  const roles = holders.filter((holder) => holder.startsWith('role/'));
  return /\$\{aws:username\}/i.test(pattern) && roles.length > 0
    ? [warning('iam/no-username', `names '${pattern}': roles, as ${named(roles)}, have no aws:username, and nobody gets in`)]
    : [];
};

const faultOf = (judged: Judgement, pattern: string, vain: string, known: Known, wildcards: Wildcards | null): readonly Fault[] => {
  const where = named(judged.targets);
  const right = 'right' in judged && judged.right !== null ? `write ${judged.right}` : undefined;
  switch (judged.kind) {
    case 'exact':
    case 'proxy':
    case 'variable':
      return [];
    case 'everything':
      return wildcards ? [{ ...wildcards, says: `allows to log in as any user of any database ('${pattern}')`, hint: EXACT }] : [];
    case 'wildcard-resource':
      return wildcards
        ? [{ ...wildcards, says: `allows any resource that '${pattern}' covers${where ? `, ${where} among them` : ''}`, hint: EXACT }]
        : [];
    case 'wildcard-user':
      return wildcards
        ? [
            {
              ...wildcards,
              says: `allows every user of ${where} that '${pattern}' covers${mastersOf(judged.targets, pattern, known)}`,
              hint: EXACT,
            },
          ]
        : [];
    case 'wrong-partition':
      return [
        warning('iam/wrong-partition', `names '${pattern}', and the account is in partition '${known.partition}': it ${vain}`, right),
      ];
    case 'wrong-account':
      return [
        warning(
          'iam/wrong-account',
          `names '${pattern}', and the account is ${known.account}: it ${vain} here`,
          right ?? 'an identity of the account that the database is in must be assumed',
        ),
      ];
    case 'wrong-region':
      return [warning('iam/wrong-region', `names '${pattern}', and ${where} is in another region: it ${vain}`, right)];
    case 'wrong-case':
      return [warning('iam/wrong-case', `names '${pattern}', which differs from ${where} in case: it ${vain}`, right)];
    case 'identifier':
      return [
        warning('iam/not-a-resource-id', `has the name of ${where} where its resource id belongs, in '${pattern}': it ${vain}`, right),
      ];
    case 'member':
      return [
        warning(
          'iam/member-id',
          `names an instance of the cluster of ${where}, in '${pattern}', and only the cluster's own id counts: it ${vain}`,
          right,
        ),
      ];
    case 'unknown-resource':
      return [unknownResource(judged, pattern, right)];
    case 'unknown-user':
      return [warning('iam/unknown-user', `names '${pattern}', and ${where} has no user '${judged.user}' that logs in by IAM: it ${vain}`)];
    case 'malformed':
      return [warning('iam/malformed-arn', `names '${pattern}': ${judged.reason}: it ${vain}`)];
  }
};

const EXACT = "name each user and each resource id, or declare the login under 'principals'";

const mastersOf = (targets: readonly string[], pattern: string, { places }: Known): string => {
  const user = pattern.slice(pattern.indexOf('/') + 1);
  const masters = targets.flatMap((target) => places.get(target)?.masterUser ?? []).filter((master) => covers(user, master));
  return masters.length === 0 ? '' : `, the master ${named(masters)} among them`;
};

/** A server that is gone and one that the manifest does not know look alike: only a user that is known tells. */
const unknownResource = (
  judged: Extract<Judgement, { readonly kind: 'unknown-resource' }>,
  pattern: string,
  right: string | undefined,
): Fault =>
  judged.targets.length === 0
    ? { severity: 'note', code: 'iam/unknown-resource', says: `names '${pattern}', and no target has the resource id '${judged.resource}'` }
    : warning(
        'iam/stale-resource',
        `names '${pattern}', and no target has the resource id '${judged.resource}'; a user of that name is on ${named(judged.targets)}: what is restored or cloned has a new id`,
        right ?? 'write the resource id that the server has now, or remove the line',
      );
