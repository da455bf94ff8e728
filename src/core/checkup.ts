import {
  CHECKUP_FORMAT,
  type Checked,
  type Checkup,
  type Evidence,
  type Read,
  type SavedEvidence,
  type TargetFacts,
} from '../model/checkup.ts';
import { rdsHost } from './rds-host.ts';

/** What one check says of evidence that was read: what was found, and what to do about it where it is not good. */
type Verdict = { readonly status: Checked['status']; readonly message: string; readonly hint?: string };

/** The parts of the evidence. */
export type Part = Exclude<keyof Evidence, 'target'>;

/** One precondition: what it needs to be read, whether it applies to a target at all, and what it says. */
export type Check = {
  readonly name: string;
  /** For those who list them. */
  readonly about: string;
  readonly needs: readonly Part[];
  /** Read as well where it fails: what to do about it is said better then. */
  readonly also?: readonly Part[];
  /** That it cannot be read is what it looks for. */
  readonly orFailed?: true;
  readonly applies: (evidence: Pick<Evidence, 'target'>) => boolean;
  readonly judge: (evidence: Evidence) => Verdict;
};

const passed = (message: string): Verdict => ({ status: 'passed', message });
const failed = (message: string, hint: string): Verdict => ({ status: 'failed', message, hint });

/** The value of a part that is there: `judge` is asked only then. */
const the = <T>(part: Read<T> | undefined): T => (part as { readonly value: T }).value;

const always = (): boolean => true;
const inAws = ({ target }: Pick<Evidence, 'target'>): boolean => target.inAws;
const tokens = ({ target }: Pick<Evidence, 'target'>): boolean => target.tokens;
const both = ({ target }: Pick<Evidence, 'target'>): boolean => target.inAws && target.tokens;
const byToken = ({ target }: Pick<Evidence, 'target'>): boolean => target.by === 'iam';
const withTls = ({ target }: Pick<Evidence, 'target'>): boolean => target.endpoint !== null && target.endpoint.tls !== 'disable';

const DAY_MS = 86_400_000;
/** RDS renews the certificates of its servers by itself; their authorities it does not. */
const SOON_DAYS = 30;
const SKEW_MS = 60_000;

