import { describe, expect, test } from 'vitest';
import { pinsMarkdown, pinsOf, withheldOf } from '../../src/action/pins.ts';
import { strictestGuards } from '../../src/core/guard.ts';
import type { Manifest } from '../../src/manifest/content.ts';
import { readManifest } from '../../src/manifest/validate.ts';

const TARGETS = {
  explicit: 'endpoint: { host: db.example.com, ca: ca.pem }\n    login: { user: rolecall, password: "${env:SECRET}" }',
  rds: 'rds: { cluster: orders, region: eu-west-1 }\n    login: { user: rolecall, auth: iam }',
};
const REST = `
guard: { protected: [break_glass], max_removals: 3, rules: { no-superuser: error } }
iam: { account: "123456789012" }
users:
  jane: { targets: [orders], auth: password, password: "\${env:JANE}", manage: additive }
`;

const manifest = (target: string = TARGETS.explicit, rest = REST, name = 'orders'): Manifest => {
  const text = `version: 1\nstack: acme/access\ntargets:\n  ${name}:\n    engine: postgres\n    ${target}\n${rest}`;
  const { manifest: read, findings } = readManifest([{ path: 'access.yaml', text }]);
  if (!read) throw new Error(JSON.stringify(findings, null, 1));
  return read;
};
const compared = (head: Manifest, base: Manifest | null = manifest(), same = true) => ({ base, head, isSameFile: () => same });
const told = (head: Manifest): string[] => pinsOf(compared(head)).map(({ path, before, after }) => `${path}: ${before} -> ${after}`);

describe('what is pinned to the base branch', () => {
  test('a manifest that stays as it is changes nothing', () => {
    expect(pinsOf(compared(manifest()))).toEqual([]);
    expect(pinsMarkdown([])).toBe('');
  });

  test.each([
    [
      'the host',
      manifest(TARGETS.explicit.replace('db.', 'evil.')),
      ['targets.orders.endpoint.host: "db.example.com" -> "evil.example.com"'],
    ],
    [
      'tls',
      manifest(TARGETS.explicit.replace('ca: ca.pem', 'tls: disable')),
      ['targets.orders.endpoint.ca: "ca.pem" -> null', 'targets.orders.endpoint.tls: null -> "disable"'],
    ],
    [
      'a reference',
      manifest(TARGETS.explicit.replace('env:SECRET', 'env:GITHUB_TOKEN')),
      ['targets.orders.login.password: "${env:SECRET}" -> "${env:GITHUB_TOKEN}"'],
    ],
    [
      "a user's reference",
      manifest(undefined, REST.replace('env:JANE', 'env:OTHER')),
      ['users.jane.password: "${env:JANE}" -> "${env:OTHER}"'],
    ],
    ['manage', manifest(`${TARGETS.explicit}\n    manage: additive`), ['targets.orders.manage: null -> "additive"']],
    ["a user's manage", manifest(undefined, REST.replace(', manage: additive', '')), ['users.jane.manage: "additive" -> null']],
    ['guard', manifest(undefined, REST.replace('max_removals: 3', 'max_removals: 300')), ['guard.max_removals: 3 -> 300']],
    [
      'who hears of failed logins',
      manifest(TARGETS.rds, `${REST}alarms:\n  failed: { notify: { topic: dba-alerts, email: [me@example.com] } }\n`),
      [
        'alarms.failed.notify.email: null -> ["me@example.com"]',
        'alarms.failed.notify.topic: null -> "dba-alerts"',
        'targets.orders.endpoint.ca: "ca.pem" -> null',
        'targets.orders.endpoint.host: "db.example.com" -> null',
        'targets.orders.login.auth: null -> "iam"',
        'targets.orders.login.password: "${env:SECRET}" -> null',
        'targets.orders.rds.cluster: null -> "orders"',
        'targets.orders.rds.region: null -> "eu-west-1"',
      ],
    ],
    ['iam', manifest(undefined, REST.replace('123456789012', '210987654321')), ['iam.account: "123456789012" -> "210987654321"']],
  ])('%s', (_, head, expected) => {
    expect(told(head)).toEqual(expected);
  });

  test('the content of a file of authorities', () => {
    expect(pinsOf(compared(manifest(), manifest(), false))).toMatchObject([{ path: 'targets.orders.endpoint.ca (the file)' }]);
  });

  test('says that it is about failed logins where it is', () => {
    const alarms = (address: string): Manifest =>
      manifest(TARGETS.rds, `${REST}alarms:\n  failed: { notify: { topic: dba-alerts, email: [${address}] } }\n`);
    const pins = pinsOf(compared(alarms('me@example.com'), alarms('dba@example.com')));
    expect(pinsMarkdown(pins)).toContain('or who hears of failed logins**');
    expect(pinsMarkdown(pins)).toContain('`alarms.failed.notify.email` `["dba@example.com"]` → `["me@example.com"]`');
    expect(pinsMarkdown(pinsOf(compared(manifest(TARGETS.rds))))).not.toContain('failed logins');
  });

  test('an alarm that hardly anything raises is told like one that nobody hears', () => {
    const alarms = (rest: string): Manifest =>
      manifest(TARGETS.rds, `${REST}alarms:\n  failed: { notify: { topic: dba-alerts }${rest} }\n`);
    const pins = pinsOf(compared(alarms(', threshold: 1000000, period: 5m, source: iam'), alarms(', threshold: 3')));
    expect(pins.map(({ path, before, after }) => `${path}: ${before} -> ${after}`)).toEqual([
      'alarms.failed.period: null -> "5m"',
      'alarms.failed.source: null -> "iam"',
      'alarms.failed.threshold: 3 -> 1000000',
    ]);
  });

  test('what differs is said with its place, and nothing in it is Markdown', () => {
    const section = pinsMarkdown(pinsOf(compared(manifest(TARGETS.explicit.replace('db.example.com', '"@everyone`<b>"')))));
    expect(section).toContain('> [!CAUTION]');
    expect(section).toContain('> - `targets.orders.endpoint.host` `"db.example.com"` → ``"@everyone`<b>"`` · `access.yaml:6`');
  });
});

