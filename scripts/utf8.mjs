// What the builds have in place of iconv-lite, whose tables are half of MySQL's driver. All that a server sends to Rolecall is UTF-8:
// results and errors, since the connection asks for it, and the version in the greeting, which is ASCII in every character set.

export const getDecoder = () => ({ write: (bytes) => bytes.toString('utf8'), end: () => '' });

export const getEncoder = () => ({ write: (text) => Buffer.from(text, 'utf8'), end: () => undefined });
