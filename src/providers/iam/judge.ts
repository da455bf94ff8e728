import type { Declared } from '../../model/declared.ts';
import { type Principal, principalKey } from '../../model/iam.ts';
import type { Judgement } from '../../model/proof.ts';
import { connect } from './connect.ts';
import { connectEvaluator, describeWhy } from './evaluate.ts';
import type { IamIdentity, Snapshot } from './snapshot.ts';
import { readPrincipals } from './targeted.ts';

/** What the policies of some principals say, read once. */
export type Judge = {
  /** Its ARN; null: there is no such identity; undefined: it could not be read. */
  readonly arnOf: (principal: Principal) => string | null | undefined;
  /** Whether it may connect to an ARN. */
  readonly judge: (principal: Principal, arn: string) => Judgement;
};

/** ■ Reads the principals with their groups and policies, and nothing else of the account. Throws a Failure `aws/…` where that is not possible at all. */
export const judgeOf = async (account: Pick<Declared, 'target' | 'iam'>, principals: readonly Principal[]): Promise<Judge> => {
  const connected = await connect(account);
  try {
    const { partition, account: id, caller } = connected;
    const read = await readPrincipals(connected, principals);
    return judgeFrom({ partition, account: id, caller, whole: false, quotas: NO_QUOTAS, ...read });
  } finally {
    connected.close();
  }
};

/** Nothing is written: no limit matters. */
const NO_QUOTAS: Snapshot['quotas'] = {
  policySize: 0,
  versionsPerPolicy: 0,
  attachedPerRole: 0,
  attachedPerUser: 0,
  attachedPerGroup: 0,
  policies: null,
};

/** The same of what was read. */
export const judgeFrom = (snapshot: Snapshot): Judge => {
  const evaluator = connectEvaluator(snapshot);
  return {
    arnOf: (principal) => {
      const key = principalKey(principal);
      if (snapshot.unread.some(({ what }) => what === `'${key}'`)) return undefined;
      return snapshot.identities.get(key)?.arn ?? null;
    },
    judge: (principal, arn) => {
      const identity = snapshot.identities.get(principalKey(principal));
      const unread = unreadOf(principal, identity, snapshot);
      if (!identity) return { verdict: unread.length > 0 ? 'unknown' : 'not-allowed', why: [], elsewhere: [], unread };
      const evaluate = evaluator(identity);
      const { verdict, why } = evaluate(arn);
      // where a boundary is the reason, what else its policies allow is none
      const missed = verdict === 'not-allowed' && why.length === 0;
      return { verdict, why: why.map(describeWhy), elsewhere: missed ? nearMisses(arn, evaluate.only) : [], unread };
    },
  };
};

/** What was not read of an identity and of what it has; that of others does not matter. */
const unreadOf = (principal: Principal, identity: IamIdentity | undefined, { identities, unread }: Snapshot): readonly string[] => {
  const groups = (identity?.groups ?? []).map((name) => `group/${name}`);
  const holders = [identity, ...groups.map((key) => identities.get(key))];
  const policies = holders.flatMap((one) => (one ? [...one.attached, ...(one.boundary === null ? [] : [one.boundary])] : []));
  const concerned = new Set([
    ...[principalKey(principal), ...groups].map((key) => `'${key}'`),
    ...policies.map((arn) => `policy '${arn}'`),
  ]);
  return unread.flatMap(({ what, reason }) => (concerned.has(what) ? [`${what}: ${reason}`] : []));
};

/** ARNs of the same user, in whatever case, elsewhere: what a copied or an outdated policy names. */
const nearMisses = (arn: string, allowed: ReadonlySet<string> | null): readonly string[] => {
  const user = userIn(arn);
  return [...(allowed ?? [])].filter((other) => other !== arn && userIn(other) === user).sort();
};

const userIn = (arn: string): string => arn.slice(arn.indexOf('/') + 1).toLowerCase();