const LOGIN = 'user: rolecall, plan_user: rolecall_plan, auth: iam';
const PASSWORD = 'user: rolecall, plan_user: rolecall_plan, password: "${env:SECRET}"';
const READ = TARGETS.rds.replace('user: rolecall, auth: iam', LOGIN);
const NOWHERE = 'the base branch does not have it';
const SECRET = 'secret:arn:aws:secretsmanager:eu-west-1:123456789012:secret:login-Ab12Cd';
const other = (reference: string): Manifest => manifest(host('new.example.com').replace('env:SECRET', reference));
const host = (name: string, more = ''): string =>
  `endpoint: { host: ${name}${more} }\n    login: { user: rolecall, password: "\${env:SECRET}" }`;

describe('where credentials go on a pull request', () => {
  test.each<[string, Manifest, Manifest | null, readonly string[], string | null]>([
    ['as on the base branch', manifest(), manifest(), [], null],
    ['with another manage alone', manifest(`${TARGETS.explicit}\n    manage: additive`), manifest(), [], null],
    ['at another host', manifest(host('evil.example.com')), manifest(), [], "'allowed-hosts' does not name 'evil.example.com'"],
    ['at another host that is allowed', manifest(host('new.example.com')), manifest(), ['new.example.com'], null],
    [
      'behind another tunnel',
      manifest(host('new.example.com', ', via: { host: evil, port: 1 }')),
      manifest(),
      ['new.example.com'],
      "does not name 'evil'",
    ],
    [
      'without verified TLS',
      manifest(host('db.example.com', ', tls: require')),
      manifest(),
      ['db.example.com'],
      'its certificate would not be verified',
    ],
    [
      'with authorities of its own',
      manifest(host('new.example.com', ', ca: own.pem')),
      manifest(),
      ['new.example.com'],
      'its certificate would not be verified',
    ],
    ['as another login', manifest(TARGETS.explicit.replace('user: rolecall', 'user: other')), manifest(), [], null],
    ['with another password', manifest(TARGETS.explicit.replace('SECRET', 'OTHER')), manifest(), [], null],
    ['new, found by RDS', manifest(READ), null, [], null],
    ['new, found by RDS, and read by its writer', manifest(TARGETS.rds), null, [], "it names no 'plan_user' to be read by"],
    [
      'new, found by RDS, and read by the writer under another name',
      manifest(READ.replace('rolecall_plan', 'rolecall')),
      null,
      [],
      "its 'plan_user' rolecall is a login that changes servers",
    ],
    ['found by RDS and read by another login', manifest(TARGETS.rds), manifest(READ), [], null],
    [
      'found elsewhere by RDS, read by token on the base branch',
      manifest(READ.replace('cluster: orders', 'cluster: other').replace(LOGIN, PASSWORD)),
      manifest(READ),
      [],
      null,
    ],
    [
      'found elsewhere by RDS, read with a password on the base branch',
      manifest(READ.replace('cluster: orders', 'cluster: other')),
      manifest(READ.replace(LOGIN, PASSWORD)),
      [],
      'its password would be sent to it',
    ],
    [
      'new, found by RDS and dialled elsewhere',
      manifest(TARGETS.rds.replace(' }', ', via: { host: evil, port: 1 } }')),
      null,
      [],
      "'via' decides where",
    ],
    [
      'new, found by RDS with a role of its own',
      manifest(TARGETS.rds.replace(' }', ', assume_role: "arn:aws:iam::123456789012:role/x" }')),
      null,
      [],
      "'assume_role' decides where",
    ],
    [
      'new, found by RDS with a password',
      manifest('rds: { cluster: orders, region: eu-west-1 }\n    login: { user: rolecall, password: "${env:SECRET}" }'),
      null,
      [],
      `${NOWHERE}, and its password would be sent to it`,
    ],
    ['new, and explicit', manifest(), null, [], NOWHERE],
    ['new, at an allowed host, with a secret', other(SECRET), null, ['new.example.com'], 'a secret that no login of the base branch names'],
    [
      "new, at an allowed host, with another key of the base branch's secret",
      other(`${SECRET}#admin`),
      manifest(TARGETS.explicit.replace('env:SECRET', SECRET), REST.replace('[orders]', '[sales]'), 'sales'),
      ['new.example.com'],
      'a secret that no login of the base branch names',
    ],
    [
      "new, at an allowed host, with the base branch's secret",
      other(SECRET),
      manifest(TARGETS.explicit.replace('env:SECRET', SECRET), REST.replace('[orders]', '[sales]'), 'sales'),
      ['new.example.com'],
      null,
    ],
    ['with a secret in place of its variable', manifest(TARGETS.explicit.replace('env:SECRET', SECRET)), manifest(), [], null],
    ['new, from the environment', manifest('endpoint: env'), null, [], 'the environment of the workflow says where it is'],
  ])('a target %s', (_, head, base, allowed, reason) => {
    const findings = withheldOf(compared(head, base), allowed);
    if (reason === null) expect(findings).toEqual([]);
    else {
      expect(findings).toMatchObject([{ severity: 'error', code: 'pin/withheld', target: 'orders' }]);
      expect(findings[0]!.message).toContain(reason);
    }
  });

  test('a file of authorities that was changed withholds as a changed key does', () => {
    expect(withheldOf(compared(manifest(), manifest(), false), [])).toMatchObject([{ code: 'pin/withheld', target: 'orders' }]);
  });
});

test('of two sets of guards each keeps back what it kept', () => {
  const a = { protected: ['x'], maxRemovals: null, rules: { 'no-superuser': 'warning', 'no-direct-user-grants': 'error' } } as const;
  const b = { protected: ['w', 'x'], maxRemovals: 5, rules: { 'no-superuser': 'error', 'no-direct-user-grants': 'off' } } as const;
  const strictest = { protected: ['w', 'x'], maxRemovals: 5, rules: { 'no-superuser': 'error', 'no-direct-user-grants': 'error' } };
  expect(strictestGuards(a, b)).toEqual(strictest);
  expect(strictestGuards(b, a)).toEqual(strictest);
  expect(strictestGuards({ ...a, maxRemovals: 2 }, b).maxRemovals).toBe(2);
});
