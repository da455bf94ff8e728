import { always, awsOrTokens, byToken, type Check, failed, passed, quoted, the, withTls } from './check.ts';

/** What Rolecall's own login comes to. */
export const SESSION_CHECKS: readonly Check[] = [
  {
    name: 'token',
    about: 'a token can be signed, for this host, port, region and user',
    needs: ['token'],
    applies: byToken,
    judge: ({ token, target: { endpoint, login } }) => {
      const { host, port, user, region, expiresSeconds, signedAt, length, temporary } = the(token);
      const meant = { host: endpoint?.host.toLowerCase().replace(/\.$/, '') ?? host, port: endpoint?.port ?? port, user: login ?? user };
      const off = Object.entries(meant).filter(([key, value]) => ({ host, port, user })[key] !== value);
      const at = `for ${user} at ${host}:${port} in ${region}, signed at ${signedAt}, good for ${expiresSeconds} seconds, ${length} characters${temporary ? ', with temporary keys' : ''}`;
      if (off.length > 0)
        return failed(
          `${at}, and meant is ${off.map(([key, value]) => `${key} ${value}`).join(', ')}`,
          'report this: the token is of no use',
        );
      return passed(at);
    },
  },
  {
    name: 'login',
    about: "Rolecall's own login is let in, as whom it says",
    needs: ['session'],
    orFailed: true,
    applies: always,
    judge: ({ session, target: { login } }) => {
      const { user, version } = the(session);
      if (login !== null && user !== login)
        return failed(`whoever logs in as '${login}' is '${user}'`, 'look for a pooler that maps users');
      return passed(`${user}, PostgreSQL ${version}`);
    },
  },
  {
    name: 'session-tls',
    about: 'the server says that the session is encrypted',
    needs: ['session'],
    applies: withTls,
    judge: ({ session, target: { endpoint } }) => {
      const { tls } = the(session);
      if (tls !== null) return passed(tls);
      // A proxy or a tunnel ends TLS before the server.
      if (endpoint?.via) return passed('not seen by the server, which is behind what is dialled');
      return failed(
        'the session is not encrypted, as the server sees it',
        "write tls: verify-full; behind a proxy this is the proxy's own connection",
      );
    },
  },
  {
    name: 'writer',
    about: 'changes are taken',
    needs: ['session'],
    applies: always,
    judge: ({ session }) =>
      the(session).readOnly
        ? failed('the server only reads', 'name the writer: the endpoint of the cluster, or the primary')
        : passed('the server takes changes'),
  },
  {
    name: 'rds-iam',
    about: "whether Rolecall's own login is under rds_iam, as it logs in",
    needs: ['session'],
    applies: awsOrTokens,
    judge: ({ session, target: { by } }) => {
      const { user, iamPath, hasIamRole } = the(session);
      if (!hasIamRole) return failed('there is no role rds_iam', 'switch IAM authentication on: RDS makes the role');
      const path = iamPath?.join(' -> ');
      if (by === 'iam') return path ? passed(path) : failed(`'${user}' is not under rds_iam`, `as a master: GRANT rds_iam TO "${user}"`);
      return path
        ? failed(
            `'${user}' logs in with a password and is under rds_iam (${path}): RDS wants a token of it`,
            `REVOKE rds_iam FROM "${user}"`,
          )
        : passed(`'${user}' logs in with a password, and is not under rds_iam`);
    },
  },
  {
    name: 'administration',
    about: 'the declared roles that are there can be altered by the login',
    needs: ['session'],
    applies: always,
    judge: ({ session }) => {
      const { user, superuser, createrole, notAdministered, perGrantor } = the(session);
      if (superuser) return passed(`'${user}' is a superuser`);
      if (!createrole) return failed(`'${user}' has no CREATEROLE`, `as an administrator: ALTER ROLE "${user}" CREATEROLE`);
      if (notAdministered.length === 0)
        return passed(`'${user}' has CREATEROLE${perGrantor ? ' and ADMIN on every declared role that is there' : ''}`);
      const grants = notAdministered.map((role) => `GRANT ${quoted(role)} TO ${quoted(user)} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;`);
      return failed(`'${user}' has no ADMIN on ${notAdministered.map(quoted).join(', ')}`, `as a master: ${grants.join(' ')}`);
    },
  },
];
