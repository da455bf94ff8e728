import type { Engine, Target } from '../model/declared.ts';
import type { Position } from '../model/finding.ts';

/** A target of a plan that is no server, but AWS itself: it has no databases, and is logged in to by whoever runs this. */
export const awsTarget = (name: string, engine: Engine, source: Position): Target => ({
  name,
  engine,
  endpoint: { kind: 'aws' },
  login: { auth: 'iam' },
  databases: null,
  maintenanceDatabase: '',
  defaultsFor: {},
  manage: 'exact',
  source,
});
