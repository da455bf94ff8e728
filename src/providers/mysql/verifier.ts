import { createHash } from 'node:crypto';

const sha1 = (data: Buffer): Buffer => createHash('sha1').update(data).digest();

/**
 * What MariaDB stores of a password (mysql_native_password): sent in its place after IDENTIFIED BY, as MariaDB writes statements into
 * its logs as they come, passwords and all. MySQL writes `<secret>` there, and has no such form for its own plugins.
 */
export const verifier = (password: string): string =>
  `PASSWORD '*${sha1(sha1(Buffer.from(password)))
    .toString('hex')
    .toUpperCase()}'`;