/** The checks, in the order in which things happen when somebody logs in: the way there, who comes, the server, the user, the policies. */
export const CHECKS: readonly Check[] = [
  {
    name: 'reachable',
    about: 'something listens at the endpoint',
    needs: ['reach'],
    also: ['server'],
    applies: always,
    judge: ({ reach, server }) => {
      const { dialled, trouble } = the(reach);
      if (trouble === null) return passed(`${dialled} answers`);
      const groups = server && 'value' in server ? server.value.securityGroups : [];
      if (trouble === 'ECONNREFUSED')
        return failed(`nothing listens at ${dialled}`, 'start the server or the tunnel, or correct host and port');
      if (/^E(AI_|NOTFOUND)/.test(trouble))
        return failed(`the name in ${dialled} is not known`, 'correct it, or check name servers, VPN and private DNS');
      return failed(
        `no answer from ${dialled} (${trouble})`,
        `a security group, a network ACL or a route drops it: allow this port from here${groups.length === 0 ? '' : ` in ${groups.join(', ')}`}; a server that is not public needs a way into its VPC`,
      );
    },
  },
  {
    name: 'endpoint-name',
    about: 'tokens are signed for the name that RDS gave to the endpoint',
    needs: [],
    applies: (evidence) => tokens(evidence) && evidence.target.endpoint !== null,
    judge: ({ target: { endpoint } }) => {
      const { host } = endpoint!;
      if (rdsHost(host)) return passed(`'${host}' is a name of RDS`);
      return failed(
        `'${host}' is no name that RDS gave to an endpoint: it refuses tokens for any other`,
        "write the endpoint's own name as endpoint.host, and the address to dial as endpoint.via",
      );
    },
  },
  {
    name: 'tls',
    about: 'TLS is spoken, and the certificate is verified for this host',
    needs: ['tls'],
    applies: withTls,
    judge: ({ tls, target: { endpoint } }) => {
      const facts = the(tls);
      if (facts === null) return failed('the server speaks no TLS', 'turn it on at the server: tokens are never sent without it');
      const agreed = `${facts.protocol}, ${facts.cipher}; ${facts.subject}, signed by ${facts.issuer}`;
      if (facts.error === null || endpoint!.tls !== 'verify-full')
        return passed(`${agreed}${facts.error === null ? '' : ' (not verified, as the manifest says)'}`);
      const hint =
        facts.error === 'ERR_TLS_CERT_ALTNAME_INVALID'
          ? "write the endpoint's own name as endpoint.host; the address to dial is endpoint.via"
          : "name the authority's file in 'ca'; 'ca: rds' stands for those of RDS, and an RDS Proxy needs none";
      return failed(`the certificate is not trusted (${facts.error}): ${agreed}`, hint);
    },
  },
  {
    name: 'certificate-dates',
    about: "the server's certificate is valid, and stays so for a while",
    needs: ['tls'],
    applies: withTls,
    judge: ({ tls, target: { now } }) => {
      const facts = the(tls);
      if (facts === null) return failed('the server speaks no TLS: there is no certificate', 'turn TLS on at the server');
      const span = `valid from ${facts.validFrom} until ${facts.validUntil}`;
      if (instantOf(facts.validFrom) > now) return failed(`not valid yet: ${span}`, "check this machine's clock");
      return judgeDate(facts.validUntil, now, span, 'renew it; of RDS: aws rds modify-db-instance --ca-certificate-identifier');
    },
  },
  {
    name: 'instance-certificates',
    about: 'the certificate of every instance stays valid for a while',
    needs: ['server'],
    applies: inAws,
    judge: ({ server, target: { now } }) => {
      const { instances } = the(server);
      const dated = instances.flatMap(({ name, ca, certificateUntil }) =>
        certificateUntil === null ? [] : [{ name, ca, until: certificateUntil }],
      );
      const authorities = [...new Set(instances.map(({ ca }) => ca).filter(Boolean))].sort().join(', ') || 'no authority named';
      const first = [...dated].sort((a, b) => (a.until < b.until ? -1 : 1))[0];
      if (first === undefined) return passed(`${authorities}; AWS gives no dates`);
      return judgeDate(
        first.until,
        now,
        `${authorities}; the first to end is that of '${first.name}', on ${first.until}`,
        `let RDS make a new one: aws rds modify-db-instance --db-instance-identifier ${first.name} --ca-certificate-identifier rds-ca-rsa2048-g1`,
      );
    },
  },
  {
    name: 'credentials',
    about: 'AWS knows whoever runs this',
    needs: ['caller'],
    applies: (evidence) => inAws(evidence) || tokens(evidence),
    judge: ({ caller, target: { now } }) => {
      const { arn, expires } = the(caller);
      if (expires === null) return passed(arn);
      const minutes = Math.floor((instantOf(expires) - now) / 60_000);
      return minutes < 0
        ? failed(`${arn}: the credentials have expired at ${expires}`, 'get new ones: aws sso login, or whatever issued them')
        : passed(`${arn}, for ${minutes} more minutes`);
    },
  },
  {
    name: 'clock',
    about: "this machine's clock is that of AWS",
    needs: ['caller'],
    applies: (evidence) => inAws(evidence) || tokens(evidence),
    judge: ({ caller }) => {
      const { skewMs } = the(caller);
      if (skewMs === null) return passed('AWS did not say what time it is there');
      const seconds = Math.round(Math.abs(skewMs) / 1000);
      if (Math.abs(skewMs) <= SKEW_MS) return passed(seconds === 0 ? 'no difference to that of AWS' : `${seconds} seconds off`);
      return failed(`${seconds} seconds ${skewMs > 0 ? 'ahead' : 'behind'}: tokens are refused at five minutes`, 'set the clock (NTP)');
    },
  },
  {
    name: 'running',
    about: 'the server is available',
    needs: ['server'],
    applies: inAws,
    judge: ({ server }) => {
      const { kind, identifier, status, engine, resourceId } = the(server);
      const what = `${kind} '${identifier}' (${engine}, ${resourceId})`;
      return /^(available|backing-up|modifying|configuring-.*|upgrading|storage-optimization|)$/.test(status)
        ? passed(`${what} is ${status || 'there'}`)
        : failed(
            `${what} is ${status}`,
            status === 'stopped' ? `aws rds start-db-${kind} --db-${kind}-identifier ${identifier}` : 'wait until it is available',
          );
    },
  },
  {
    name: 'iam-authentication',
    about: 'IAM authentication is on, on the cluster and each instance, with nothing pending',
    needs: ['server'],
    applies: both,
    judge: ({ server }) => {
      const { kind, identifier, iam, instances } = the(server);
      const modify = `aws rds modify-db-${kind} --db-${kind}-identifier ${identifier} --enable-iam-database-authentication --apply-immediately`;
      if (!iam.on && iam.pending === true)
        return failed('it is switched on, and not yet in effect', `wait for the maintenance window, or: ${modify}`);
      if (!iam.on) return failed('it is off', modify);
      if (iam.pending === false) return failed('it is about to be switched off', `keep it: ${modify}`);
      const odd =
        kind === 'cluster'
          ? instances.filter((instance) => instance.iam.pending === false || (!instance.iam.on && instance.iam.pending === true))
          : [];
      if (odd.length > 0)
        return failed(`it is about to change on ${odd.map(({ name }) => name).join(', ')}`, 'wait until the instances are available');
      return passed(kind === 'cluster' && instances.length > 0 ? `on, for ${instances.map(({ name }) => name).join(', ')}` : 'on');
    },
  },
  {
    name: 'resource-id',
    about: "the id that policies name is the cluster's, or the instance's where it is in none",
    needs: ['server'],
    applies: both,
    judge: ({ server }) => {
      const { kind, resourceId } = the(server);
      const prefix = kind === 'cluster' ? 'cluster-' : 'db-';
      if (resourceId.startsWith(prefix)) return passed(resourceId);
      return failed(`the id of this ${kind} is '${resourceId}', and '${prefix}…' is expected`, 'ask AWS support: no policy can name it');
    },
  },
  {
    name: 'instance-class',
    about: 'the instances have memory for IAM authentication',
    needs: ['server'],
    applies: both,
    judge: ({ server }) => {
      const { engine, instances } = the(server);
      const named = (list: readonly { readonly name: string; readonly class: string }[]) =>
        list.map((one) => `${one.name} (${one.class})`).join(', ');
      const without = engine === 'aurora-mysql' ? instances.filter((one) => /^db\.t[23]\.small$/.test(one.class)) : [];
      if (without.length > 0) return failed(`${named(without)} takes no tokens`, 'choose a larger class');
      const small = instances.filter((one) => /^db\.t\w+\.(micro|small)$/.test(one.class));
      if (small.length > 0) return passed(`${named(small)} has little memory: now and then a token may be refused for it`);
      return passed(named(instances) || 'no instance');
    },
  },
  {
    name: 'log-export',
    about: 'why a token was refused is written to a log',
    needs: ['server'],
    applies: both,
    judge: ({ server }) => {
      const { kind, identifier, logExports } = the(server);
      if (logExports.includes('iam-db-auth-error')) return passed(`exported: ${logExports.join(', ')}`);
      return failed(
        `iam-db-auth-error is not exported${logExports.length === 0 ? '' : ` (${logExports.join(', ')} are)`}: a refused token leaves no trace`,
        `aws rds modify-db-${kind} --db-${kind}-identifier ${identifier} --cloudwatch-logs-export-configuration '{"EnableLogTypes":["iam-db-auth-error"]}'`,
      );
    },
  },
  {
    name: 'token',
    about: 'a token can be signed, for this host, port, region and user',
    needs: ['token'],
    applies: byToken,
    judge: ({ token, target: { endpoint, login } }) => {
      const { host, port, user, region, expiresSeconds, signedAt, length, temporary } = the(token);
      const meant = { host: endpoint?.host.toLowerCase().replace(/\.$/, '') ?? host, port: endpoint?.port ?? port, user: login ?? user };
      const off = Object.entries(meant).filter(([key, value]) => ({ host, port, user })[key] !== value);
      const at = `for ${user} at ${host}:${port} in ${region}, signed at ${signedAt}, good for ${expiresSeconds} seconds, ${length} characters${temporary ? ', with temporary keys' : ''}`;
      if (off.length > 0)
        return failed(
          `${at}, and meant is ${off.map(([key, value]) => `${key} ${value}`).join(', ')}`,
          'report this: the token is of no use',
        );
      return passed(at);
    },
  },
  {
    name: 'login',
    about: "Rolecall's own login is let in, as whom it says",
    needs: ['session'],
    orFailed: true,
    applies: always,
    judge: ({ session, target: { login } }) => {
      const { user, version } = the(session);
      if (login !== null && user !== login)
        return failed(`whoever logs in as '${login}' is '${user}'`, 'look for a pooler that maps users');
      return passed(`${user}, PostgreSQL ${version}`);
    },
  },
  {
    name: 'session-tls',
    about: 'the server says that the session is encrypted',
    needs: ['session'],
    applies: withTls,
    judge: ({ session, target: { endpoint } }) => {
      const { tls } = the(session);
      if (tls !== null) return passed(tls);
      // A proxy or a tunnel ends TLS before the server.
      if (endpoint?.via) return passed('not seen by the server, which is behind what is dialled');
      return failed(
        'the session is not encrypted, as the server sees it',
        "write tls: verify-full; behind a proxy this is the proxy's own connection",
      );
    },
  },
  {
    name: 'writer',
    about: 'changes are taken',
    needs: ['session'],
    applies: always,
    judge: ({ session }) =>
      the(session).readOnly
        ? failed('the server only reads', 'name the writer: the endpoint of the cluster, or the primary')
        : passed('the server takes changes'),
  },
  {
    name: 'rds-iam',
    about: "whether Rolecall's own login is under rds_iam, as it logs in",
    needs: ['session'],
    applies: (evidence) => inAws(evidence) || tokens(evidence),
    judge: ({ session, target: { by } }) => {
      const { user, iamPath, hasIamRole } = the(session);
      if (!hasIamRole) return failed('there is no role rds_iam', 'switch IAM authentication on: RDS makes the role');
      const path = iamPath?.join(' -> ');
      if (by === 'iam') return path ? passed(path) : failed(`'${user}' is not under rds_iam`, `as a master: GRANT rds_iam TO "${user}"`);
      return path
        ? failed(
            `'${user}' logs in with a password and is under rds_iam (${path}): RDS wants a token of it`,
            `REVOKE rds_iam FROM "${user}"`,
          )
        : passed(`'${user}' logs in with a password, and is not under rds_iam`);
    },
  },
  {
    name: 'administration',
    about: 'the declared roles that are there can be altered by the login',
    needs: ['session'],
    applies: always,
    judge: ({ session }) => {
      const { user, superuser, createrole, notAdministered, perGrantor } = the(session);
      if (superuser) return passed(`'${user}' is a superuser`);
      if (!createrole) return failed(`'${user}' has no CREATEROLE`, `as an administrator: ALTER ROLE "${user}" CREATEROLE`);
      if (notAdministered.length === 0)
        return passed(`'${user}' has CREATEROLE${perGrantor ? ' and ADMIN on every declared role that is there' : ''}`);
      const grants = notAdministered.map((role) => `GRANT ${quoted(role)} TO ${quoted(user)} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;`);
      return failed(`'${user}' has no ADMIN on ${notAdministered.map(quoted).join(', ')}`, `as a master: ${grants.join(' ')}`);
    },
  },
  {
    name: 'policies',
    about: 'every attached line about database logins names a user of a server that is there',
    needs: ['policies'],
    applies: (evidence) => both(evidence) && evidence.target.withPolicies,
    judge: ({ policies }) => {
      const { lines, whole } = the(policies);
      const counts = new Map<string, number>();
      for (const { kind } of lines) counts.set(kind, (counts.get(kind) ?? 0) + 1);
      const sum = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `${count} ${kind}`);
      const read = `${sum.join(', ') || 'no line about database logins'}${whole ? '' : ' (only of declared principals: the account may not be read whole)'}`;
      const vain = lines.filter(({ kind }) => VAIN.has(kind));
      if (vain.length === 0) return passed(read);
      const first = vain
        .slice(0, 3)
        .map(({ policy, resource, kind, right }) => `${policy} names '${resource}' (${kind}${right === null ? '' : `: write ${right}`})`);
      return failed(
        `${read}: ${first.join('; ')}${vain.length > 3 ? `; and ${vain.length - 3} more` : ''}`,
        'correct the policies: such a line lets nobody in; rolecall plan says which of them are ours',
      );
    },
  },
];

