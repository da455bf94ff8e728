import { type Evidence, FIX_FORMAT, type Fix, type FixReport, type SavedEvidence } from '../model/checkup.ts';
import { quoted, the } from './checks/check.ts';
import { accountOf } from './checks/words.ts';

/** What Rolecall's own login lacks on each target to administer the declared roles, as statements for a master. */
export const fixReport = ({ evidence, lost }: Pick<SavedEvidence, 'evidence' | 'lost'>): FixReport => ({
  formatVersion: FIX_FORMAT,
  targets: evidence.map(fixOf),
  unread: [
    ...lost.map(({ target, message, hint }) => ({ target, message, ...(hint === undefined ? {} : { hint }) })),
    ...evidence.flatMap(({ target, session }) => {
      if (session === undefined) return [{ target: target.name, message: 'it was not looked at' }];
      return 'unread' in session
        ? [{ target: target.name, message: session.unread, ...(session.hint === undefined ? {} : { hint: session.hint }) }]
        : [];
    }),
  ],
});

const fixOf = (evidence: Evidence): Fix => {
  const { target, session } = evidence;
  const head = { target: target.name, engine: target.engine };
  if (session === undefined || 'unread' in session) return { ...head, login: null, statements: [] };
  return { ...head, login: session.value.user, statements: target.engine === 'postgres' ? ofPostgres(evidence) : ofAccounts(evidence) };
};

type Statements = Fix['statements'];

/** From 16 on who may make roles needs ADMIN on each that it did not make; INHERIT and SET would give it the rights of the role besides. */
const ofPostgres = ({ session, target: { by } }: Evidence): Statements => {
  const { user, superuser, createrole, notAdministered, iamPath } = the(session);
  if (superuser) return [];
  return [
    ...(createrole ? [] : [{ sql: `ALTER ROLE ${quoted(user)} CREATEROLE`, notes: [] }]),
    ...notAdministered.map((role) => ({
      sql: `GRANT ${quoted(role)} TO ${quoted(user)} WITH ADMIN OPTION, INHERIT FALSE, SET FALSE`,
      notes: role === 'rds_iam' && by === 'password' && iamPath === null ? IAM_ONLY : [],
    })),
  ];
};

/** Whether RDS counts a membership that is not inherited is not documented, and reports differ. */
const IAM_ONLY: readonly string[] = [
  'this may make the login itself one that RDS wants a token of, and its password useless, although nothing is inherited:',
  'log in once more before you close this session; REVOKE rds_iam FROM the login undoes it, and a login with auth: iam is not concerned',
];

const ofAccounts = ({ session, target: { engine } }: Evidence): Statements => {
  const { user, account, superuser, createrole, notAdministered, lacking = [] } = the(session);
  if (superuser) return [];
  const whom = accountOf({ user, account });
  const strong =
    notAdministered.length > 0 && engine === 'mysql'
      ? [
          {
            sql: `GRANT SYSTEM_USER ON *.* TO ${whom}`,
            notes: [
              `wanted for ${notAdministered.join(', ')}; the master of RDS has none to give: take it from them there, or leave them out of the manifest`,
            ],
          },
        ]
      : [];
  return [
    ...(createrole ? [] : [{ sql: `GRANT CREATE USER ON *.* TO ${whom}`, notes: [] }]),
    ...lacking.map((sql) => ({ sql, notes: engine === 'mariadb' && sql.includes(' ON mysql.* ') ? MORE : [] })),
    ...strong,
  ];
};

const MORE: readonly string[] = ['ask once more when it can read the grant tables: which groups it may not put others into stands there'];
