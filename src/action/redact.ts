/*
 * The last thing on every text that leaves the job: the runner hides secrets in its log, and nowhere else. Secrets are never part of a
 * plan; what is looked for here came by way of a server's message or of a name. No replacement is longer than what it replaces, and
 * none takes a backtick, a bar or a quote away: Markdown and JSON stay what they were.
 */
const HIDDEN = '***';

/** Values of secrets that this process has held. */
const known = new Set<string>();

/** Shorter ones are no secrets, and would be found in everything. */
const SHORTEST = 8;

/** Words of ours that somebody may have made a password of: hiding them hides the text, and tells the password. */
const WORDS: ReadonlySet<string> = new Set(['postgres', 'postgresql', 'password', 'rolecall']);

/** Hides a value from now on, also as it stands in JSON, in a URL, and in base64. */
export const keepSecret = (secret: string): void => {
  if (secret.length < SHORTEST || WORDS.has(secret)) return;
  for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), Buffer.from(secret).toString('base64')])
    known.add(form);
};

/** Hides what variables with the names of secrets hold: manifests refer to them. */
export const keepSecretsOf = (env: Readonly<Record<string, string | undefined>>): void => {
  for (const [name, value = ''] of Object.entries(env)) if (SECRET_NAME.test(name)) keepSecret(value);
};

const SECRET_NAME = /(PASSWORD|PASSWD|PGPASS|SECRET|TOKEN|PRIVATE_KEY|ACCESS_KEY)(_|$)/i;

/** The text without secrets: those that are known, and whatever looks like one. */
export const redact = (text: string): string => {
  const withoutKnown = [...known]
    .sort((a, b) => b.length - a.length)
    .reduce((rest, secret) => (rest.includes(secret) ? rest.replaceAll(secret, HIDDEN) : rest), text);
  return PATTERNS.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), withoutKnown);
};

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // password=…, PASSWORD '…'
  [/\b(pass(?:word|wd)?|pwd|secret)(\s?=\s?(?:\\?["'])?)[^\s"'`|<>\\&;,)]{3,}/gi, `$1$2${HIDDEN}`],
  [/\b(PASSWORD\s+')(?:[^'`|"\\\n<>]|''){3,}/g, `$1${HIDDEN}`],
  // postgres://user:…@host
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/[^\s/@:"'`|<>\\]*:)[^\s/@"'`|<>\\]{3,}(?=@)/gi, `$1${HIDDEN}`],
  // what PostgreSQL and MySQL keep of passwords
  [/SCRAM-SHA-256\$\d+:[\w+/=]+\$[\w+/=]+:[\w+/=]+/g, `SCRAM-SHA-256$$${HIDDEN}`],
  [/\bmd5[0-9a-f]{32}\b/g, `md5${HIDDEN}`],
  [/\$A\$\d{3}\$[^\s"'`|<>\\]{3,}/g, `$$A$$${HIDDEN}`],
  [/\*[0-9A-F]{40}\b/g, HIDDEN],
  // AWS
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, HIDDEN],
  [
    /\b(aws_?secret_?access_?key|aws_?session_?token|SecretAccessKey|SessionToken)((?:\\?["'])?\s?[=:]\s?(?:\\?["'])?)[\w+/=]{16,}/gi,
    `$1$2${HIDDEN}`,
  ],
  [/\b(X-Amz-(?:Signature|Security-Token|Credential)(?:=|%3D))[^\s&"'`|<>\\]{3,}/gi, `$1${HIDDEN}`],
  // JSON web tokens, tokens of GitHub, private keys
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, HIDDEN],
  [/\b(?:gh[opsur]_[A-Za-z0-9]{20,}|github_pat_\w{20,})/g, HIDDEN],
  [/-----BEGIN ([A-Z ]*)PRIVATE KEY-----[^`|"<>]*?-----END \1PRIVATE KEY-----/g, HIDDEN],
];
