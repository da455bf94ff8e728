/**
 * What a client sent where a name belongs may be a token, a whole connection string or a key, and servers write names into their logs.
 * ARNs are long as well, and are what is looked for.
 */
const SECRET =
  /(arn:aws[\w-]*:(?:iam|sts)::\d*:[\w+=,.@/-]+)|X-Amz-[\w-]+=[^&\s'"]*|(?:password|passwd|pwd)\s*=\s*\S+|(?<=:\/\/[^:/@\s]*:)[^@\s]+(?=@)|\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b|[A-Za-z0-9+/=_%-]{64,}/gi;

/** The text with `***` for whatever may be a secret. */
export const withoutSecrets = (text: string): string => text.replace(SECRET, (_found, arn?: string) => arn ?? '***');