/** Kinds of lines that let nobody in. */
const VAIN: ReadonlySet<string> = new Set([
  'wrong-partition',
  'wrong-account',
  'wrong-region',
  'wrong-case',
  'identifier',
  'member',
  'malformed',
  'unknown-user',
]);

/** What is looked at besides where somebody wants to log in as a user: after the server, before the policies decide. */
export const LOGIN_CHECKS: readonly Check[] = [
  {
    name: 'user',
    about: 'the user is there, in this case',
    needs: ['user'],
    applies: always,
    judge: ({ user, target: { login } }) => {
      const { exists, like } = the(user);
      if (exists) return passed(`role ${quoted(login!)} is there`);
      return failed(
        `there is no role ${quoted(login!)}${like === null ? '' : `, and there is ${quoted(like)}`}`,
        like === null ? 'declare it, and apply' : 'names are told apart by case: correct it in the policy, the token and the client',
      );
    },
  },
  {
    name: 'user-login',
    about: 'its login is open',
    needs: ['user'],
    applies: always,
    judge: ({ user, target: { login } }) => {
      const facts = the(user);
      if (facts.login) return passed('LOGIN');
      if (facts.locked !== null) return failed(`it was locked on ${facts.locked}`, 'rolecall unlock takes the lock off');
      return failed(
        'its login is closed (NOLOGIN)',
        `enabled, until and removed of the manifest close it, else: ALTER ROLE ${quoted(login!)} LOGIN`,
      );
    },
  },
  {
    name: 'user-method',
    about: 'it is asked for what its client has: a token, or a password',
    needs: ['user'],
    applies: always,
    judge: ({ user, target: { login, by } }) => {
      const { iamPath, hasIamRole, adPath } = the(user);
      const path = iamPath?.join(' -> ');
      if (by === 'iam' && !hasIamRole)
        return failed('there is no role rds_iam: the server is none of RDS, or IAM authentication was never on', 'switch it on');
      if (by === 'iam' && !path)
        return failed('it is not under rds_iam: the server wants a password of it', `GRANT rds_iam TO ${quoted(login!)}`);
      if (by === 'iam' && adPath)
        return failed('it is under rds_iam and under rds_ad: AWS allows one of them', `REVOKE rds_ad FROM ${quoted(login!)}`);
      if (by === 'password' && path)
        return failed(
          `it is under rds_iam (${path}): the server wants a token of it, whatever its password`,
          'take rds_iam from it, or from the group that it has it by',
        );
      return passed(path ?? 'a password');
    },
  },
  {
    name: 'user-connections',
    about: 'its connection limit leaves room',
    needs: ['user'],
    applies: always,
    judge: ({ user }) => {
      const { connectionLimit, sessions } = the(user);
      if (connectionLimit < 0) return passed(`no limit, ${sessions} open`);
      return sessions < connectionLimit
        ? passed(`${sessions} of ${connectionLimit} open`)
        : failed(`all ${connectionLimit} of its connections are open`, 'end idle sessions, or raise connection_limit');
    },
  },
  {
    name: 'user-connect',
    about: 'it may connect to the database',
    needs: ['user'],
    applies: always,
    judge: ({ user, target: { login } }) => {
      const { database, connect } = the(user);
      if (connect === null) return failed(`there is no database ${quoted(database)}`, 'name another with --database');
      return connect
        ? passed(`CONNECT on ${quoted(database)}`)
        : failed(`it may not connect to ${quoted(database)}`, `GRANT CONNECT ON DATABASE ${quoted(database)} TO ${quoted(login!)}`);
    },
  },
  {
    name: 'user-policy',
    about: 'the policies let the principal in',
    needs: ['ways'],
    applies: byToken,
    judge: ({ ways }) => {
      const all = the(ways);
      const shut = all.find(({ judgement }) => judgement.verdict === 'denied' || judgement.verdict === 'not-allowed');
      const unsure = all.find(({ judgement }) => judgement.verdict === 'unknown');
      if (shut === undefined && unsure !== undefined)
        return {
          status: 'unread',
          message: `whether the policies let ${unsure.principal} in is not known${why([...unsure.judgement.why, ...unsure.judgement.unread])}`,
        };
      if (shut === undefined)
        return passed(all.map(({ principal, judgement }) => `${principal}: ${judgement.verdict}${why(judgement.why)}`).join('; '));
      const { principal, arn, judgement } = shut;
      if (judgement.elsewhere.length > 0)
        return failed(
          `${principal} may log in on ${judgement.elsewhere.join(', ')}, and this server is ${arn}`,
          'partition, region, account, resource id and the case of the user have to be exactly those: what was restored or cloned has a new id',
        );
      return judgement.verdict === 'denied'
        ? failed(
            `${principal} is denied rds-db:connect on ${arn}${why(judgement.why)}`,
            'an explicit Deny is undone by no Allow: take it away',
          )
        : failed(
            `no policy allows ${principal} to do rds-db:connect on ${arn}${why(judgement.why)}`,
            'declare it under the principals of the user, and apply',
          );
    },
  },
  {
    name: 'user-in',
    about: 'it is really let in',
    needs: ['login'],
    applies: always,
    judge: ({ login }) => {
      const { letIn, cause, told, hint } = the(login);
      return letIn
        ? passed(told)
        : failed(`${cause}: ${told}`, hint ?? "look into the server's log iam-db-auth-error: rolecall doctor --explain reads its lines");
    },
  },
];

