import type { Checks } from './checks.ts';
import type { Content, Path, RoleEntry } from './content.ts';
import { placeText } from './merge.ts';
import { readPrincipal } from './principal.ts';
import { isList } from './view.ts';

/** A place that says which account it is about; `subject` as messages call it, `hint` where it is another one. */
type Pin = { readonly account: string; readonly path: Path; readonly subject: string; readonly hint?: string };

/** The account of the manifest: written at `iam`, or said by a target or an ARN; undefined where nothing says it. */
export const accountOf = (content: Content): string | undefined => {
  const known = found.get(content);
  if (known) return known.account;
  const [pin] = pins(content);
  found.set(content, { account: pin?.account });
  return pin?.account;
};

/** Asked for each target. */
const found = new WeakMap<Content, { readonly account: string | undefined }>();

/** One manifest is one account. */
export const checkAccount = ({ content, report, at }: Checks): void => {
  const [first, ...others] = pins(content);
  for (const { account, path, subject, hint } of others) {
    if (account === first!.account) continue;
    const message = `${subject} is of account ${account}, and ${first!.subject} (${placeText(at(first!.path))}) of ${first!.account}: one manifest is one account`;
    report('account', message, path, hint === undefined ? {} : { hint });
  }
};

const pins = (content: Content): Pin[] => [
  ...(content.iam?.account === undefined ? [] : [{ account: content.iam.account, path: ['iam', 'account'], subject: `'iam'` }]),
  ...Object.keys(content.targets).flatMap((name) => targetPins(content, name)),
  ...Object.entries(content.users ?? {}).flatMap(([name, entry]) => userPins(name, entry)),
  ...Object.entries(content.iam?.roles ?? {}).flatMap(([name, { boundary }]) =>
    pinOf(boundary, ['iam', 'roles', name, 'boundary'], `the boundary of role '${name}'`, 'a boundary is a policy of the same account'),
  ),
  ...Object.entries(content.alarms ?? {}).flatMap(([name, { notify: { topic } = {} }]) =>
    topic?.startsWith('arn:')
      ? pinOf(topic, ['alarms', name, 'notify', 'topic'], `the topic of alarm '${name}'`, 'an alarm tells a topic of its own account')
      : [],
  ),
];

const targetPins = ({ targets }: Content, name: string): Pin[] => {
  const { rds, endpoint } = targets[name]!;
  const hint = 'write a manifest of its own for the other account';
  const subject = `target '${name}'`;
  const path: Path = ['targets', name, rds ? 'rds' : 'endpoint'];
  const account = rds?.account ?? (typeof endpoint === 'object' ? endpoint.account : undefined);
  const role = rds?.assume_role;
  return [
    ...(account === undefined ? [] : [{ account, path: [...path, 'account'], subject, hint }]),
    ...(typeof role === 'string'
      ? pinOf(role, [...path, 'assume_role'], `the role that is assumed for ${subject}`, hint)
      : pinOf(role?.arn, [...path, 'assume_role', 'arn'], `the role that is assumed for ${subject}`, hint)),
  ];
};

const userPins = (name: string, entry: RoleEntry): Pin[] => {
  const overrides = entry.targets === undefined || isList(entry.targets) ? [] : Object.entries(entry.targets);
  const lists: readonly (readonly [readonly string[] | undefined, Path])[] = [
    [entry.principals, ['users', name, 'principals']],
    ...overrides.map(([target, { principals }]) => [principals, ['users', name, 'targets', target, 'principals']] as const),
  ];
  return lists.flatMap(([principals, path]) => (principals ?? []).flatMap((text, index) => principalPin(text, [...path, index])));
};

const principalPin = (text: string, path: Path): Pin[] => {
  const named = readPrincipal(text);
  if ('problem' in named || named.account === undefined) return [];
  const hint = `name a role of this account that it may assume: iam.roles: { NAME: { trust: { account: "${named.account}", external_id: … } } }`;
  return [{ account: named.account, path, subject: `principal '${text}'`, hint }];
};

const pinOf = (arn: string | undefined, path: Path, subject: string, hint: string): Pin[] => {
  const account = arn?.split(':')[4];
  return account === undefined || account === 'aws' ? [] : [{ account, path, subject, hint }];
};
