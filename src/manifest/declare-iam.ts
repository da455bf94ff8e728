import { parseAccount } from '../model/account.ts';
import { type Declared, type DeclaredRole, NOTHING_DECLARED } from '../model/declared.ts';
import { type DeclaredConnect, type DeclaredIam, principalKey } from '../model/iam.ts';
import { byCodeUnit, distinct } from '../model/key.ts';
import { accountOf } from './account.ts';
import { hasAccounts } from './accounts.ts';
import { awsTarget } from './aws-target.ts';
import type { Manifest } from './content.ts';
import { guardsOf, removals } from './declare.ts';
import { concernsIam, iamRolesOf, pathOf } from './iam.ts';
import { principalsOf, viaOf } from './identities.ts';
import { asOfOf, endOf, instantText } from './instant.ts';
import { type Context, validated, viewsOn } from './view.ts';

/** A declared login through IAM whose resource is not known yet: `via` says whether it is the server's or the proxies'. */
export type DeclaredLogin = Omit<DeclaredConnect, 'arns'> & { readonly via: DeclaredRole['via'] };

/** What the IAM account shall hold, before anybody asked where the targets are. */
export type DeclaredAccount = Omit<Declared, 'iam'> & {
  readonly iam: Omit<DeclaredIam, 'connects' | 'places' | 'logins' | 'flips'> & { readonly connects: readonly DeclaredLogin[] };
};

/**
 * What shall be true in the IAM account, for every target of the manifest: roles, and who may log in as whom at `asOf`. Null
 * where the manifest has neither an `iam` section nor principals. Everything is in code-unit order.
 */
export const declareIam = (manifest: Manifest, { asOf }: { readonly asOf: string }): DeclaredAccount | null => {
  const { content, at } = manifest;
  if (!concernsIam(content)) return null;
  const asOfMs = asOfOf(asOf);
  const contexts = distinct(Object.keys(content.targets)).map((name) => validated(manifest, name, content.targets[name]!));
  const logins = contexts.flatMap(loginsOn);
  const [lasting, past] = [logins.filter(({ end }) => end > asOfMs), logins.filter(({ end }) => end <= asOfMs)];
  const ends = lasting.flatMap(({ end }) => (end < Infinity ? [end] : []));
  const source = at(content.iam === undefined ? [] : ['iam'], 'key');
  const forgotten = contexts.flatMap(forgottenOn);
  return {
    stack: content.stack,
    asOf: instantText(asOfMs),
    target: awsTarget('iam', 'iam', source),
    ...NOTHING_DECLARED,
    iam: {
      account: accountOf(content) ?? null,
      path: pathOf(content),
      mode: content.iam?.mode ?? 'manage',
      roles: iamRolesOf(content, at),
      connects: lasting.map(({ login }) => login).sort(byPrincipal),
      expired: past.map(({ login: { via: _, ...login } }) => login).sort(byPrincipal),
      ...(forgotten.length === 0 ? {} : { forgotten }),
    },
    guards: guardsOf(content),
    nextExpiry: ends.length === 0 ? null : instantText(ends.reduce((a, b) => Math.min(a, b))),
    findings: [],
  };
};

/** Who may log in on one target, and until when: users that are enabled and whose clients come with a token. */
const loginsOn = ({ content, target, at }: Context): { readonly login: DeclaredLogin; readonly end: number }[] =>
  viewsOn(content, target, ['users'])
    .filter(({ entry }) => entry.enabled !== false)
    .flatMap((view) => {
      const end = view.entry.until === undefined ? Infinity : endOf(view.entry.until)!;
      return principalsOf(view).map(({ principal, index }) => {
        const source = at([...view.path('principals'), index]);
        return { login: { principal, target, user: view.name, via: viaOf(view), source }, end };
      });
    });

/** A policy names a user once, whatever its hosts. */
const forgottenOn = (context: Context): NonNullable<DeclaredIam['forgotten']> => {
  const users = removals(context)
    .filter(({ action }) => action === 'forget')
    .map(({ name, source }) => ({ target: context.target, user: hasAccounts(context.entry) ? parseAccount(name).user : name, source }));
  return [...new Map(users.map((one) => [one.user, one])).values()];
};

const byPrincipal = (a: Omit<DeclaredLogin, 'via'>, b: Omit<DeclaredLogin, 'via'>): number =>
  byCodeUnit(principalKey(a.principal), principalKey(b.principal)) || byCodeUnit(a.target, b.target) || byCodeUnit(a.user, b.user);
