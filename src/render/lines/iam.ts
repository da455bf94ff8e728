import type { Change, ChangeOf } from '../../model/change.ts';
import type { Attachment, IamRole, Policy } from '../../model/iam.ts';
import { byCodeUnit } from '../../model/key.ts';
import { principalName } from '../escape.ts';
import { type Indexed, ofKind } from '../fold.ts';
import { join, literal, type Phrase, plural, say } from '../phrase.ts';
import { type Line, lineOf } from './line.ts';

/** Policies with what they let their principal log in as; attachments that no policy's line tells; roles that we make. */
export const iamLines = (changes: readonly Change[]): Line[] => {
  const policies = ofKind(changes, 'policy');
  const attachments = ofKind(changes, 'attachment');
  const told = new Map(policies.flatMap((item) => attachments.filter((other) => isTold(item, other)).map((other) => [other.index, item])));
  return [
    ...ofKind(changes, 'iam_role').map(roleLine),
    ...policies.map((item) =>
      policyLine(
        item,
        attachments.filter(({ index }) => told.get(index) === item),
      ),
    ),
    ...attachments.filter(({ index }) => !told.has(index)).map(attachmentLine),
  ];
};

/** A policy that is made is attached, and one that goes is detached: that is one sentence. */
const isTold = ({ change }: Indexed<'policy'>, { change: other }: Indexed<'attachment'>): boolean => {
  const body = attachmentOf(other);
  if (body.policy !== change.key || change.blocked !== other.blocked) return false;
  if (change.before === null) return other.after !== null && body.principal === change.after?.principal;
  return change.after === null && other.after === null && body.principal === change.before.principal;
};

const attachmentOf = ({ before, after }: ChangeOf<'attachment'>): Attachment => after ?? before ?? { policy: '', principal: '' };

const policyLine = (item: Indexed<'policy'>, attachments: readonly Indexed<'attachment'>[]): Line => {
  const { before, after, key } = item.change;
  const [gone, come] = [beyond(before, after), beyond(after, before)];
  const verb = before === null ? 'made' : after === null ? 'deleted' : 'changed';
  return lineOf([item, ...attachments], {
    symbol: gone.length > 0 || after === null ? '-' : before === null ? '+' : item.change.risk === 'removes' ? '-' : '+',
    noun: 'policy',
    subjects: [principalName((after ?? before)?.principal ?? '')],
    text: say`${[`${verb}: `]}${literal(key)}${[`, ${[...counted(come, 'gained'), ...counted(gone, 'lost')].join(', ') || 'statements of somebody else go'}`]}`,
    details: [
      ...gone.map((login) => say`- ${loginPhrase(login)}`),
      ...come.map((login) => say`+ ${loginPhrase(login)}`),
      ...(before?.foreign == null ? [] : [say`- what somebody else wrote into it: ${literal(before.foreign)}`]),
    ],
  });
};

const counted = (logins: readonly string[], word: string): string[] =>
  logins.length === 0 ? [] : [`${plural(logins.length, 'login')} ${word}`];

/** Logins that one side has and the other lacks, each once; an ARN where no target is meant. */
const beyond = (side: Policy | null, other: Policy | null): string[] => {
  const known = new Set(other?.entries.map(({ arn }) => arn));
  const logins = (side?.entries ?? []).filter(({ arn }) => !known.has(arn)).map(({ arn, login }) => login ?? arn);
  return [...new Set(logins)].sort(byCodeUnit);
};

/** `target/user` as a sentence says it: `orders_api on orders-prod`. */
export const loginPhrase = (login: string): Phrase => {
  const [, target, user] = /^([^/:]+)\/(.*)$/s.exec(login) ?? [];
  return target === undefined || user === undefined ? literal(login) : say`${user} on ${target}`;
};

