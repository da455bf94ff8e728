import { IAMClient } from '@aws-sdk/client-iam';
import { getDenialReasons, type RequestAnalysis, runSimulation } from '@cloud-copilot/iam-simulate';
import { clientConfig } from '../aws/moto.ts';
import { type Held, roleHolds, userHolds } from './policies.ts';
import type { Verdict } from './proxy.ts';

/** Where the AWS emulator is, and who asks it: with credentials of its own making where it judges its callers. */
export type Emulator = {
  readonly url: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
};

/** For a client of the SDK. */
export const asked = ({ url, credentials }: Emulator) => ({ ...clientConfig({ url }), ...(credentials ? { credentials } : {}) });

/** Whose access key it is: a user's, or that of a session of a role. */
export type KeyOwner = {
  readonly secret: string;
  /** `arn:…:user/…`, or `arn:…:assumed-role/ROLE/SESSION`. */
  readonly arn: string;
  readonly account: string;
  /** Of a session only; it must come with the key. */
  readonly sessionToken?: string;
  readonly sessionPolicy?: string | null;
  /** ARN of the role that the session is of. */
  readonly role?: string;
};

/** Asks the emulator whose key it is; null: nobody's, deleted, inactive, or of a session that is over. */
export async function ownerOf(emulator: Emulator, accessKeyId: string): Promise<KeyOwner | null> {
  const answer = await fetch(`${emulator.url}/moto-api/access-key?id=${encodeURIComponent(accessKeyId)}`);
  if (!answer.ok) throw new Error(`the emulator at ${emulator.url} does not tell whose an access key is: HTTP ${answer.status}`);
  return (await answer.json()) as KeyOwner | null;
}

/**
 * May the owner of a key connect to `resource`, by the policies that the emulator has at this moment? They are evaluated by
 * @cloud-copilot/iam-simulate, which shares nothing with Rolecall's own evaluation.
 */
export async function authorise(emulator: Emulator, owner: KeyOwner, resource: string): Promise<Verdict> {
  const iam = new IAMClient(asked(emulator));
  try {
    const held = await holds(iam, owner);
    return held === null ? { ok: false, reason: `${owner.arn} is no more`, principal: owner.arn } : await evaluated(owner, held, resource);
  } finally {
    iam.destroy();
  }
}

/** null: the user or role was deleted. */
async function holds(iam: IAMClient, { arn }: KeyOwner): Promise<Held | null> {
  const [kind, ...names] = (arn.split(':')[5] ?? '').split('/');
  try {
    if (kind === 'user') return await userHolds(iam, names.at(-1) ?? '');
    if (kind === 'assumed-role') return await roleHolds(iam, names[0] ?? '');
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchEntityException') return null;
    throw error;
  }
  throw new Error(`${arn} is neither a user nor a session of a role`);
}

async function evaluated(owner: KeyOwner, held: Held, resource: string): Promise<Verdict> {
  const session = owner.sessionPolicy ? { sessionPolicy: JSON.parse(owner.sessionPolicy) as unknown } : {};
  const simulation = await runSimulation(
    {
      request: {
        principal: owner.arn,
        action: 'rds-db:connect',
        resource: { resource, accountId: resource.split(':')[4] ?? '' },
        contextVariables: context(owner, held),
      },
      identityPolicies: [...held.identity],
      ...(held.boundary.length > 0 ? { permissionBoundaryPolicies: [...held.boundary] } : {}),
      ...session,
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  const refused = (reason: string): Verdict => ({ ok: false, reason, principal: owner.arn });
  if (simulation.resultType !== 'single') {
    return refused(`the policies of ${owner.arn} cannot be evaluated: ${JSON.stringify('errors' in simulation && simulation.errors)}`);
  }
  if (simulation.overallResult === 'Allowed') return { ok: true, principal: owner.arn };
  const why = reasons(simulation.result.analysis).join(', ');
  return refused(`${owner.arn} is not authorized to perform rds-db:connect on ${resource}: ${why}`);
}

/** An Allow has to come from the policies, and from the boundary and the session policy too where there are such. */
function reasons(analysis: RequestAnalysis): readonly string[] {
  const denials = getDenialReasons(analysis).map((denial) => {
    if (denial.denialType === 'Explicit') return `${denial.policyIdentifier ?? 'a policy'} denies it`;
    return denial.policyType === 'pb' ? 'the permissions boundary does not allow it' : 'no policy allows it';
  });
  const { sessionAnalysis: session } = analysis;
  return session && session.result !== 'Allowed' ? [...denials, 'the session policy does not allow it'] : denials;
}

/** What IAM knows of every request, whatever the service: nothing of the network, which RDS does not tell it. */
function context({ arn, account, role }: KeyOwner, { id, tags }: Held): Record<string, string> {
  const name = arn.split('/').at(-1) ?? '';
  const now = new Date();
  return {
    'aws:PrincipalAccount': account,
    'aws:PrincipalArn': role ?? arn,
    'aws:PrincipalType': role === undefined ? 'User' : 'AssumedRole',
    'aws:userid': role === undefined ? id : `${id}:${name}`,
    ...(role === undefined ? { 'aws:username': name } : {}),
    ...Object.fromEntries(tags.map(({ Key, Value }) => [`aws:PrincipalTag/${Key}`, Value ?? ''])),
    'aws:CurrentTime': now.toISOString(),
    'aws:EpochTime': String(Math.floor(now.getTime() / 1000)),
  };
}
