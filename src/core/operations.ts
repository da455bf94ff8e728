import { granteeKey } from '../model/access.ts';
import type { Change } from '../model/change.ts';
import type { IamRole, Policy } from '../model/iam.ts';
import type { PlanTarget } from '../model/plan.ts';
import type { AccountOptions, Role } from '../model/state.ts';
import { byWord } from './privileges.ts';

/**
 * What a change does, one intent each, however it was folded: a role's attribute, one privilege on one object. Two plans
 * are compared, and a digest is made, of these. They say what will be, not what was: a plan that is half done has fewer
 * operations and no new ones.
 */
export const operationsOf = (change: Change): string[] =>
  change.blocked === undefined ? intents(change).map((intent) => JSON.stringify([change.kind, ...intent])) : [];

/** Operations of a target, each with the server that it is for. */
export const operations = (target: PlanTarget): string[] => {
  const server = JSON.stringify([target.name, target.engine, target.identity.system]);
  return target.changes.flatMap(operationsOf).map((operation) => `${server} ${operation}`);
};

/** Changes of the live plan that none of the reviewed ones held. A blocked one does nothing, and needs nobody's leave. */
export const unreviewed = (reviewed: readonly PlanTarget[], live: PlanTarget): Change[] => {
  const known = new Set(reviewed.flatMap(operations));
  return live.changes.filter((change) => operations({ ...live, changes: [change] }).some((operation) => !known.has(operation)));
};

const intents = (change: Change): readonly (readonly unknown[])[] => {
  switch (change.kind) {
    case 'role':
      return roleIntents(change.before, change.after);
    case 'password':
      return [[change.after?.role ?? change.before!.role, change.after?.version ?? null]];
    case 'membership': {
      const { role, member, grantor } = (change.before ?? change.after)!;
      if (!change.after) return [[role, member, '-', grantor]];
      return (['admin', 'inherit', 'set'] as const).flatMap((option) =>
        change.before?.[option] === change.after![option] ? [] : [[role, member, option, change.after![option]]],
      );
    }
    case 'setting': {
      const { role, database, name } = (change.before ?? change.after)!;
      return [[role, database, name, change.after?.value ?? null]];
    }
    case 'ownership': {
      const { on, owner } = change.after!;
      return on.names.map((name) => [on.kind, on.database, on.schema, name, owner]);
    }
    case 'grant': {
      const { on, grantee, grantor } = (change.before ?? change.after)!;
      return on.names.flatMap((name) =>
        privilegeIntents(change, [on.kind, on.database, on.schema, on.relation ?? null, name, granteeKey(grantee)], grantor),
      );
    }
    case 'default': {
      const { database, creator, schema, objects, grantee } = (change.before ?? change.after)!;
      return privilegeIntents(change, [database, creator, schema, objects, granteeKey(grantee)], creator);
    }
    case 'sessions':
      return [[change.before!.role, 'end']];
    case 'policy':
      return policyIntents(change.before, change.after);
    case 'attachment': {
      const { policy, principal } = (change.before ?? change.after)!;
      return [[principal, policy, change.after ? '+' : '-']];
    }
    case 'iam_role':
      return iamRoleIntents(change.before, change.after);
    case 'topic':
    case 'subscription':
    case 'log_filter':
    case 'alarm':
      return wholeIntents(change);
  }
};

const ATTRIBUTES = ['login', 'inherit', 'createdb', 'createrole', 'connectionLimit', 'validUntil', 'description'] as const;

const roleIntents = (before: Role | null, after: Role | null): (readonly unknown[])[] => {
  if (!after) return [[before!.name, 'gone']];
  return [
    ...(before ? [] : [[after.name, 'exists']]),
    ...(before && after.mark && before.mark?.stack !== after.mark.stack ? [[after.name, 'adopted']] : []),
    ...(before && before.name !== after.name ? [[after.name, 'name', before.name]] : []),
    ...ATTRIBUTES.filter((attribute) => before?.[attribute] !== after[attribute]).map((attribute) => [
      after.name,
      attribute,
      after[attribute],
    ]),
    ...optionIntents(before?.options, after.options).map((intent) => [after.name, ...intent]),
    ...(before?.mark?.stack === after.mark?.stack ? [] : [[after.name, 'stack', after.mark?.stack ?? null]]),
    ...(before?.mark?.pw === after.mark?.pw ? [] : [[after.name, 'pw', after.mark?.pw ?? null]]),
  ];
};

const optionIntents = (before: AccountOptions | undefined, after: AccountOptions | undefined): [option: string, value: unknown][] =>
  Object.entries(after ?? {}).filter(([option, value]) => before?.[option as keyof AccountOptions] !== value);

/** One for each ARN: which policy of the principal it stands in is how, not what. */
const policyIntents = (before: Policy | null, after: Policy | null): (readonly unknown[])[] => {
  const { principal, name } = (before ?? after)!;
  const [held, wanted] = [before, after].map((policy) => new Set(policy?.entries.map(({ arn }) => arn)));
  return [
    ...(before ? [] : [[name, 'exists']]),
    ...(after ? [] : [[name, 'gone']]),
    ...[...wanted!].filter((arn) => !held!.has(arn)).map((arn) => [principal, arn, '+']),
    ...[...held!].filter((arn) => !wanted!.has(arn)).map((arn) => [principal, arn, '-']),
    ...(before?.foreign != null ? [[principal, 'foreign', before.foreign, '-']] : []),
  ];
};

const IAM_ATTRIBUTES = ['trust', 'boundary', 'description', 'maxSessionSeconds', 'tags'] as const;

const iamRoleIntents = (before: IamRole | null, after: IamRole | null): (readonly unknown[])[] =>
  after === null
    ? [[before!.name, 'gone']]
    : [
        ...(before ? [] : [[after.name, 'exists', after.path]]),
        ...IAM_ATTRIBUTES.filter((attribute) => JSON.stringify(before?.[attribute]) !== JSON.stringify(after[attribute])).map(
          (attribute) => [after.name, attribute, after[attribute]],
        ),
      ];

/** Things that are as a whole what somebody reviewed, or not: each attribute that will be otherwise. */
const wholeIntents = ({ key, before, after }: { key: string; before: object | null; after: object | null }): (readonly unknown[])[] => {
  if (after === null) return [[key, 'gone']];
  const held = new Map(Object.entries(before ?? {}));
  return Object.entries(after)
    .filter(([attribute, value]) => JSON.stringify(held.get(attribute)) !== JSON.stringify(value))
    .map(([attribute, value]) => [key, attribute, value]);
};

type Held = {
  readonly before: { readonly privileges: readonly string[] } | null;
  readonly after: { readonly privileges: readonly string[] } | null;
};

/** Added words need no grantor: who grants is how, not what. Removed ones do. */
const privilegeIntents = (change: Held, place: readonly unknown[], grantor: string): (readonly unknown[])[] => {
  const [held, wanted] = [byWord(change.before?.privileges ?? []), byWord(change.after?.privileges ?? [])];
  const added = [...wanted]
    .filter(([word, option]) => held.get(word) !== option)
    .map(([word, option]) => [...place, option ? `${word}*` : word, '+']);
  const removed = [...held.keys()].filter((word) => !wanted.has(word)).map((word) => [...place, word, '-', grantor]);
  return [...added, ...removed];
};
