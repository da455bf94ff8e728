import type { Trust } from '../model/iam.ts';
import { distinct } from '../model/key.ts';
import type { Path, TrustEntry } from './content.ts';
import type { Report } from './view.ts';

const KINDS = ['service', 'account', 'github', 'policy'] as const;

/** Who may assume a role; what is wrong is reported. */
export const trustOf = (entry: TrustEntry, path: Path, report: Report): Trust | undefined => {
  const { service, account, external_id: externalId, github, policy } = entry;
  const kinds = KINDS.filter((key) => entry[key] !== undefined);
  if (kinds.length !== 1) {
    const found = kinds.length === 0 ? 'names nobody' : `names ${kinds.join(' and ')}`;
    report('trust', `'trust' ${found}, expected one of ${KINDS.join(', ')}`, path, {}, 'key');
    return undefined;
  }
  if (externalId !== undefined && account === undefined)
    report('trust', `'external_id' is for 'account', found '${kinds[0]}'`, [...path, 'external_id'], { hint: 'remove it' }, 'key');
  if (service !== undefined) return { kind: 'service', services: distinct([service].flat()) };
  if (github) return fromGithub(github, [...path, 'github'], report);
  if (policy) return { kind: 'policy', document: policy };
  if (externalId !== undefined) return { kind: 'account', account: account!, externalId };
  report(
    'trust',
    `'trust' names account ${account} and no 'external_id'`,
    path,
    {
      hint: 'add external_id: TEXT: without it whoever can make that account act could use its trust',
    },
    'key',
  );
  return undefined;
};

const fromGithub = (entry: NonNullable<TrustEntry['github']>, path: Path, report: Report): Trust | undefined => {
  const { repository, branches = [], environments = [], subjects = [] } = entry;
  const repo = `repo:${repository}:`;
  for (const [index, subject] of subjects.entries()) {
    if (subject.startsWith('repo:') && !subject.startsWith(repo))
      report('trust', `subject '${subject}' is of another repository than '${repository}'`, [...path, 'subjects', index], {
        hint: 'one role trusts one repository: declare another role for the other',
      });
  }
  if (branches.length + environments.length + subjects.length === 0) {
    report(
      'trust',
      `'github' trusts '${repository}' and does not say what of it`,
      path,
      { hint: 'add branches: [main], or environments' },
      'key',
    );
    return undefined;
  }
  const all = [
    ...branches.map((branch) => `${repo}ref:refs/heads/${branch}`),
    ...environments.map((environment) => `${repo}environment:${environment}`),
    ...subjects.map((subject) => (subject.startsWith('repo:') ? subject : `${repo}${subject}`)),
  ];
  return { kind: 'github', subjects: distinct(all) };
};

/** Whether a verbatim policy lets anybody in: everybody of AWS, and without a condition. */
export const trustsAnybody = ({ policy }: TrustEntry): boolean =>
  (policy?.Statement ?? []).some(
    ({ Effect, Principal = {}, Condition = {} }) =>
      Effect === 'Allow' &&
      Object.keys(Condition).length === 0 &&
      (Principal === '*' || [(Principal as { readonly AWS?: string | readonly string[] }).AWS ?? []].flat().includes('*')),
  );
