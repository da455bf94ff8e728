import { awsOrTokens, type Check, failed, inAws, instantOf, judgeDate, passed, SKEW_MS, the, tokensInAws } from './check.ts';

/** What AWS says: of whoever runs this, and of the server. */
export const AWS_CHECKS: readonly Check[] = [
  {
    name: 'instance-certificates',
    about: 'the certificate of every instance stays valid for a while',
    needs: ['server'],
    applies: inAws,
    judge: ({ server, target: { now } }) => {
      const { instances } = the(server);
      const dated = instances.flatMap(({ name, ca, certificateUntil }) =>
        certificateUntil === null ? [] : [{ name, ca, until: certificateUntil }],
      );
      const authorities = [...new Set(instances.map(({ ca }) => ca).filter(Boolean))].sort().join(', ') || 'no authority named';
      const first = [...dated].sort((a, b) => (a.until < b.until ? -1 : 1))[0];
      if (first === undefined) return passed(`${authorities}; AWS gives no dates`);
      return judgeDate(
        first.until,
        now,
        `${authorities}; the first to end is that of '${first.name}', on ${first.until}`,
        `let RDS make a new one: aws rds modify-db-instance --db-instance-identifier ${first.name} --ca-certificate-identifier rds-ca-rsa2048-g1`,
      );
    },
  },
  {
    name: 'credentials',
    about: 'AWS knows whoever runs this',
    needs: ['caller'],
    applies: awsOrTokens,
    judge: ({ caller, target: { now } }) => {
      const { arn, expires } = the(caller);
      if (expires === null) return passed(arn);
      const minutes = Math.floor((instantOf(expires) - now) / 60_000);
      return minutes < 0
        ? failed(`${arn}: the credentials have expired at ${expires}`, 'get new ones: aws sso login, or whatever issued them')
        : passed(`${arn}, for ${minutes} more minutes`);
    },
  },
  {
    name: 'clock',
    about: "this machine's clock is that of AWS",
    needs: ['caller'],
    applies: awsOrTokens,
    judge: ({ caller }) => {
      const { skewMs } = the(caller);
      if (skewMs === null) return { status: 'unread', message: 'AWS did not say what time it is there' };
      const seconds = Math.round(Math.abs(skewMs) / 1000);
      if (Math.abs(skewMs) <= SKEW_MS) return passed(seconds === 0 ? 'no difference to that of AWS' : `${seconds} seconds off`);
      return failed(`${seconds} seconds ${skewMs > 0 ? 'ahead' : 'behind'}: tokens are refused at five minutes`, 'set the clock (NTP)');
    },
  },
  {
    name: 'running',
    about: 'the server is available',
    needs: ['server'],
    applies: inAws,
    judge: ({ server }) => {
      const { kind, identifier, status, engine, resourceId } = the(server);
      const what = `${kind} '${identifier}' (${engine}, ${resourceId})`;
      return /^(available|backing-up|modifying|configuring-.*|upgrading|storage-optimization|)$/.test(status)
        ? passed(`${what} is ${status || 'there'}`)
        : failed(
            `${what} is ${status}`,
            status === 'stopped' ? `aws rds start-db-${kind} --db-${kind}-identifier ${identifier}` : 'wait until it is available',
          );
    },
  },
  {
    name: 'iam-authentication',
    about: 'IAM authentication is on, on the cluster and each instance, with nothing pending',
    needs: ['server'],
    applies: tokensInAws,
    judge: ({ server }) => {
      const { kind, identifier, iam, instances } = the(server);
      const modify = `aws rds modify-db-${kind} --db-${kind}-identifier ${identifier} --enable-iam-database-authentication --apply-immediately`;
      if (!iam.on && iam.pending === true)
        return failed('it is switched on, and not yet in effect', `wait for the maintenance window, or: ${modify}`);
      if (!iam.on) return failed('it is off', modify);
      if (iam.pending === false) return failed('it is about to be switched off', `keep it: ${modify}`);
      const odd =
        kind === 'cluster'
          ? instances.filter((instance) => instance.iam.pending === false || (!instance.iam.on && instance.iam.pending === true))
          : [];
      if (odd.length > 0)
        return failed(`it is about to change on ${odd.map(({ name }) => name).join(', ')}`, 'wait until the instances are available');
      return passed(kind === 'cluster' && instances.length > 0 ? `on, for ${instances.map(({ name }) => name).join(', ')}` : 'on');
    },
  },
  {
    name: 'resource-id',
    about: "the id that policies name is the cluster's, or the instance's where it is in none",
    needs: ['server'],
    applies: tokensInAws,
    judge: ({ server }) => {
      const { kind, resourceId } = the(server);
      const prefix = kind === 'cluster' ? 'cluster-' : 'db-';
      if (resourceId.startsWith(prefix)) return passed(resourceId);
      return failed(`the id of this ${kind} is '${resourceId}', and '${prefix}…' is expected`, 'ask AWS support: no policy can name it');
    },
  },
  {
    name: 'instance-class',
    about: 'the instances have memory for IAM authentication',
    needs: ['server'],
    applies: tokensInAws,
    judge: ({ server }) => {
      const { engine, instances } = the(server);
      const named = (list: readonly { readonly name: string; readonly class: string }[]) =>
        list.map((one) => `${one.name} (${one.class})`).join(', ');
      const without = engine === 'aurora-mysql' ? instances.filter((one) => /^db\.t[23]\.small$/.test(one.class)) : [];
      if (without.length > 0) return failed(`${named(without)} takes no tokens`, 'choose a larger class');
      const small = instances.filter((one) => /^db\.t\w+\.(micro|small)$/.test(one.class));
      if (small.length > 0) return passed(`${named(small)} has little memory: now and then a token may be refused for it`);
      return passed(named(instances) || 'no instance');
    },
  },
  {
    name: 'log-export',
    about: 'why a token was refused is written to a log',
    needs: ['server'],
    applies: tokensInAws,
    judge: ({ server }) => {
      const { kind, identifier, logExports } = the(server);
      if (logExports.includes('iam-db-auth-error')) return passed(`exported: ${logExports.join(', ')}`);
      return failed(
        `iam-db-auth-error is not exported${logExports.length === 0 ? '' : ` (${logExports.join(', ')} are)`}: a refused token leaves no trace`,
        `aws rds modify-db-${kind} --db-${kind}-identifier ${identifier} --cloudwatch-logs-export-configuration '{"EnableLogTypes":["iam-db-auth-error"]}'`,
      );
    },
  },
];
