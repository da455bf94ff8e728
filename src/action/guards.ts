import { strictestGuards } from '../core/guard.ts';
import type { Session } from '../engine/session.ts';
import type { Manifest } from '../manifest/content.ts';
import { guardsOf } from '../manifest/declare.ts';

/** The session with the guards of another state of the manifest kept as well: no change takes away what would have kept it back. */
export const withGuards = (session: Session, other: Manifest | null): Session => {
  if (other === null) return session;
  const kept = guardsOf(other.content);
  const { account, watch } = session;
  return {
    ...session,
    declareds: session.declareds.map((declared) => ({ ...declared, guards: strictestGuards(declared.guards, kept) })),
    account: account && { ...account, guards: strictestGuards(account.guards, kept) },
    ...(watch && { watch: { ...watch, guards: strictestGuards(watch.guards, kept) } }),
  };
};
