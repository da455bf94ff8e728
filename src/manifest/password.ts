import type { Reference } from '../model/declared.ts';

const ENV = /^\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}$/;
const SECRET = /^\$\{secret:(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[^#{}\s]+)(?:#([^#{}]+))?\}$/;

/** The reference that the whole text is; undefined for a literal, which no message may repeat. */
export const referenceOf = (text: string): Reference | undefined => {
  const env = ENV.exec(text);
  if (env) return { source: 'env', name: env[1]!, text };
  const secret = SECRET.exec(text);
  if (!secret) return undefined;
  return { source: 'secret', name: secret[1]!, ...(secret[2] === undefined ? {} : { key: secret[2] }), text };
};
