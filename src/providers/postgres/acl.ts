import { type AclEntry, type Grantee, type Privileges, PUBLIC } from '../../model/access.ts';
import { byCodeUnit } from '../../model/key.ts';

/** Letters of an aclitem (PostgreSQL 18 manual, table 5.1). */
const LETTERS: Readonly<Record<string, string>> = {
  a: 'INSERT',
  r: 'SELECT',
  w: 'UPDATE',
  d: 'DELETE',
  D: 'TRUNCATE',
  x: 'REFERENCES',
  t: 'TRIGGER',
  m: 'MAINTAIN',
  X: 'EXECUTE',
  U: 'USAGE',
  C: 'CREATE',
  T: 'TEMPORARY',
  c: 'CONNECT',
  s: 'SET',
  A: 'ALTER SYSTEM',
};

/** Object types of `acldefault()`. Not those of pg_default_acl, where S is a sequence. */
export type AclType = 'c' | 'r' | 's' | 'd' | 'f' | 'l' | 'L' | 'n' | 't' | 'T' | 'F' | 'S' | 'p';

/** What `acldefault(type, owner)` says: letters for PUBLIC and for the owner (`m` exists from 17). */
const DEFAULTS: Readonly<Record<AclType, readonly [everyone: string, owner: string]>> = {
  c: ['', ''],
  r: ['', 'arwdDxtm'],
  s: ['', 'rwU'],
  d: ['Tc', 'CTc'],
  f: ['X', 'X'],
  l: ['U', 'U'],
  L: ['', 'rw'],
  n: ['', 'UC'],
  t: ['', 'C'],
  T: ['U', 'U'],
  F: ['', 'U'],
  S: ['', 'U'],
  p: ['', 'sA'],
};

const MAINTAIN_SINCE = 170000;

const words = (letters: string): Privileges => {
  const found: string[] = [];
  for (let at = 0; at < letters.length; at++) {
    const word = LETTERS[letters[at]!] ?? letters[at]!;
    found.push(letters[at + 1] === '*' ? `${word}*` : word);
    if (letters[at + 1] === '*') at++;
  }
  return found.sort(byCodeUnit);
};

/** The ACL that a NULL column stands for. */
export const defaultAcl = (type: AclType, owner: string, version: number): readonly AclEntry[] => {
  const [everyone, own] = DEFAULTS[type];
  const letters = version >= MAINTAIN_SINCE ? own : own.replace('m', '');
  const entries: AclEntry[] = [];
  if (everyone) entries.push({ grantee: PUBLIC, grantor: owner, privileges: words(everyone) });
  if (letters) entries.push({ grantee: owner, grantor: owner, privileges: words(letters) });
  return entries;
};

/**
 * Parses `aclitem[]::text`, e.g. `{=r/o,"\"odd name\"=r*w/o"}`: array quoting around identifier quoting, either of which
 * may hold any character. An aclitem without a grantee is PUBLIC's.
 */
export const parseAcl = (text: string): readonly AclEntry[] => arrayElements(text).map(parseItem);

/** Elements of a one-dimensional `text[]` literal without NULLs. */
const arrayElements = (text: string): string[] => {
  const found: string[] = [];
  let at = 1;
  while (at < text.length - 1) {
    const quoted = text[at] === '"';
    let element = '';
    if (quoted) at++;
    for (; at < text.length - (quoted ? 0 : 1); at++) {
      const char = text[at]!;
      if (char === '\\') element += text[++at];
      else if (char === (quoted ? '"' : ',')) break;
      else element += char;
    }
    if (quoted) at++;
    found.push(element);
    at++;
  }
  return found;
};

const parseItem = (item: string): AclEntry => {
  const [grantee, afterGrantee] = readName(item, 0);
  const slash = item.indexOf('/', afterGrantee);
  const [grantor] = readName(item, slash + 1);
  return {
    grantee: (grantee === '' ? PUBLIC : grantee) satisfies Grantee,
    grantor,
    privileges: words(item.slice(afterGrantee + 1, slash)),
  };
};

/** A role name as `putid()` writes it: quoted with `"` doubled, or bare. Returns it and where it ends. */
const readName = (item: string, start: number): readonly [string, number] => {
  if (item[start] !== '"') {
    let end = start;
    while (end < item.length && item[end] !== '=' && item[end] !== '/') end++;
    return [item.slice(start, end), end];
  }
  let name = '';
  let at = start + 1;
  for (; at < item.length; at++) {
    if (item[at] !== '"') name += item[at];
    else if (item[at + 1] === '"') name += item[at++];
    else break;
  }
  return [name, at + 1];
};