const attachmentLine = (item: Indexed<'attachment'>): Line => {
  const { policy, principal } = attachmentOf(item.change);
  return lineOf([item], {
    symbol: item.change.after ? '+' : '-',
    noun: 'policy',
    subjects: [principalName(principal)],
    text: item.change.after ? say`attached: ${literal(policy)}` : say`detached: ${literal(policy)}`,
  });
};

const roleLine = (item: Indexed<'iam_role'>): Line => {
  const { before, after, key } = item.change;
  const [first, ...rest] = before && after ? differences(before, after) : [];
  return lineOf([item], {
    symbol: after === null ? '-' : before === null ? '+' : before.trust === after.trust ? '~' : '!',
    noun: 'iam role',
    subjects: [principalName(`role/${key}`)],
    text: after === null ? say`deleted` : before === null ? say`made, ${trustPhrase(after.trust)} may assume it` : (first ?? say`changed`),
    details: before === null && after ? attributes(after) : rest,
  });
};

const attributes = (role: IamRole): Phrase[] => [
  ...(role.boundary === null ? [] : [say`boundary ${literal(role.boundary)}`]),
  ...(role.description === '' ? [] : [say`description "${literal(role.description)}"`]),
  ...(role.maxSessionSeconds === 3600 ? [] : [say`max_session ${role.maxSessionSeconds} s`]),
  ...(Object.keys(role.tags).length === 0 ? [] : [say`tags ${literal(tagText(role.tags))}`]),
];

const differences = (before: IamRole, after: IamRole): Phrase[] => {
  const differ = (word: string, from: string, to: string): Phrase[] =>
    from === to ? [] : [say`${[word]} ${from === '' ? ['none'] : literal(from)} -> ${to === '' ? ['none'] : literal(to)}`];
  return [
    ...(before.trust === after.trust ? [] : [say`who may assume it: ${trustPhrase(before.trust)} -> ${trustPhrase(after.trust)}`]),
    ...differ('boundary', before.boundary ?? '', after.boundary ?? ''),
    ...differ('description', before.description, after.description),
    ...differ('max_session', `${before.maxSessionSeconds} s`, `${after.maxSessionSeconds} s`),
    ...differ('tags', tagText(before.tags), tagText(after.tags)),
  ];
};

const tagText = (tags: Readonly<Record<string, string>>): string =>
  Object.keys(tags)
    .sort(byCodeUnit)
    .map((key) => `${key}=${tags[key]}`)
    .join(', ');

type TrustStatement = { readonly Effect?: unknown; readonly Principal?: unknown; readonly Condition?: unknown };

/** Whom a trust policy lets in, in a few words; conditions follow where there are any. */
const trustPhrase = (trust: string): Phrase => {
  const parsed = parse(trust);
  if (parsed === undefined) return literal(trust);
  const listed = (parsed as { readonly Statement?: unknown } | null)?.Statement;
  const statements = (Array.isArray(listed) ? listed : [listed]) as readonly (TrustStatement | undefined)[];
  const allowed = statements.filter((one): one is TrustStatement => one?.Effect === 'Allow');
  if (allowed.length === 0) return ['nobody'];
  return join(
    allowed.map(({ Principal, Condition }) => {
      const names = typeof Principal === 'object' && Principal !== null ? Object.values(Principal).flat() : [Principal ?? 'all others'];
      const conditions = Condition === undefined ? [] : say`, where ${literal(conditionText(Condition))}`;
      return say`${literal(names.map(String).sort(byCodeUnit).join(', '))}${conditions}`;
    }),
    '; ',
  );
};

/** undefined: a plan that somebody edited. */
const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** `token.actions.githubusercontent.com:sub = repo:acme/access:*` */
const conditionText = (condition: unknown): string =>
  Object.values((condition ?? {}) as Record<string, unknown>)
    .flatMap((tests) => Object.entries((tests ?? {}) as Record<string, unknown>))
    .map(([key, value]) => `${key} = ${[value].flat().map(String).join(' or ')}`)
    .join(' and ');
