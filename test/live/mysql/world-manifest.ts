import fc from 'fast-check';
import type { Flavour } from '../../lab/mysql/builds.ts';
import type { Access } from '../world.ts';
import { COLUMNS, HOSTS, type Names, SCHEMAS, TABLES } from './world-names.ts';

export type { Access } from '../world.ts';

const quote = (part: string): string => `"${part.replaceAll('"', '""')}"`;
const schema = fc.constantFrom(...SCHEMAS).map(quote);
const selector = fc.oneof({ weight: 4, arbitrary: schema }, { weight: 1, arbitrary: fc.constantFrom('my*', '*', 'm*b') });
const words = (...list: readonly string[]) => fc.subarray([...list], { minLength: 1, maxLength: Math.min(3, list.length) });

const EVERYWHERE = {
  mysql: ['process', 'reload', 'select', 'insert', 'role_admin', 'xa_recover_admin', 'application_password_admin'],
  mariadb: ['process', 'reload', 'select', 'insert', 'show databases', 'slave monitor'],
} as const;

const COLUMN: fc.Arbitrary<object> = fc.record({
  privileges: words('select', 'insert', 'update', 'references'),
  tables: fc.tuple(schema, fc.constantFrom(...TABLES.map(quote))).map((parts) => parts.join('.')),
  columns: fc.subarray([...COLUMNS], { minLength: 1 }),
});

/** Grants of one grantee (none on routines, unless its name is ASCII: the server forgets others), alike in the grant option: the server knows no mixture. */
const grants = (name: string, flavour: Flavour, maxLength: number): fc.Arbitrary<readonly object[]> =>
  fc.boolean().chain((grantable) => {
    const option = grantable ? { grantable } : {};
    // the server keeps one grant option for a table and its columns
    const columns = grantable ? [] : [COLUMN];
    const table = fc.tuple(schema, fc.constantFrom(...TABLES.map(quote), '*', 't*')).map((parts) => parts.join('.'));
    return fc.array(
      fc.oneof(
        fc
          .record({ privileges: words('select', 'insert', 'delete', 'event', 'show view', 'execute'), schemas: selector })
          .map((one) => ({ ...one, ...option })),
        fc
          .record({ privileges: words('select', 'insert', 'update', 'index', 'delete'), tables: table })
          .map((one) => ({ ...one, ...option })),
        ...columns,
        ...(/^[\0-\x7f]*$/.test(name)
          ? [
              fc
                .record({ privileges: words('execute', 'alter routine'), routines: schema.map((one) => `${one}.${grantable ? 'f' : '*'}`) })
                .map((one) => ({ ...one, ...option })),
              fc
                .record({ privileges: words('execute'), procedures: schema.map((one) => `${one}."b \`\\"`) })
                .map((one) => ({ ...one, ...option })),
            ]
          : []),
        fc.record({ privileges: words(...EVERYWHERE[flavour]), global: fc.constant(true) }).map((one) => ({ ...one, ...option })),
      ),
      { maxLength },
    );
  });

const compact = (entry: object): object => Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined));

/** Groups are in later ones only: no circles. */
const group = (at: number, { groups }: Names, flavour: Flavour): fc.Arbitrary<object> =>
  fc
    .record({
      read: fc.option(fc.array(selector, { maxLength: 2 }), { nil: undefined }),
      write: fc.option(fc.array(schema, { maxLength: 1 }), { freq: 1, nil: undefined }),
      own: fc.option(fc.array(schema, { maxLength: 1 }), { freq: 1, nil: undefined }),
      groups: fc.subarray(groups.slice(at + 1)),
      grants: grants(groups[at]!, flavour, 3),
      description: flavour === 'mysql' ? fc.constantFrom(undefined, 'it\'s a \\ "group"\n', '') : fc.constant(undefined),
      manage: fc.constantFrom(undefined, undefined, undefined, 'additive'),
    })
    .map(compact);

/** MariaDB has one default role: what is beyond the first is for SET ROLE. */
const memberships = (groups: readonly string[], flavour: Flavour): fc.Arbitrary<readonly unknown[]> =>
  fc
    .subarray([...groups])
    .chain((chosen) =>
      fc.tuple(
        ...chosen.map((name, at) =>
          fc
            .record({ admin: fc.boolean(), inherit: fc.boolean() })
            .map(({ admin, inherit }) =>
              flavour === 'mariadb' && at > 0 ? { name, admin, inherit: false } : admin || !inherit ? { name, admin, inherit } : name,
            ),
        ),
      ),
    );

