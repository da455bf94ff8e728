import { connectArn } from '../core/aws.ts';
import type { Declared } from '../model/declared.ts';
import { Failure, type Finding } from '../model/finding.ts';
import { type DeclaredIamRole, type Principal, principalKey } from '../model/iam.ts';
import type { Place } from '../model/place.ts';
import type { Expectation, Judgement } from '../model/proof.ts';
import type { Judge } from '../providers/iam/judge.ts';
import type { Caller, Credentials } from '../providers/rds/connect.ts';

/** How somebody comes to sign tokens: by keys; or why there are none, and what that means for the proof. */
export type Signer = { readonly credentials: Credentials } | { readonly message: string; readonly hint?: string };

/** Whom the expectations are about, and who asks. */
export type Principals = {
  /** Whoever runs this, as an identity; null: not known, or none that has policies. */
  readonly caller: Principal | null;
  readonly skewMs: number | null;
  readonly signer: (as: Expectation['as'], place: Place | undefined, region: string) => Promise<Signer>;
  /** What the policies say; null: nothing was read. */
  readonly judge: (who: Principal | null, place: Place | undefined, user: string) => Judgement | null;
  readonly findings: readonly Finding[];
};

export type PrincipalsOptions = {
  readonly account: Pick<Declared, 'target' | 'iam'>;
  readonly expectations: readonly Pick<Expectation, 'as' | 'by'>[];
  /** Whose STS is asked. */
  readonly region: string;
};

/** ■ Reads who runs this, and the policies of everybody who is expected to log in or not. What cannot be read is a finding, and no obstacle. */
export const principalsOf = async ({ account, expectations, region }: PrincipalsOptions): Promise<Principals> => {
  const findings: Finding[] = [];
  const { accessWith, credentialsOf } = await import('../providers/rds/connect.ts');
  const own = accessWith(undefined, region);
  const known = await orFinding(own.caller, findings);
  const caller = known && principalIn(known);
  const asked = new Map(
    expectations.flatMap(({ as, by }) => (by === 'iam' ? [as ?? caller] : [])).flatMap((one) => (one ? [[principalKey(one), one]] : [])),
  );
  const judge =
    known &&
    (await orFinding(async () => await (await import('../providers/iam/judge.ts')).judgeOf(account, [...asked.values()]), findings));
  const assumed = new Map<string, Promise<Signer>>();
  return {
    caller,
    skewMs: known?.skewMs ?? null,
    findings,
    signer: async (as, place, where) => {
      if (as === null || (caller && principalKey(as) === principalKey(caller) && isHere(as, known, place)))
        return { credentials: own.credentials };
      const arn = roleArn(as, place, known, judge, account.iam?.roles ?? []);
      if (typeof arn !== 'string') return arn;
      const key = `${where} ${arn}`;
      const signer = assumed.get(key) ?? assume(credentialsOf({ arn }, where), as);
      assumed.set(key, signer);
      return await signer;
    },
    judge: (who, place, user) => {
      const arn = place && placeArn(place, user);
      return who && judge && arn ? judge.judge(who, arn) : null;
    },
  };
};

/** What a policy has to allow for this user of a server. */
export const placeArn = ({ partition, account, resources }: Place, user: string): string | undefined =>
  resources[0] && connectArn({ partition, region: resources[0].region, account, resource: resources[0].id, user });

const orFinding = async <T>(work: () => Promise<T>, findings: Finding[]): Promise<T | null> => {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const [first] = error.findings;
    if (first && !findings.some(({ message }) => message === first.message)) findings.push({ ...first, severity: 'warning' });
    return null;
  }
};

/** A session of a role is that role; the root user has no policies. */
const principalIn = ({ arn }: Caller): Principal | null => {
  const role = /:assumed-role\/([^/]+)\//.exec(arn)?.[1];
  if (role !== undefined) return { kind: 'role', name: role };
  const user = /:user\/(?:.*\/)?([^/]+)$/.exec(arn)?.[1];
  return user === undefined ? null : { kind: 'user', name: user };
};

const isHere = (as: NonNullable<Expectation['as']>, caller: Caller | null, place: Place | undefined): boolean =>
  caller !== null && caller.account === (as.arn?.split(':')[4] ?? place?.account ?? caller.account);

/** Names of roles are unique in an account; to assume one its path is needed as well. */
const roleArn = (
  as: NonNullable<Expectation['as']>,
  place: Place | undefined,
  caller: Caller | null,
  judge: Judge | null,
  roles: readonly DeclaredIamRole[],
): string | Exclude<Signer, { readonly credentials: Credentials }> => {
  const key = principalKey(as);
  if (as.kind !== 'role') return { message: `'${key}' cannot be assumed: it is an IAM user`, hint: `run it with the keys of '${as.name}'` };
  const account = place?.account ?? caller?.account;
  const read = judge?.arnOf(as);
  if (read === null) return { message: `'${key}' cannot be assumed: there is no such role${account ? ` in account ${account}` : ''}` };
  if (as.arn !== undefined) return as.arn;
  if (read !== undefined) return read;
  if (account === undefined) return { message: `'${key}' cannot be assumed: its account is not known`, hint: 'write its ARN' };
  const path = roles.find(({ name }) => name === as.name)?.path ?? '/';
  return `arn:${place?.partition ?? caller?.arn.split(':')[1] ?? 'aws'}:iam::${account}:role${path}${as.name}`;
};

const assume = async (credentials: Credentials, as: Principal): Promise<Signer> => {
  try {
    await credentials();
    return { credentials };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const [{ message, hint }] = error.findings as [Finding];
    return { message: `'${principalKey(as)}' cannot be assumed: ${message}`, ...(hint === undefined ? {} : { hint }) };
  }
};
