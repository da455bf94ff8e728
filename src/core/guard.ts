import type { Grantee } from '../model/access.ts';
import { isPublic } from '../model/access.ts';
import type { Change } from '../model/change.ts';
import { type Declared, type Guards, isServer, type Rule } from '../model/declared.ts';
import type { Finding, Position, Severity } from '../model/finding.ts';
import { distinct, nameKey } from '../model/key.ts';
import type { Reality } from '../model/reality.ts';
import type { Kind } from '../model/state.ts';
import { difference } from './privileges.ts';

/** Refusals and policy that hold on every engine. `maxRemovals` is the strictest of manifest and flag. */
export const guard = (declared: Declared, reality: Reality, changes: readonly Change[], maxRemovals: number | null): Finding[] => [
  ...protectedRoles(declared, changes),
  ...tooManyRemovals(changes, maxRemovals),
  ...emptyManifest(declared, changes),
  ...rules(declared, reality),
];

const STRICTNESS = ['off', 'note', 'warning', 'error'] as const;

/** Of two sets of guards what each of them keeps back. */
export const strictestGuards = (a: Guards, b: Guards): Guards => {
  const limits = [a.maxRemovals, b.maxRemovals].filter((limit) => limit !== null);
  const rules = distinct([...Object.keys(a.rules), ...Object.keys(b.rules)]) as Rule[];
  const strictness = (severity: Severity | 'off' | undefined): number => STRICTNESS.indexOf(severity ?? 'off');
  return {
    protected: distinct([...a.protected, ...b.protected]),
    maxRemovals: limits.length === 0 ? null : Math.min(...limits),
    rules: Object.fromEntries(rules.map((rule) => [rule, STRICTNESS[Math.max(strictness(a.rules[rule]), strictness(b.rules[rule]))]!])),
  };
};

/** Roles that lose anything by these changes, each once. */
export const losers = (changes: readonly Change[]): string[] =>
  distinct(changes.flatMap((change) => (change.blocked === undefined ? losersOf(change) : [])));

const WATCHING: ReadonlySet<Kind> = new Set(['topic', 'subscription', 'log_filter', 'alarm']);

/** How many of these changes have somebody hear less of failed logins. */
export const unwatched = (changes: readonly Change[]): number =>
  changes.filter(({ kind, risk, blocked }) => blocked === undefined && risk === 'removes' && WATCHING.has(kind)).length;

const losersOf = (change: Change): string[] => {
  switch (change.kind) {
    case 'role':
      return change.risk === 'removes' || change.risk === 'destructive' ? [change.before!.name] : [];
    case 'membership':
      return change.risk === 'removes' || (change.before && !change.after) ? [change.before!.member] : [];
    case 'grant':
    case 'default': {
      const lost = difference(change.before?.privileges ?? [], change.after?.privileges ?? []).length > 0;
      return lost ? [granteeName((change.before ?? change.after)!.grantee)] : [];
    }
    case 'ownership':
      return [change.before!.owner];
    case 'policy':
      return change.risk === 'removes' ? [change.before!.principal] : [];
    case 'attachment':
      return change.after ? [] : [change.before!.principal];
    case 'iam_role':
      return change.after ? [] : [change.before!.name];
    case 'password':
    case 'setting':
    case 'sessions':
    case 'topic':
    case 'subscription':
    case 'log_filter':
    case 'alarm':
      return [];
  }
};

const granteeName = (grantee: Grantee): string => (isPublic(grantee) ? 'PUBLIC' : grantee);

/** `protected` holds whatever the manifest says. */
const protectedRoles = (declared: Declared, changes: readonly Change[]): Finding[] => {
  const kept = new Set(declared.guards.protected);
  return changes.flatMap((change) => {
    const touched = [...losersOf(change), ...(change.kind === 'role' ? [(change.before ?? change.after)!.name] : [])].find((name) =>
      kept.has(name),
    );
    return touched === undefined
      ? []
      : [refusal('guard/protected', `role '${touched}' is protected and would be changed: ${change.kind} ${change.key}`, change.source)];
  });
};

const tooManyRemovals = (changes: readonly Change[], limit: number | null): Finding[] => {
  const lost = losers(changes);
  if (limit === null || lost.length <= limit) return [];
  const named = lost.slice(0, 5).map(nameKey).join(', ');
  return [
    refusal(
      'guard/max-removals',
      `${lost.length} roles would lose access, at most ${limit} may in one run: ${named}${lost.length > 5 ? ', …' : ''}`,
      undefined,
      'raise guard.max_removals in the manifest, or do it in several steps',
    ),
  ];
};

/**
 * A manifest without roles would disable everybody: more likely a lost file than a wish. The account has none of its own, and its
 * policies close only after the servers; nor have the alarms.
 */
const emptyManifest = (declared: Declared, changes: readonly Change[]): Finding[] =>
  isServer(declared) && declared.roles.size === 0 && changes.some((change) => change.cause === 'absent')
    ? [
        refusal(
          'guard/empty-manifest',
          `no user or group is declared for target '${declared.target.name}', and everything with the mark of '${declared.stack}' would be disabled`,
          declared.target.source,
          "is a file missing? 'rolecall destroy' takes a whole stack away",
        ),
      ]
    : [];

const refusal = (code: string, message: string, source?: Position, hint?: string): Finding => ({
  severity: 'error',
  code,
  message,
  ...(source ? { source } : {}),
  ...(hint ? { hint } : {}),
});

/** Policy as code: `guard.rules`. */
const rules = (declared: Declared, reality: Reality): Finding[] => [
  ...rule(declared, 'no-superuser', () =>
    [...declared.roles.values()]
      .filter((role) => reality.roles.get(role.name)?.superuser)
      .map((role) => ({ message: `${role.kind} '${role.name}' is a superuser`, source: role.source })),
  ),
  ...rule(declared, 'no-direct-user-grants', () =>
    declared.grants
      .filter((grant) => declared.roles.get(grant.grantee)?.kind === 'user')
      .map((grant) => ({
        message: `user '${grant.grantee}' is granted ${grant.privileges.join(', ')} on '${grant.selector}' directly`,
        source: grant.source,
        hint: 'grant it to a group, and put the user into the group',
      })),
  ),
];

type Breach = { readonly message: string; readonly source: Position; readonly hint?: string };
const rule = (declared: Declared, name: keyof Declared['guards']['rules'], breaches: () => readonly Breach[]): Finding[] => {
  const severity = declared.guards.rules[name];
  if (severity === undefined || severity === 'off') return [];
  return breaches().map((breach) => ({ severity: severity as Severity, code: `rule/${name}`, ...breach }));
};
