import { parseAccount } from '../../model/account.ts';
import { NOTHING_DECLARED, type Target } from '../../model/declared.ts';
import { Failure } from '../../model/finding.ts';
import type { Came, LoginFacts, Refusal } from '../../model/proof.ts';
import { attempt, during, REFUSALS } from '../attempt.ts';
import type { Prover, Timeouts, Trial, Tried } from '../provider.ts';
import { accountHere, isByToken } from './account-here.ts';
import { type Connected, connect, timeoutOptions } from './connect.ts';
import { inspectOver } from './inspect.ts';
import { tryProbe, type World } from './probes.ts';
import { withoutPlace } from './trouble.ts';

/** Logins and rights of MySQL and MariaDB, tried. */
export const prove: Prover = {
  attempt: async (trial) =>
    await attempt(
      async () =>
        await connect(trial.target, { as: 'apply', programName: 'rolecall prove', roles: 'default', ...timeoutOptions(trial.timeouts) }),
      async (connected) => await tried(connected, trial),
      {
        refusalOf: (code, message) => (isIamOff(trial.target, code, message) ? 'iam-off' : (MORE[code] ?? REFUSALS[code])),
        said: withoutPlace,
      },
    ),
  examine: async (target, user, _database, timeouts) =>
    await during(await connect(target, { as: 'plan', ...timeoutOptions(timeouts) }), async (connected) => await factsOf(connected, user)),
};

const tried = async (connected: Connected, trial: Trial): Promise<Tried> => {
  const [[current = ''] = []] = await connected.ask('SELECT CURRENT_USER()');
  const account = parseAccount(String(current));
  const { user } = trial.target.login;
  if (account.user !== user)
    return { letIn: false, refusal: 'other', message: `whoever logs in as '${user}' is '${account.user}'@'${account.host}'` };
  if (trial.probes.length === 0) return { letIn: true, probes: [] };
  const world = await worldOf(connected, trial.own, trial.timeouts);
  if ('message' in world) return { letIn: true, probes: trial.probes.map(() => world) };
  try {
    const came: Came[] = [];
    for (const probe of trial.probes) came.push(await tryProbe(world, account, probe));
    return { letIn: true, probes: came };
  } finally {
    await world.own.close();
  }
};

/** A login sees no object that it has nothing on: what there is, and who was granted what, Rolecall's own login says. */
const worldOf = async (login: Connected, own: Target | undefined, timeouts?: Timeouts): Promise<World | Came> => {
  const unseen = (said: string): Came => ({
    status: 'unproven',
    cause: 'other',
    message: `what is on the server is not known, and so nothing was tried: ${said}`,
  });
  if (own === undefined) return unseen("Rolecall's own login is not known");
  let connected: Connected | undefined;
  try {
    connected = await connect(own, { as: 'plan', programName: 'rolecall prove', ...timeoutOptions(timeouts) });
    const snapshot = await inspectOver(connected, { target: own, ...NOTHING_DECLARED }, true);
    return { login, own: connected, snapshot };
  } catch (error) {
    await connected?.close();
    if (!(error instanceof Failure)) throw error;
    return unseen(withoutPlace(error.findings[0]!.message));
  }
};

const MORE: Readonly<Record<string, Refusal>> = {
  // A token is the only thing that a server asks for in the clear.
  'connect/clear-password': 'authentication',
  'connect/expired': 'closed',
  'connect/needs-tls': 'not-admitted',
  'connect/blocked': 'not-admitted',
  'connect/plugin': 'other',
  'connect/server': 'other',
};

const isIamOff = ({ login }: Target, code: string, message: string): boolean =>
  code === 'connect/plugin' && login.auth === 'iam' && /AWSAuthenticationPlugin/i.test(message);

/** Of the account that a login from here gets, by the host that the server sees this machine as. */
const factsOf = async (connected: Connected, user: string): Promise<LoginFacts> => {
  const { account, like, lacks } = await accountHere(connected, user);
  if (account === null) return { exists: false, like, login: false, iam: false, valid: true, connect: true };
  const { locked, options } = account.traits.account;
  return {
    exists: true,
    like,
    login: !locked,
    iam: isByToken(options),
    valid: true,
    connect: true,
    ...(lacks === null ? {} : { lacks }),
  };
};