const why = (reasons: readonly string[]): string => (reasons.length === 0 ? '' : ` (${reasons.slice(0, 3).join('; ')})`);
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** In this order, one after the other, where one login is looked into (the order of error and cause: nothing later matters before it). */
const ORDER: readonly string[] = [
  'reachable',
  'endpoint-name',
  'tls',
  'certificate-dates',
  'credentials',
  'clock',
  'running',
  'iam-authentication',
  'user',
  'user-login',
  'user-method',
  'user-connections',
  'user-connect',
  'user-policy',
  'token',
  'user-in',
];

const EVERY: readonly Check[] = [...CHECKS, ...LOGIN_CHECKS];

/** The names of all checks. */
export const CHECK_NAMES: readonly string[] = EVERY.map(({ name }) => name);

/** The checks to make, in order; of those that are named, where any are. */
export const checksFor = (target: TargetFacts, names: readonly string[]): readonly Check[] => {
  const every = target.asked ? ORDER.flatMap((name) => EVERY.find((check) => check.name === name) ?? []) : CHECKS;
  return every.filter((check) => check.applies({ target }) && (names.length === 0 || names.includes(check.name)));
};

/** What all of it comes to: every check of a target; of one login those up to the first that fails, which is the cause. */
export const checkupOf = ({ user, as, evidence, lost }: SavedEvidence, names: readonly string[]): Checkup => {
  const checks = [...lost, ...evidence.flatMap((one) => judged(one, checksFor(one.target, names)))];
  const count = (status: Checked['status']): number => checks.filter((one) => one.status === status).length;
  return {
    formatVersion: CHECKUP_FORMAT,
    user,
    as,
    checks,
    cause: user === null ? null : (checks.find(({ status }) => status === 'failed')?.check ?? null),
    summary: { passed: count('passed'), failed: count('failed'), unread: count('unread') },
  };
};

