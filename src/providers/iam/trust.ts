import type { Trust } from '../../model/iam.ts';
import { byCodeUnit } from '../../model/key.ts';
import type { Partition } from '../../model/place.ts';
import { CURRENT, listOf, readDocument, type Statement } from './document.ts';
import { covers, isPattern } from './glob.ts';
import type { RawDocument } from './snapshot.ts';

/** The trust policy of a role that we create: who may assume it, and on which condition. */
export const trustDocument = (trust: Trust, account: string, partition: Partition): object => {
  switch (trust.kind) {
    case 'service':
      return document({ Principal: { Service: sorted(trust.services) }, Action: actionsOf(trust.services) });
    case 'account':
      return document({
        Principal: { AWS: `arn:${partition}:iam::${trust.account}:root` },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': trust.externalId } },
      });
    case 'github':
      return document({
        Principal: { Federated: `arn:${partition}:iam::${account}:oidc-provider/${GITHUB}` },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: githubCondition(sorted(trust.subjects)),
      });
    case 'policy':
      return trust.document;
  }
};

/** Why a trust policy lets in more than one would think, or nobody: one sentence each, in the order of its statements. */
export const trustFaults = (trust: RawDocument): readonly string[] => {
  const { statements, problems } = readDocument(trust);
  return [...problems, ...statements.filter(({ effect }) => effect === 'Allow').flatMap((statement) => statementFaults(statement))];
};

/** Identities that a trust policy named and that are deleted: IAM leaves their ids. Writing the ARN anew heals it. */
export const goneIdentities = (trust: RawDocument): readonly string[] =>
  readDocument(trust).statements.flatMap(({ principal }) => listOf(principal?.AWS).filter(isGone).map(goneText));

const isGone = (name: string): boolean => /^A(?:ROA|IDA)[A-Z0-9]+$/.test(name);

const goneText = (name: string): string =>
  `it names '${name}', which is what IAM leaves of an identity that was deleted: one made anew under the same name is another`;

const GITHUB = 'token.actions.githubusercontent.com';

const document = (statement: object): object => ({ Version: CURRENT, Statement: [{ Effect: 'Allow', ...statement }] });

const sorted = (texts: readonly string[]): readonly string[] => [...new Set(texts)].sort(byCodeUnit);

/** EKS Pod Identity puts tags on every session that it makes. */
const actionsOf = (services: readonly string[]): string | readonly string[] =>
  services.some((service) => service.startsWith('pods.eks.')) ? ['sts:AssumeRole', 'sts:TagSession'] : 'sts:AssumeRole';

/** A subject may leave the branch open, never the repository; `*` means something to StringLike alone. */
const githubCondition = (subjects: readonly string[]): object => {
  const audience = { [`${GITHUB}:aud`]: 'sts.amazonaws.com' };
  const subject = { [`${GITHUB}:sub`]: subjects };
  return subjects.some(isPattern) ? { StringEquals: audience, StringLike: subject } : { StringEquals: { ...audience, ...subject } };
};

const statementFaults = (statement: Statement): readonly string[] => {
  const principals = Object.entries(statement.principal ?? {}).flatMap(([kind, names]) => listOf(names).map((name) => ({ kind, name })));
  const faults = principals.flatMap(({ kind, name }) => principalFaults(kind, name, statement));
  return statement.principal && 'NotPrincipal' in statement.principal ? ['everybody but those named may assume it', ...faults] : faults;
};

const principalFaults = (kind: string, name: string, statement: Statement): readonly string[] => {
  if (name === '*') return statement.conditions.length === 0 ? ['anybody may assume it, of any account'] : [];
  if (kind === 'AWS' && isGone(name)) return [goneText(name)];
  return kind === 'Federated' && name.endsWith(`:oidc-provider/${GITHUB}`) ? githubFaults(statement) : [];
};

/** One provider signs for every repository of GitHub: only the subject tells them apart. */
const githubFaults = ({ conditions }: Statement): readonly string[] => {
  const subjects = conditions.filter(({ key }) => key.toLowerCase() === `${GITHUB}:sub`);
  if (subjects.length === 0) return ['every repository of GitHub may assume it: no condition names the subject'];
  const like = subjects.filter(({ operator }) => /like(ifexists)?$/i.test(operator)).flatMap(({ values }) => values);
  return like.filter(isOpenSubject).map((subject) => `subject '${subject}' is of more than one repository`);
};

/** Whether a pattern would also take a repository that it does not name. */
const isOpenSubject = (subject: string): boolean => isPattern(/^repo:[^:]*/.exec(subject)?.[0] ?? '*') || covers(subject, 'repo:x/x:x');
