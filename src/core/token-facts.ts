import type { TokenFacts } from '../model/checkup.ts';

/** What a token is for, taken apart; its signature and whatever else is secret stay behind. null: it is no token. */
export const tokenFacts = (token: string): TokenFacts | null => {
  const found = /^([^:/?]+):(\d+)\/\?(.*)$/s.exec(token);
  if (!found) return null;
  const [, host, port, query] = found;
  const fields = new URLSearchParams(query);
  const [, , region] = (fields.get('X-Amz-Credential') ?? '').split('/');
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(fields.get('X-Amz-Date') ?? '') ?? [];
  if (fields.get('Action') !== 'connect' || region === undefined || year === undefined) return null;
  return {
    host: host!,
    port: Number(port),
    user: fields.get('DBUser') ?? '',
    region,
    expiresSeconds: Number(fields.get('X-Amz-Expires') ?? 0),
    signedAt: `${year}-${month}-${day}T${hour}:${minute}:${second}Z`,
    length: token.length,
    temporary: fields.has('X-Amz-Security-Token'),
  };
};
