import { type Declared, NOTHING_DECLARED, type Target } from '../../src/model/declared.ts';

const source = { file: 'access.yaml', line: 4, column: 3 };

/** A target on this machine whose login's password is in LAB_PASSWORD. */
export const targetOf = (rest: Partial<Target> = {}): Target => ({
  name: 'lab',
  engine: 'postgres',
  endpoint: { kind: 'explicit', host: '127.0.0.1', port: 5432, tls: 'disable' },
  login: { user: 'master', auth: 'password', password: { source: 'env', name: 'LAB_PASSWORD', text: '$' + '{env:LAB_PASSWORD}' } },
  databases: null,
  maintenanceDatabase: 'postgres',
  defaultsFor: {},
  manage: 'exact',
  source,
  ...rest,
});

/** A manifest that declares nothing about a target, but for what is given. */
export const declaredOf = (target: Target, rest: Partial<Declared> = {}): Declared => ({
  ...NOTHING_DECLARED,
  stack: 'acme/access',
  asOf: '2026-01-01T00:00:00Z',
  target,
  iam: null,
  guards: { protected: [], maxRemovals: null, rules: {} },
  nextExpiry: null,
  findings: [],
  ...rest,
});
