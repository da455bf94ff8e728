import type { Reference } from '../model/declared.ts';
import type { Position } from '../model/finding.ts';

const ENV = /^\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}$/;
// RDS calls the secrets that it keeps itself rds!cluster-…; wildcards would be some in a policy.
const SECRET = /^\$\{secret:(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@!-]+)(?:#([^#{}]+))?\}$/;

/** The reference that the whole text is; undefined for a literal, which no message may repeat. */
export const referenceOf = (text: string, at?: Position): Reference | undefined => {
  const place = at === undefined ? {} : { at };
  const env = ENV.exec(text);
  if (env) return { source: 'env', name: env[1]!, text, ...place };
  const secret = SECRET.exec(text);
  if (!secret) return undefined;
  return { source: 'secret', name: secret[1]!, ...(secret[2] === undefined ? {} : { key: secret[2] }), text, ...place };
};
