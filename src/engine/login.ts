import { nearest } from '../core/nearest.ts';
import type { Declared, DeclaredRole, Target } from '../model/declared.ts';
import { Failure, type Finding, failure } from '../model/finding.ts';
import { distinct } from '../model/key.ts';
import { regionInHost } from '../model/rds-host.ts';
import { locate } from './locate.ts';
import type { Session } from './session.ts';

/** Who logs in, and the IAM role that is assumed first. */
export type LoginOptions = { readonly user: string; readonly as?: string };

/** `own`: it is Rolecall's own login, whose password the environment may hold. */
export type UserLogin = { readonly target: Target; readonly user: string; readonly own: boolean; readonly findings: readonly Finding[] };

/** ■ The one target of a session as a user of it logs in there: its address is known, and a login by IAM has its tokens. */
export const loginOf = async (session: Session, { user, as }: LoginOptions): Promise<UserLogin> => {
  const [declared, ...others] = session.declareds;
  if (declared === undefined || others.length > 0)
    throw failure('login/target', `it is not said on which target '${user}' logs in`, {
      hint: `write ${user}@TARGET with one of: ${session.declareds.map(({ target }) => target.name).join(', ')}`,
    });
  const meant = { ...declared, target: targetOf(declared, user) };
  const { declareds, findings } = await locate({ ...session, declareds: [meant], account: null, watch: null, elsewhere: [] });
  const target = declareds[0]?.target;
  if (target === undefined) throw new Failure(findings);
  if (target.login.auth === 'iam' && target.login.token === undefined)
    throw failure('login/place', `'${user}' logs in by IAM, and where target '${target.name}' is in AWS is not known`, {
      hint: 'write rds: { cluster: …, region: … }, or endpoint: { host: … } with the name that RDS gave it',
      source: target.source,
    });
  return {
    target: as === undefined ? target : await assuming(target, as),
    user,
    own: roleOf(declared, user) === undefined,
    findings: declareds[0]!.findings,
  };
};

/** What the manifest says of a user, whatever the host of its accounts: the server chooses among them. */
const roleOf = ({ roles }: Pick<Declared, 'roles'>, user: string): DeclaredRole | undefined =>
  roles.get(user) ?? [...roles.values()].find(({ account }) => account?.user === user);

/** The target with the user's login in place of Rolecall's own. */
const targetOf = ({ target, roles }: Declared, user: string): Target => {
  const role = roleOf({ roles }, user);
  const own = [target.login.user, target.login.planUser].includes(user);
  if (role === undefined && own) return { ...target, login: { ...target.login, user } };
  const problem =
    role === undefined
      ? 'nothing declares it'
      : role.kind === 'group'
        ? 'it is a group'
        : role.auth === 'none' || !role.enabled || role.expired
          ? 'its login is closed in the manifest'
          : undefined;
  if (role === undefined || problem !== undefined) {
    const users = distinct([...roles.values()].filter(({ kind }) => kind === 'user').map(({ name, account }) => account?.user ?? name));
    const meant = role === undefined ? nearest(user, users) : undefined;
    throw failure('login/user', `'${user}' does not log in on target '${target.name}': ${problem}`, {
      ...(role ? { source: role.source } : meant === undefined ? {} : { hint: `did you mean '${meant}'?` }),
    });
  }
  const { auth, password } = role;
  return { ...target, login: { user, auth: auth === 'iam' ? 'iam' : 'password', ...(password ? { password } : {}) } };
};

/** Tokens are signed with the keys of the IAM role instead of one's own. */
const assuming = async (target: Target, as: string): Promise<Target> => {
  const { endpoint, login, place } = target;
  if (login.auth !== 'iam' || endpoint.kind !== 'explicit')
    throw failure('login/as', `'${login.user}' logs in with a password on target '${target.name}': no IAM role is needed`, {
      hint: 'leave --as out',
    });
  const region = place?.region ?? endpoint.aws?.region ?? regionInHost(endpoint.host) ?? '';
  const { credentialsOf } = await import('../providers/rds/connect.ts');
  const { tokenFor } = await import('../providers/rds/token.ts');
  const credentials = credentialsOf({ arn: roleArn(target, as) }, region);
  const { host, port } = endpoint;
  return { ...target, login: { ...login, token: (user) => tokenFor({ host, port, region, user, credentials }) } };
};

const roleArn = ({ name, place }: Target, as: string): string => {
  if (/^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/.test(as)) return as;
  const role = /^role\/([\w+=,.@-]+)$/.exec(as)?.[1];
  if (role === undefined) throw failure('login/as', `'${as}' is no IAM role, expected role/NAME or its ARN`);
  if (place?.account) return `arn:${place.partition}:iam::${place.account}:role/${role}`;
  throw failure('login/as', `the account of '${as}' is not known: target '${name}' does not say where it is`, {
    hint: 'write the ARN of the role',
  });
};
