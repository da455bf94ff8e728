import type { Cause, Judgement, LoginFacts, Refusal } from '../model/proof.ts';

/** What is known of a login that was denied. */
export type Denied = {
  readonly user: string;
  readonly by: 'iam' | 'password';
  readonly refusal: Refusal;
  /** What the server, or the network before it, said. */
  readonly said: string;
  readonly hint?: string;
  /** null: the catalog could not be read. */
  readonly facts: LoginFacts | null;
  /** null: no policy was read. */
  readonly judgement: Judgement | null;
  /** The ARN that a policy has to allow; null: not known. */
  readonly arn: string | null;
  /** Of the server: null where it is not known. */
  readonly iamAuthentication: boolean | null;
  /** The clock is so wrong that tokens are refused. */
  readonly clockWrong: boolean;
};

/**
 * The most likely cause, and whether it is one that keeps this login out for good: `yes`: by its policies, its role or its marks;
 * `no`: by something that has nothing to do with whether it may log in; `unknown`: that cannot be told from here.
 */
export type Diagnosis = {
  readonly cause: Cause;
  readonly meant: 'yes' | 'no' | 'unknown';
  readonly message: string;
  readonly hint?: string;
};

/** Why a login was denied, in the order in which things happen: the way there, the server, the user, its database, the policies. */
export const diagnose = (denied: Denied): Diagnosis => {
  const { refusal, said, hint } = denied;
  if (refusal === 'authentication') return denied.by === 'iam' ? ofToken(denied) : ofPassword(denied);
  if (refusal === 'password-asked') return notMarked(denied);
  if (refusal === 'ticket-asked') return forKerberos(denied);
  if (refusal === 'closed')
    return { cause: 'no-login', meant: 'yes', message: `its login is closed: ${said}`, ...(hint === undefined ? {} : { hint }) };
  return { cause: refusal, meant: 'no', message: said, ...(hint === undefined ? {} : { hint }) };
};

/** The server says no more of a refused token than that: what it may be is looked up, in the order in which it counts. */
const ofToken = (denied: Denied): Diagnosis => {
  const { user, facts, judgement, arn, iamAuthentication, clockWrong } = denied;
  if (clockWrong)
    return { cause: 'clock', meant: 'no', message: "this machine's clock is wrong: every token is refused", hint: 'set the clock (NTP)' };
  if (iamAuthentication === false)
    return {
      cause: 'iam-off',
      meant: 'no',
      message: 'IAM authentication of the server is off: every token is refused',
      hint: 'switch it on: --enable-iam-database-authentication',
    };
  if (facts && !facts.exists) return notThere(denied, facts);
  if (facts?.lacks !== undefined) return notAdmitted(facts.lacks, denied.said);
  if (facts?.ad) return forKerberos(denied);
  if (facts && !facts.iam) return notMarked(denied);
  if (judgement === null)
    return {
      cause: 'unexplained',
      meant: 'unknown',
      message: `its token was refused, and its policies could not be read: whether they are the reason is not known`,
      hint: 'let whoever runs this read the principal: iam:GetRole, iam:ListRolePolicies, iam:GetRolePolicy, iam:ListAttachedRolePolicies, iam:GetPolicy, iam:GetPolicyVersion, iam:ListPolicyVersions',
    };
  const named = arn ?? `…/${user}`;
  if (judgement.verdict === 'denied')
    return { cause: 'policy', meant: 'yes', message: `a policy denies rds-db:connect on ${named}: ${listed(judgement.why)}` };
  if (judgement.verdict === 'not-allowed' && judgement.unread.length === 0) {
    if (judgement.elsewhere.length > 0) return wrongResource(judgement, named);
    if (judgement.why.length > 0) return notInside(judgement, named);
    return {
      cause: 'policy',
      meant: 'yes',
      message: `no policy allows rds-db:connect on ${named}`,
      hint: 'declare it among the principals of the user, and apply',
    };
  }
  if (facts && !facts.login) return { cause: 'no-login', meant: 'yes', message: 'its login is closed' };
  const why =
    judgement.verdict === 'allowed'
      ? `its policies, as far as they are read, allow rds-db:connect on ${named} (${listed(judgement.why)})`
      : `whether its policies allow rds-db:connect on ${named} is not known (${listed([...judgement.why, ...judgement.unread])})`;
  return {
    cause: 'unexplained',
    meant: 'unknown',
    message: `its token was refused, and ${why}`,
    hint: "what is not read are policies of the organization and of sessions; what was just attached counts after a few seconds. The server's log iam-db-auth-error tells which it is",
  };
};