const judged = (evidence: Evidence, checks: readonly Check[]): readonly Checked[] => {
  const all = checks.map((check) => checkOf(check, evidence));
  const cause = evidence.target.asked ? all.findIndex(({ status }) => status === 'failed') : -1;
  return cause < 0 ? all : all.slice(0, cause + 1);
};

/** What a check comes to on this evidence. */
export const checkOf = ({ name, needs, orFailed, judge }: Check, evidence: Evidence): Checked => {
  const head = { target: evidence.target.name, check: name };
  for (const need of needs) {
    const part = evidence[need];
    if (part === undefined) return { ...head, status: 'unread', message: 'it was not looked at' };
    if ('unread' in part)
      return {
        ...head,
        status: orFailed ? 'failed' : 'unread',
        message: part.unread,
        ...(part.hint === undefined ? {} : { hint: part.hint }),
      };
  }
  return { ...head, ...judge(evidence) };
};

/** Milliseconds since 1970 of an RFC 3339 instant. */
const instantOf = (text: string): number => Date.parse(text);

const judgeDate = (until: string, now: number, message: string, hint: string): Verdict => {
  const days = Math.floor((instantOf(until) - now) / DAY_MS);
  if (days < 0) return failed(`expired: ${message}`, hint);
  return days < SOON_DAYS ? failed(`it ends in ${days} days: ${message}`, hint) : passed(message);
};
