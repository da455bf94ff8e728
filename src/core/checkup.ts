import { CHECKUP_FORMAT, type Checked, type Checkup, type Evidence, type SavedEvidence, type TargetFacts } from '../model/checkup.ts';
import { AWS_CHECKS } from './checks/aws.ts';
import type { Check } from './checks/check.ts';
import { LOGIN_CHECKS } from './checks/login.ts';
import { POLICY_CHECKS } from './checks/policies.ts';
import { SESSION_CHECKS } from './checks/session.ts';
import { WAY_CHECKS } from './checks/way.ts';

/** The checks of a target, in the order in which things happen when somebody logs in: the way there, who comes, the server, the policies. */
export const CHECKS: readonly Check[] = [...WAY_CHECKS, ...AWS_CHECKS, ...SESSION_CHECKS, ...POLICY_CHECKS];

/** All checks, those of one login included. */
export const EVERY_CHECK: readonly Check[] = [...CHECKS, ...LOGIN_CHECKS];

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
  'user-host',
  'user-login',
  'user-method',
  'user-password',
  'user-connections',
  'user-connect',
  'user-policy',
  'token',
  'user-in',
];

/** The checks to make, in order; of those that are named, where any are. */
export const checksFor = (target: TargetFacts, names: readonly string[]): readonly Check[] => {
  const every = target.asked ? ORDER.flatMap((name) => EVERY_CHECK.find((check) => check.name === name) ?? []) : CHECKS;
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
  const all = checks.map((check) => checkOf(check, evidence)).map(toldOnce);
  const cause = evidence.target.asked ? all.findIndex(({ status }) => status === 'failed') : -1;
  return cause < 0 ? all : all.slice(0, cause + 1);
};

/** What kept several checks from being made is told at the first of them. */
const toldOnce = (one: Checked, index: number, all: readonly Checked[]): Checked => {
  const first = all.findIndex(({ status, message }) => status !== 'passed' && message === one.message);
  if (one.status !== 'unread' || first === index) return one;
  return { target: one.target, check: one.check, status: 'unread', message: `not known, for the reason that '${all[first]!.check}' gives` };
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
