import { always, byPassword, byToken, type Check, failed, passed, quoted, the, why, withAccounts, withDatabases } from './check.ts';
import { wordsOf } from './words.ts';

/** What is looked at besides where somebody wants to log in as a user. */
export const LOGIN_CHECKS: readonly Check[] = [
  {
    name: 'user',
    about: 'the user is there, in this case',
    needs: ['user'],
    applies: always,
    judge: ({ user, target: { login, engine } }) => {
      const { exists, like } = the(user);
      const { role, name } = wordsOf(engine);
      if (exists) return passed(`${role} ${name(login!)} is there`);
      return failed(
        `there is no ${role} ${name(login!)}${like === null ? '' : `, and there is ${name(like)}`}`,
        like === null ? 'declare it, and apply' : 'names are told apart by case: correct it in the policy, the token and the client',
      );
    },
  },
  {
    name: 'user-host',
    about: 'an account of it takes logins from here, as they come (MySQL and MariaDB)',
    needs: ['user'],
    applies: withAccounts,
    judge: ({ user, target: { login } }) => {
      const { account, lacks } = the(user);
      if (!lacks) return passed(account ?? login!);
      return failed(
        `a login as '${login}' from here lacks ${lacks}`,
        'hosts and require of the manifest say from where, and how, it may come',
      );
    },
  },
  {
    name: 'user-login',
    about: 'its login is open',
    needs: ['user'],
    applies: always,
    judge: ({ user, target: { login, engine } }) => {
      const facts = the(user);
      const { open, closed, reopen } = wordsOf(engine);
      if (facts.login) return passed(open);
      if (facts.locked !== null) return failed(`it was locked on ${facts.locked}`, 'rolecall unlock takes the lock off');
      return failed(
        `its login is closed (${closed})`,
        `enabled, until and removed of the manifest close it, else: ${reopen({ user: login!, account: facts.account })}`,
      );
    },
  },
  {
    name: 'user-method',
    about: 'it is asked for what its client has: a token, or a password',
    needs: ['user'],
    applies: always,
    judge: ({ user, target: { login, by, engine } }) => {
      const { iamPath, hasIamRole, adPath, account } = the(user);
      const { iam } = wordsOf(engine);
      const whom = { user: login!, account };
      const path = iamPath?.join(' -> ');
      if (by === 'iam' && !hasIamRole)
        return failed(`${iam.missing}: the server is none of RDS, or IAM authentication was never on`, iam.switchOn);
      if (adPath && !path)
        return failed(
          'it is under rds_ad: the server wants a Kerberos ticket of it, whatever else its client has',
          `${by === 'iam' ? `${iam.add(whom)}; ` : ''}REVOKE rds_ad FROM ${quoted(login!)}`,
        );
      if (by === 'iam' && !path) return failed(`it is not ${iam.is}: the server wants a password of it`, iam.add(whom));
      if (by === 'iam' && adPath)
        return failed('it is under rds_iam and under rds_ad: AWS allows one of them', `REVOKE rds_ad FROM ${quoted(login!)}`);
      if (by === 'password' && path)
        return failed(`it is ${iam.is} (${path}): the server wants a token of it, whatever its password`, iam.remove(whom));
      return passed(path ?? 'a password');
    },
  },
  {
    name: 'user-password',
    about: 'its password has not expired',
    needs: ['user'],
    applies: byPassword,
    judge: ({ user, target: { login, engine } }) => {
      const { passwordOver, account } = the(user);
      const { over } = wordsOf(engine);
      if (passwordOver === undefined) return { status: 'unread', message: 'whether its password has expired is not known' };
      return passwordOver ? failed(over.is, over.renew({ user: login!, account })) : passed('its password has not expired');
    },
  },
  {
    name: 'user-connections',
    about: 'its connection limit leaves room',
    needs: ['user'],
    applies: always,
    judge: ({ user }) => {
      const { connectionLimit, sessions } = the(user);
      if (connectionLimit < 0) return passed(`no limit${sessions === null ? '' : `, ${sessions} open`}`);
      if (sessions === null)
        return {
          status: 'unread',
          message: `how many of ${connectionLimit} are open: the login sees no sessions but its own`,
          hint: 'let it see them: GRANT PROCESS ON *.* TO it',
        };
      return sessions < connectionLimit
        ? passed(`${sessions} of ${connectionLimit} open`)
        : failed(`all ${connectionLimit} of its connections are open`, 'end idle sessions, or raise connection_limit');
    },
  },
  {
    name: 'user-connect',
    about: 'it may connect to the database (PostgreSQL)',
    needs: ['user'],
    applies: withDatabases,
    judge: ({ user, target: { login } }) => {
      const { database, connect } = the(user);
      if (connect === null) return failed(`there is no database ${quoted(database)}`, 'name another with --database');
      return connect
        ? passed(`CONNECT on ${quoted(database)}`)
        : failed(`it may not connect to ${quoted(database)}`, `GRANT CONNECT ON DATABASE ${quoted(database)} TO ${quoted(login!)}`);
    },
  },
  {
    name: 'user-policy',
    about: 'the policies let the principal in',
    needs: ['ways'],
    applies: byToken,
    judge: ({ ways }) => {
      const all = the(ways);
      const shut = all.find(({ judgement }) => judgement.verdict === 'denied' || judgement.verdict === 'not-allowed');
      const unsure = all.find(({ judgement }) => judgement.verdict === 'unknown');
      if (shut === undefined && unsure !== undefined)
        return {
          status: 'unread',
          message: `whether the policies let ${unsure.principal} in is not known${why([...unsure.judgement.why, ...unsure.judgement.unread])}`,
        };
      if (shut === undefined)
        return passed(all.map(({ principal, judgement }) => `${principal}: ${judgement.verdict}${why(judgement.why)}`).join('; '));
      const { principal, arn, judgement } = shut;
      if (judgement.elsewhere.length > 0)
        return failed(
          `${principal} may log in on ${judgement.elsewhere.join(', ')}, and this server is ${arn}`,
          'partition, region, account, resource id and the case of the user have to be exactly those: what was restored or cloned has a new id',
        );
      if (judgement.verdict === 'denied')
        return failed(
          `${principal} is denied rds-db:connect on ${arn}${why(judgement.why)}`,
          'an explicit Deny is undone by no Allow: take it away',
        );
      return judgement.why.length > 0
        ? failed(
            `${principal} is not allowed rds-db:connect on ${arn}${why(judgement.why)}`,
            "let the permissions boundary allow rds-db:connect on the user's ARN",
          )
        : failed(`no policy allows ${principal} to do rds-db:connect on ${arn}`, 'declare it under the principals of the user, and apply');
    },
  },
  {
    name: 'user-in',
    about: 'it is really let in',
    needs: ['login'],
    applies: always,
    judge: ({ login }) => {
      const { letIn, cause, told, hint } = the(login);
      return letIn
        ? passed(told)
        : failed(`${cause}: ${told}`, hint ?? "rolecall doctor --denied reads the server's log iam-db-auth-error, which has the reason");
    },
  },
];
