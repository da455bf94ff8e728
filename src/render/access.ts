import type { AccessDelta, AccessItem } from '../model/plan.ts';
import { principalName, roleName } from './escape.ts';
import { loginPhrase } from './lines/iam.ts';
import { IAM_ROLE } from './lines/membership.ts';
import { countedPhrase, privilegesPhrase } from './objects.ts';
import { join, listed, type Phrase, say } from './phrase.ts';

/** What some users can do less or more: `jane, bob lose SELECT on 14 tables in orders.sales (through orders_reader)`. */
export type AccessLine = {
  readonly symbol: '-' | '+';
  /** Made visible, all of them. */
  readonly users: readonly string[];
  readonly text: Phrase;
};

/** Losses of all users first, then gains. */
export const accessLines = (deltas: readonly AccessDelta[], engine = 'postgres'): AccessLine[] => {
  const ofOwners = engine === 'postgres';
  return [
    ...deltas.flatMap((delta) => toldOnce(delta.loses, isIam).map((item) => accessLine('-', delta.users, item, ofOwners))),
    ...deltas.flatMap((delta) => toldOnce(delta.gains, isLogin).map((item) => accessLine('+', delta.users, item, ofOwners))),
  ];
};

/** A login that comes or goes together with IAM is one sentence: how one logs in, or that one no longer does. */
const toldOnce = (items: readonly AccessItem[], implied: (item: AccessItem) => boolean): readonly AccessItem[] =>
  items.some(isIam) && items.some(isLogin) ? items.filter((item) => !implied(item)) : items;

const isLogin = ({ what, database }: AccessItem): boolean => what === 'login' && database == null;
const isIam = ({ what, names, privileges }: AccessItem): boolean =>
  what === 'role' && names.length === 1 && names[0] === IAM_ROLE && !privileges.includes('ADMIN');

/** How many users a line names before it counts the rest. */
const NAMED_USERS = 8;

export const usersPhrase = (line: AccessLine): Phrase =>
  listed(
    line.users.map((user) => [{ name: user }]),
    NAMED_USERS,
  );

const accessLine = (symbol: '-' | '+', users: readonly string[], item: AccessItem, ofOwners: boolean): AccessLine => {
  const one = users.length === 1;
  const verb = symbol === '-' ? (one ? 'loses' : 'lose') : one ? 'gains' : 'gain';
  return {
    symbol,
    users: users.map(isConnect(item) ? principalName : roleName),
    text: say`${sentence(symbol, verb, item)}${isSaid(users, item) ? [] : through(item.via, ofOwners)}`,
  };
};

const sentence = (symbol: '-' | '+', verb: string, item: AccessItem): Phrase => {
  switch (item.what) {
    case 'login':
      if (isConnect(item)) return connectSentence(symbol, item);
      return say`${[symbol === '-' ? 'can no longer log in' : 'can log in']}${item.database == null ? [] : say` to ${item.database}`}`;
    case 'role':
      return roleSentence(symbol, verb, item);
    case 'ownership':
      return say`${[verb]} ownership of ${objects(item)}`;
    case 'privileges':
      return say`${[verb]} ${privilegesPhrase(item.privileges)} on ${objects(item)}`;
  }
};

/** What a policy of IAM allows: `target/user`. A login of a server names nothing. */
const isConnect = ({ what, names }: AccessItem): boolean => what === 'login' && names.length > 0;

/** How many logins one sentence names; a loss names all of them. */
const NAMED_LOGINS = 8;

const connectSentence = (symbol: '-' | '+', { names }: AccessItem): Phrase => {
  const logins = listed(names.map(loginPhrase), symbol === '-' ? names.length : NAMED_LOGINS);
  return say`${[symbol === '-' ? 'may no longer log in as' : 'may log in as']} ${logins}`;
};

/** A role that means something by itself: the words say how far it is held (none: fully). */
const roleSentence = (symbol: '-' | '+', verb: string, item: AccessItem): Phrase => {
  const { names, privileges } = item;
  const role = join(
    names.map((name) => say`${name}`),
    ', ',
  );
  if (isIam(item)) return [symbol === '-' ? 'can no longer log in through IAM' : 'can log in through IAM'];
  if (privileges.length === 0) return say`${[verb]} the role ${role}`;
  const rights = privileges.map((word) => ROLE_RIGHTS[word] ?? word.toLowerCase());
  return say`${[verb]} ${[rights.join(' and ')]} ${role}`;
};

const ROLE_RIGHTS: Readonly<Record<string, string>> = {
  ADMIN: 'the right to let others into',
  MEMBER: 'membership in',
  SET: 'the right to act as',
  USAGE: 'what comes with',
};

const objects = (item: AccessItem): Phrase =>
  countedPhrase(
    {
      kind: item.kind ?? 'table',
      database: item.database ?? null,
      schema: item.schema ?? null,
      ...(item.relation === undefined ? {} : { relation: item.relation }),
      names: item.names,
    },
    item.count,
  );

/** Owners own, and PUBLIC is everybody: the sentence has said how. */
const isSaid = (users: readonly string[], { what, via }: AccessItem): boolean =>
  via.length === 1 &&
  ((what === 'ownership' && via[0] === 'owner') || (via[0] === 'PUBLIC' && users.length === 1 && users[0] === 'PUBLIC'));

/** `ofOwners`: objects have owners; elsewhere 'owner' is a group of that name. */
const through = (via: readonly string[], ofOwners: boolean): Phrase => {
  const [first] = via;
  if (first === undefined || (via.length === 1 && first === 'direct')) return [];
  if (via.length === 1 && first === 'owner' && ofOwners) return [', as its owner'];
  if (via.length === 1 && first === 'PUBLIC') return [', through PUBLIC'];
  return say`, through ${join(
    via.map((role) => (role.startsWith(PATTERN) ? say`${[PATTERN]}${role.slice(PATTERN.length)}` : say`${role}`)),
    ' > ',
  )}`;
};

/** What a path of MySQL ends in where a row on a pattern of schemas gives it. */
const PATTERN = 'pattern ';