const notInside = ({ why }: Judgement, named: string): Diagnosis => ({
  cause: 'policy',
  meant: 'yes',
  message: `rds-db:connect on ${named} is not allowed: ${listed(why)}`,
  hint: "let the permissions boundary allow rds-db:connect on the user's ARN",
});

const wrongResource = ({ elsewhere }: Judgement, named: string): Diagnosis => ({
  cause: 'resource-id',
  meant: 'yes',
  message: `its policies allow ${listed(elsewhere)}, and the server is ${named}`,
  hint: 'partition, region, account, resource id and the case of the user have to be exactly those: a restored or replaced server has a new id',
});

/** Only who is marked for IAM is asked for a token: by rds_iam, or by a plugin. */
const notMarked = (denied: Denied): Diagnosis => {
  const { facts, said, hint } = denied;
  if (facts && !facts.exists) return notThere(denied, facts);
  const told = hint === undefined ? {} : { hint };
  if (facts === null) return { cause: 'no-iam-user', meant: 'unknown', message: `${said}; the catalog could not be read`, ...told };
  return {
    cause: 'no-iam-user',
    meant: 'yes',
    message: 'the server wanted a password and no token: the user is not marked for IAM',
    ...told,
  };
};

/** One login has one way: whoever is marked for Kerberos is asked for a ticket (RDS User Guide, "Using Kerberos authentication"). */
const forKerberos = (denied: Denied): Diagnosis => {
  const { user, by, facts, said } = denied;
  if (facts && !facts.exists) return notThere(denied, facts);
  const hint = `REVOKE rds_ad FROM "${user}", or from the group that it has it by`;
  if (by === 'password') {
    const message = facts?.ad ? 'it is under rds_ad, and so logs in with a Kerberos ticket only: its password is not looked at' : said;
    return { cause: 'kerberos', meant: 'no', message, hint };
  }
  if (facts === null) return { cause: 'kerberos', meant: 'unknown', message: `${said}; the catalog could not be read`, hint };
  if (facts.iam) return { cause: 'kerberos', meant: 'no', message: 'it is under rds_iam and under rds_ad: AWS allows one of them', hint };
  return {
    cause: 'no-iam-user',
    meant: 'yes',
    message: 'the server wanted a Kerberos ticket and no token: the user is not marked for IAM, but under rds_ad',
    hint,
  };
};

const notThere = ({ user }: Denied, { like }: LoginFacts): Diagnosis => ({
  cause: 'no-user',
  meant: 'no',
  message: `there is no user '${user}' on the server${like === null ? '' : `, but one called '${like}'`}`,
  hint: like === null ? 'apply the manifest first' : 'names are told apart by case',
});

const notAdmitted = (lacks: string, said: string): Diagnosis => ({
  cause: 'not-admitted',
  meant: 'no',
  message: `the user has to have ${lacks}; the server says no more than of a wrong password: ${said}`,
});

const ofPassword = (denied: Denied): Diagnosis => {
  const { said, hint, facts } = denied;
  if (facts && !facts.exists) return notThere(denied, facts);
  if (facts?.iam)
    return {
      cause: 'iam-only',
      meant: 'no',
      message: 'it is marked for IAM, and so logs in with a token only: its password is not looked at',
      hint: 'take the mark (rds_iam on PostgreSQL) from it, or from the group that it has it by',
    };
  if (facts?.ad) return forKerberos(denied);
  if (facts && !facts.login) return { cause: 'no-login', meant: 'yes', message: 'its login is closed' };
  if (facts?.lacks !== undefined) return notAdmitted(facts.lacks, said);
  if (facts && !facts.valid)
    return { cause: 'password', meant: 'yes', message: 'the time until which its password is good has passed (VALID UNTIL)' };
  return { cause: 'password', meant: 'no', message: said, ...(hint === undefined ? {} : { hint }) };
};

const MOST = 3;
const listed = (texts: readonly string[]): string => {
  const shown = texts.slice(0, MOST).join('; ');
  return texts.length > MOST ? `${shown}; and ${texts.length - MOST} more` : shown;
};
