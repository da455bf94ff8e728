import type { DeclaredIamRole } from '../model/iam.ts';
import { byCodeUnit } from '../model/key.ts';
import type { Checks } from './checks.ts';
import type { Content, IamRoleEntry, Path } from './content.ts';
import { placeText } from './merge.ts';
import { nameProblem, readPrincipal, reserved } from './principal.ts';
import { trustOf, trustsAnybody } from './trust.ts';
import { isList, noReport } from './view.ts';

/** Longest path that IAM takes. */
const LONGEST_PATH = 512;
/** Tags of a resource that IAM takes, without those that Rolecall sets. */
const MOST_TAGS = 40;

/** Where our policies and roles live in the account. */
export const pathOf = ({ iam, stack }: Content): string => iam?.path ?? `/rolecall/${stack}/`;

/** A manifest is about the account when it has a section for it, or somebody may log in through it. */
export const concernsIam = (content: Content): boolean => content.iam !== undefined || principalPlaces(content).length > 0;

/** The account: where our policies live, and the roles that we create. */
export const checkIam = (checks: Checks): void => {
  const { content, report, warn } = checks;
  const places = principalPlaces(content);
  if (content.iam === undefined && places.length > 0 && !checks.has('iam', 'account'))
    warn(
      'iam',
      `the manifest has principals and no 'iam': once the last principal is gone, its policy is not looked for`,
      places[0]!.path,
      {
        hint: 'add iam: { account: "ACCOUNT" }',
      },
    );
  if (content.stack !== undefined) checkPath(checks, pathOf(content), ['iam', 'path']);
  for (const [name, entry] of Object.entries(content.iam?.roles ?? {})) {
    const path: Path = ['iam', 'roles', name];
    const wrong = reserved(name, '') ?? problemOf(nameProblem(name, 64));
    if (wrong) report('iam-role', `IAM role '${name}' ${wrong.problem}`, path, wrong.hint === undefined ? {} : { hint: wrong.hint }, 'key');
    trustOf(entry.trust, [...path, 'trust'], report);
    if (trustsAnybody(entry.trust))
      warn('trust', `the policy lets anybody of AWS assume role '${name}'`, [...path, 'trust', 'policy'], {
        hint: 'name who may, or add a Condition',
      });
    if (entry.trust.github?.subjects?.some((subject) => /^(repo:[^:]*:)?\*$/.test(subject)))
      warn(
        'trust',
        `any branch and any pull request of '${entry.trust.github.repository}' may assume role '${name}'`,
        [...path, 'trust', 'github'],
        {
          hint: 'name branches or environments',
        },
      );
    if (entry.path !== undefined) checkPath(checks, entry.path, [...path, 'path']);
    checkSession(checks, entry, path);
    checkTags(checks, entry, path);
  }
  checkSpelling(checks);
};

/** IAM roles that we create, by name. */
export const iamRolesOf = (content: Content, at: Checks['at']): DeclaredIamRole[] =>
  Object.entries(content.iam?.roles ?? {})
    .map(([name, entry]) => ({
      name,
      trust: trustOf(entry.trust, [], noReport)!,
      boundary: entry.boundary ?? null,
      path: entry.path ?? pathOf(content),
      description: entry.description ?? '',
      maxSessionSeconds: sessionOf(entry.max_session),
      tags: Object.fromEntries(Object.entries(entry.tags ?? {}).sort(([a], [b]) => byCodeUnit(a, b))),
      source: at(['iam', 'roles', name], 'key'),
    }))
    .sort((a, b) => byCodeUnit(a.name, b.name));

const problemOf = (problem: string | undefined): { readonly problem: string; readonly hint?: string } | undefined =>
  problem === undefined ? undefined : { problem };

const checkPath = ({ report }: Checks, path: string, place: Path): void => {
  if (path.length > LONGEST_PATH)
    report('iam-path', `the path of IAM has ${path.length} characters, expected at most ${LONGEST_PATH}`, place, {
      hint: 'write a shorter iam.path',
    });
  else if (/^\/aws-(reserved|service-role)\//.test(path))
    report('iam-path', `path '${path}' is kept by AWS for itself`, place, { hint: 'such as /rolecall/' });
};

const UNITS = { s: 1, m: 60, h: 3600 };

const sessionOf = (written: IamRoleEntry['max_session'] = 3600): number =>
  typeof written === 'number' ? written : Number.parseInt(written, 10) * UNITS[written.at(-1) as keyof typeof UNITS];

const checkSession = ({ report }: Checks, { max_session: written }: IamRoleEntry, path: Path): void => {
  const seconds = sessionOf(written);
  if (seconds < 3600 || seconds > 43200)
    report('iam-role', `'max_session' is ${String(written)}, expected 1h to 12h`, [...path, 'max_session']);
};

const checkTags = ({ report }: Checks, { tags = {} }: IamRoleEntry, path: Path): void => {
  const keys = Object.keys(tags);
  if (keys.length > MOST_TAGS)
    report('iam-role', `role '${path[2]}' has ${keys.length} tags, expected at most ${MOST_TAGS}`, [...path, 'tags'], {}, 'key');
  for (const key of keys) {
    const ours = /^(aws:|rolecall:)/i.exec(key)?.[0];
    if (ours !== undefined)
      report(
        'iam-role',
        `tag '${key}' begins with '${ours}', which ${ours === 'aws:' ? 'AWS' : 'Rolecall'} sets itself`,
        [...path, 'tags', key],
        {},
        'key',
      );
    else if (!/^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,128}$/u.test(key))
      report(
        'iam-role',
        `tag '${key}' is no key that IAM takes, expected 1 to 128 letters, digits, spaces and _.:/=+@-`,
        [...path, 'tags', key],
        {},
        'key',
      );
  }
};

type Named = { readonly key: string; readonly path: Path; readonly part?: 'key' };

/** To IAM names that differ only in case are one name. */
const checkSpelling = ({ content, report, at }: Checks): void => {
  const seen = new Map<string, Named>();
  const roles = Object.keys(content.iam?.roles ?? {}).map(
    (name): Named => ({ key: `role/${name}`, path: ['iam', 'roles', name], part: 'key' }),
  );
  for (const named of [...roles, ...principalPlaces(content)]) {
    const first = seen.get(named.key.toLowerCase());
    if (first === undefined) seen.set(named.key.toLowerCase(), named);
    else if (first.key !== named.key)
      report(
        'spelling',
        `'${named.key}' is '${first.key}' at ${placeText(at(first.path, first.part))} to IAM, which does not tell names by case`,
        named.path,
        { hint: 'write it as it is in the account' },
        named.part,
      );
  }
};

const principalPlaces = ({ users }: Content): Named[] =>
  Object.entries(users ?? {}).flatMap(([name, { principals, targets }]) => [
    ...placesIn(principals, ['users', name, 'principals']),
    ...(targets === undefined || isList(targets)
      ? []
      : Object.entries(targets).flatMap(([target, override]) =>
          placesIn(override.principals, ['users', name, 'targets', target, 'principals']),
        )),
  ]);

const placesIn = (principals: readonly string[] | undefined, path: Path): Named[] =>
  (principals ?? []).flatMap((text, index) => {
    const named = readPrincipal(text);
    return 'problem' in named ? [] : [{ key: `${named.principal.kind}/${named.principal.name}`, path: [...path, index] }];
  });
