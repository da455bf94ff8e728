import { OWNER, type Wide } from './wide.ts';

/** How the bench logs in. */
export type Where = { readonly port: number; readonly user: string; readonly database: string };

export const STACK = 'bench/wide';
const MARK = `[rolecall stack=${STACK}]`;

/** A manifest that says of the first `declared` roles of the shape just what is so. */
export const manifestOf = (wide: Wide, declared: number, where: Where): string =>
  [
    ...head(where),
    `existing: [${[OWNER, ...undeclaredGroups(declared)].join(', ')}]`,
    'groups:',
    ...groupLines(wide, declared),
    'defaults:',
    ...defaultLines(wide, declared),
  ].join('\n');

/** The same, and a group that may read every table. */
export const manifestWithReader = (wide: Wide, declared: number, where: Where): string =>
  manifestOf(wide, declared, where).replace(
    '\ngroups:\n',
    '\ngroups:\n  reader_of_all:\n    grants: [{ privileges: [select], tables: "s*.*" }]\n',
  );

/** Marks the first roles as ours: the login of the bench has no right to. */
export const markRoles = (declared: number): string =>
  `DO $$ BEGIN FOR i IN 0..${declared - 1} LOOP EXECUTE format('COMMENT ON ROLE %I IS %L', 'r' || i, '${MARK}'); END LOOP; END $$`;

const head = ({ port, user, database }: Where): string[] => [
  'version: 1',
  `stack: ${STACK}`,
  'targets:',
  '  wide:',
  '    engine: postgres',
  `    endpoint: { host: 127.0.0.1, port: ${port}, tls: disable }`,
  `    login: { user: ${user}, password: "\${env:BENCH_PASSWORD}" }`,
  `    databases: [${database}]`,
];

/** Groups that declared roles are in without being declared themselves. */
const undeclaredGroups = (declared: number): string[] =>
  Array.from({ length: 100 }, (_, group) => group)
    .filter((group) => group >= declared)
    .map((group) => `r${group}`);

const groupLines = (wide: Wide, declared: number): string[] =>
  Array.from({ length: declared }, (_, role) => role).flatMap((role) => {
    const groups = role < 100 ? [] : [...new Set([97, 89, 83, 79, 73].map((prime) => `r${role % prime}`))];
    const schemas = schemasOf(wide, role);
    return [
      `  r${role}:`,
      // Members that nobody declared stay members of a group that is not compared exactly.
      ...(declared < wide.roles && role < 100 ? ['    manage: additive'] : []),
      ...(groups.length > 0 ? [`    groups: [${groups.join(', ')}]`] : []),
      '    grants:',
      `      - { privileges: [usage], schemas: [${schemas.join(', ')}] }`,
      `      - { privileges: [select], tables: [${schemas.map((schema) => `${schema}.*`).join(', ')}] }`,
    ];
  });

const defaultLines = (wide: Wide, declared: number): string[] =>
  Array.from({ length: declared }, (_, role) => role).flatMap((role) =>
    schemasOf(wide, role).map(
      (schema) => `  - { database: wide, schema: ${schema}, created_by: [${OWNER}], to: r${role}, privileges: [select], objects: tables }`,
    ),
  );

/** The schemas whose tables a role reads: `buildWide` grants each to ten roles in a row. */
const schemasOf = (wide: Wide, role: number): string[] =>
  Array.from({ length: wide.schemas }, (_, schema) => schema)
    .slice(Math.floor(role / wide.grantees), Math.floor(role / wide.grantees) + 1)
    .map((schema) => `s${schema}`);
