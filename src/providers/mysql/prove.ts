import { parseAccount } from '../../model/account.ts';
import type { Target } from '../../model/declared.ts';
import { Failure } from '../../model/finding.ts';
import { byCodeUnit } from '../../model/key.ts';
import type { Came, LoginFacts, Refusal } from '../../model/proof.ts';
import type { Prover, Timeouts, Trial, Tried } from '../provider.ts';
import { accountsOf } from './account-rows.ts';
import { type Connected, connect, timeoutOptions } from './connect.ts';
import { isIamPlugin } from './flavour.ts';
import { hostOf } from './hosts.ts';
import { inspectOver } from './inspect.ts';
import { tryProbe, type World } from './probes.ts';
import { withoutPlace } from './trouble.ts';
import { readUser, userNames } from './user-accounts.ts';

/** Logins and rights of MySQL and MariaDB, tried. */
export const prove: Prover = {
  attempt: async (trial) => {
    let connected: Connected;
    try {
      connected = await connect(trial.target, {
        as: 'apply',
        programName: 'rolecall prove',
        roles: 'default',
        ...timeoutOptions(trial.timeouts),
      });
    } catch (error) {
      if (error instanceof Failure) return refused(error, trial.target);
      throw error;
    }
    try {
      return await tried(connected, trial);
    } finally {
      await connected.close();
    }
  },
  examine: async (target, user, _database, timeouts) => {
    const connected = await connect(target, { as: 'plan', ...timeoutOptions(timeouts) });
    try {
      return await factsOf(connected, user);
    } finally {
      await connected.close();
    }
  },
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
    const snapshot = await inspectOver(connected, { target: own, grants: [], removed: [], roles: new Map() });
    return { login, own: connected, snapshot };
  } catch (error) {
    await connected?.close();
    if (!(error instanceof Failure)) throw error;
    return unseen(withoutPlace(error.findings[0]!.message));
  }
};

/** Of what `connect` says that went wrong. What is not here was never tried at the server. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  'connect/token': 'authentication',
  'connect/password': 'authentication',
  // A token is the only thing that a server asks for in the clear.
  'connect/clear-password': 'authentication',
  'connect/no-login': 'closed',
  'connect/expired': 'closed',
  'connect/no-database': 'no-database',
  'connect/too-many': 'limit',
  'connect/not-admitted': 'not-admitted',
  'connect/needs-tls': 'not-admitted',
  'connect/blocked': 'not-admitted',
  'connect/refused': 'network',
  'connect/unknown-host': 'network',
  'connect/timeout': 'network',
  'connect/unreachable': 'network',
  'connect/no-tls': 'tls',
  'connect/tls': 'tls',
  'connect/iam-needs-tls': 'tls',
  'connect/certificate': 'certificate',
  'connect/certificate-host': 'certificate',
  'connect/certificate-time': 'certificate',
  'connect/no-ca': 'certificate',
  'connect/not-ready': 'busy',
  'connect/plugin': 'other',
  'connect/server': 'other',
  'connect/lost': 'other',
};

/** The line of a proof names target and user itself. */
const refused = ({ findings }: Failure, { login }: Target): Tried => {
  const { code, message, hint } = findings[0]!;
  const iamOff = code === 'connect/plugin' && login.auth === 'iam' && /AWSAuthenticationPlugin/i.test(message);
  return {
    letIn: false,
    refusal: iamOff ? 'iam-off' : (REFUSALS[code] ?? 'untried'),
    message: withoutPlace(message),
    ...(hint === undefined ? {} : { hint }),
  };
};

/** Of the account that a login from here gets, by the host that the server sees this machine as. */
const factsOf = async (connected: Connected, user: string): Promise<LoginFacts> => {
  const accounts = accountsOf(await readUser(connected, user)).filter(({ traits }) => traits.account.kind === 'user');
  const names = await userNames(connected);
  const like = names.filter((name) => name !== user && name.toLowerCase() === user.toLowerCase()).sort(byCodeUnit)[0] ?? null;
  if (accounts.length === 0) return { exists: false, like, login: false, iam: false, valid: true, connect: true };
  const [[from] = []] = await connected.ask("SELECT SUBSTRING_INDEX(USER(), '@', -1)");
  const hosts = accounts.map(({ host }) => host);
  const host = hostOf(String(from), hosts);
  const account = accounts.find((one) => one.host === host) ?? accounts[0]!;
  const { locked, options } = account.traits.account;
  const lacks =
    host === undefined
      ? `an account for '${from}', and has those for ${hosts.map((one) => `'${one}'`).join(', ')}`
      : lacking(options.require, connected);
  return {
    exists: true,
    like,
    login: !locked,
    iam: options.auth === 'iam' || (options.plugin !== undefined && isIamPlugin(options.plugin)),
    valid: true,
    connect: true,
    ...(lacks === undefined ? {} : { lacks }),
  };
};

/** A connection of the same target has TLS or has none, and never a certificate of its own. */
const lacking = (require: string, { peer }: Connected): string | undefined => {
  if (require === 'none') return undefined;
  if (require === 'ssl') return peer.address.tls === 'disable' ? 'TLS (REQUIRE SSL), which the target does without' : undefined;
  return `a certificate of its own (REQUIRE ${require.toUpperCase().split(' ')[0]}), which nobody has here`;
};
