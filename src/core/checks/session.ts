import { always, awsOrTokens, byToken, type Check, failed, passed, quoted, SKEW_MS, the, withAccounts, withTls } from './check.ts';
import { wordsOf } from './words.ts';

/** The share of sessions that one restart of an application takes: with less left, nobody can count on getting in. */
const LITTLE = 0.05;

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
    judge: ({ session, target: { login, engine } }) => {
      const { user, version } = the(session);
      const { product, other } = wordsOf(engine);
      if (login !== null && user !== login) return failed(`whoever logs in as '${login}' is '${user}'`, other);
      return passed(`${user}, ${product} ${version}`);
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
    name: 'connections',
    about: 'the server has room for more sessions',
    needs: ['session'],
    applies: always,
    judge: ({ session }) => {
      const { connections } = the(session);
      if (connections === undefined) return { status: 'unread', message: 'the server was not asked how many are open' };
      const { open, room } = connections;
      const left = Math.max(0, room - open);
      const found = `${open} of ${room} are open`;
      if (left > 0 && left >= room * LITTLE) return passed(found);
      return failed(
        `${found}: ${left === 0 ? 'nobody else gets in' : `${left} are left`}`,
        'end idle sessions, put a pool or RDS Proxy before the server, or raise max_connections',
      );
    },
  },
  {
    name: 'server-clock',
    about: "this machine's clock is that of the server (MySQL and MariaDB)",
    needs: ['session'],
    applies: withAccounts,
    judge: ({ session }) => {
      const { skewMs } = the(session);
      if (skewMs === undefined) return { status: 'unread', message: 'the server did not say what time it is there' };
      const seconds = Math.round(Math.abs(skewMs) / 1000);
      if (Math.abs(skewMs) <= SKEW_MS) return passed(seconds === 0 ? "no difference to the server's" : `${seconds} seconds off`);
      return failed(`${seconds} seconds ${skewMs > 0 ? 'ahead of' : 'behind'} the server's`, 'set the clock (NTP)');
    },
  },
  {
    name: 'rds-iam',
    about: "whether Rolecall's own login is asked for what it has: under rds_iam, or with AWSAuthenticationPlugin, for a token",
    needs: ['session'],
    applies: awsOrTokens,
    judge: ({ session, target: { by, engine } }) => {
      const { user, account, iamPath, hasIamRole } = the(session);
      const { iam } = wordsOf(engine);
      if (!hasIamRole) return failed(iam.missing, iam.switchOn);
      const path = iamPath?.join(' -> ');
      if (by === 'iam') return path ? passed(path) : failed(`'${user}' is not ${iam.is}`, `as a master: ${iam.add({ user, account })}`);
      return path
        ? failed(`'${user}' logs in with a password and is ${iam.is} (${path}): RDS wants a token of it`, iam.remove({ user, account }))
        : passed(`'${user}' logs in with a password, and is not ${iam.is}`);
    },
  },
  {
    name: 'administration',
    about: 'the declared roles that are there can be altered by the login',
    needs: ['session'],
    applies: always,
    judge: ({ session, target: { engine } }) => {
      const { user, account, superuser, createrole, notAdministered, perGrantor, lacking = [] } = the(session);
      const { maker, overAll, lacks, giveOver } = wordsOf(engine);
      if (superuser) return passed(`'${user}' is ${maker.superuser}`);
      if (!createrole) return failed(`'${user}' has no ${maker.word}`, maker.give({ user, account }));
      if (notAdministered.length === 0 && lacking.length === 0) return passed(`'${user}' has ${maker.word}${perGrantor ? overAll : ''}`);
      if (notAdministered.length === 0)
        return failed(
          `'${user}' has ${maker.word}, and lacks something besides`,
          `as an administrator: ${lacking.map((sql) => `${sql};`).join(' ')}`,
        );
      return failed(`'${user}' has no ${lacks} on ${notAdministered.map(quoted).join(', ')}`, giveOver({ user, account }, notAdministered));
    },
  },
  {
    name: 'denied-logged',
    about: "denied logins stand in the server's own log",
    needs: ['logging'],
    applies: always,
    judge: ({ logging, target: { engine, inAws } }) => {
      const facts = the(logging);
      if (facts.logged) return passed('each of them is a line of the log');
      return failed(
        `${wordsOf(engine).product} logs none of them: ${facts.found}`,
        `set ${facts.wanted}${inAws ? ' in the parameter group' : ''}: until then neither rolecall doctor --denied nor an alarm on the log sees any`,
      );
    },
  },
];