const user = (at: number, { groups, users, foreign }: Names, flavour: Flavour): fc.Arbitrary<object> =>
  fc
    .record({
      auth: fc.constantFrom('password', 'password', 'password', 'none'),
      hosts: fc.oneof(fc.constant(undefined), fc.constant(undefined), fc.subarray([...HOSTS], { minLength: 1, maxLength: 3 })),
      groups: memberships(groups, flavour),
      read: fc.option(fc.array(selector, { maxLength: 1 }), { freq: 2, nil: undefined }),
      grants: grants(users[at]!, flavour, 2),
      proxy: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, foreign[0]!),
      connection_limit: fc.constantFrom(undefined, undefined, 7),
      enabled: fc.constantFrom(undefined, undefined, undefined, false),
      require: fc.constantFrom(undefined, undefined, undefined, 'none', 'none', 'ssl', { subject: "/CN='x\\" }),
      limits: fc.constantFrom(undefined, undefined, { queries_per_hour: 100_000, connections_per_hour: 0 }),
      expire: fc.constantFrom(undefined, undefined, 90, 'never'),
      failed: fc.constantFrom(undefined, undefined, 5),
      description: flavour === 'mysql' ? fc.constantFrom(undefined, undefined, 'who, "what"') : fc.constant(undefined),
      until: fc.constantFrom(undefined, undefined, undefined, undefined, '2027-03-01', '2026-02-01'),
      manage: fc.constantFrom(undefined, undefined, undefined, 'additive'),
    })
    .map(({ proxy, expire, failed, ...entry }) =>
      compact({
        ...entry,
        ...(proxy === undefined ? {} : { grants: [...entry.grants, { privileges: ['proxy'], accounts: quoteAccount(proxy) }] }),
        ...(entry.auth === 'password' ? { password: `\${env:ROLECALL_CANARY_${at}}`, password_expire: expire } : {}),
        ...(entry.auth === 'password' && flavour === 'mysql' && failed ? { failed_login_attempts: failed, password_lock_time: 1 } : {}),
      }),
    );

const quoteAccount = (name: string): string => (name.includes('@') ? `${name}@%` : name);

/** The rest of a manifest: some groups and users of the names, and what becomes of one that is nobody's. */
export const accesses = (chosen: Names, flavour: Flavour): fc.Arbitrary<Access> =>
  fc
    .record({
      groups: fc.tuple(...chosen.groups.map((_, at) => fc.option(group(at, chosen, flavour), { freq: 6, nil: undefined }))),
      users: fc.tuple(...chosen.users.map((_, at) => fc.option(user(at, chosen, flavour), { freq: 6, nil: undefined }))),
      removed: fc.constantFrom<object | undefined>(undefined, undefined, { drop: true }, { forget: true }),
    })
    .map(({ groups, users, removed }) => {
      const present = new Set(chosen.groups.filter((_, at) => groups[at]));
      const only = (list: unknown) =>
        Array.isArray(list) ? list.filter((one) => present.has(typeof one === 'string' ? one : one.name)) : [];
      const bound = (body: object) => ({ ...body, groups: only((body as { groups?: unknown }).groups) });
      const bodies = users.map((body) => body && bound(body));
      const usesForeign = JSON.stringify(bodies).includes('"proxy"');
      return compact({
        groups: map(
          chosen.groups,
          groups.map((body) => body && bound(body)),
        ),
        users: map(chosen.users, bodies),
        existing: usesForeign || !removed ? [quoteAccount(chosen.foreign[0]!)] : undefined,
        removed: removed && !usesForeign ? map([chosen.foreign[0]!], [removed]) : undefined,
      }) as Access;
    });

/** A map without a prototype: any name is just a key. */
const map = (names: readonly string[], bodies: readonly (object | undefined)[]): object => {
  const found = Object.create(null) as object;
  names.forEach((name, at) => {
    if (bodies[at]) Object.defineProperty(found, name, { value: bodies[at], enumerable: true });
  });
  return found;
};
