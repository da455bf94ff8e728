import type { Declared } from '../model/declared.ts';
import type { Finding } from '../model/finding.ts';
import type { PlanTarget } from '../model/plan.ts';
import type { Session } from './session.ts';

/** A target that could not be planned stands among the others, with the reason: left out, it would look as if it matched. */
export const withUnplanned = (session: Session, planned: readonly PlanTarget[], findings: readonly Finding[]): readonly PlanTarget[] =>
  [...session.declareds, ...(session.account ? [session.account] : []), ...(session.watch ? [session.watch] : [])].map((declared) => {
    const { name } = declared.target;
    const reasons = findings.filter((finding) => finding.target === undefined || finding.target === name);
    return planned.find((target) => target.name === name) ?? unplanned(declared, reasons);
  });

const unplanned = ({ target: { name, engine, endpoint, login } }: Pick<Declared, 'target'>, findings: readonly Finding[]): PlanTarget => ({
  name,
  engine,
  identity: {
    endpoint: endpoint.kind === 'explicit' ? `${endpoint.host}:${endpoint.port}` : '',
    system: null,
    version: '',
    login: login.user ?? '',
  },
  counts: { add: 0, change: 0, remove: 0, blocked: 0 },
  access: [],
  changes: [],
  transactions: [],
  steps: [],
  findings,
  matches: [],
  unmanaged: { users: [], groups: [] },
  unread: [],
  read: { roles: 0, databases: 0, objects: 0, grants: 0 },
  roles: {},
  nextExpiry: null,
});
