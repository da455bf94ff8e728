import { isIPv4, isIPv6 } from 'node:net';
import type { DatabaseEngine } from '../model/declared.ts';
import type { Path } from './content.ts';
import type { Context } from './view.ts';

/** Longest host of an account, in characters. */
const LONGEST = 255;

type Problem = { readonly problem: string; readonly hint?: string };

/** Hosts that an account can come from, each once; what can never match is reported (test/live/mysql/words.test.ts). */
export const checkHosts = (hosts: readonly string[], subject: string, path: Path, { entry, report }: Context): void => {
  const seen = new Set<string>();
  for (const [index, host] of hosts.entries()) {
    const place = [...path, index];
    const wrong = hostProblem(host.toLowerCase(), entry.engine);
    if (wrong) report('host', `host '${host}' of ${subject} ${wrong.problem}`, place, wrong.hint === undefined ? {} : { hint: wrong.hint });
    else if (seen.has(host.toLowerCase()))
      report('declared-twice', `host '${host}' is listed twice for ${subject}: hosts are kept in lower case`, place);
    seen.add(host.toLowerCase());
  }
};

const hostProblem = (host: string, engine: DatabaseEngine): Problem | undefined =>
  formProblem(host) ?? (host.includes('/') ? maskProblem(host, engine) : host.includes(':') ? colonProblem(host) : nameProblem(host));

const ANY: Problem = { problem: 'means none at all', hint: `'%' is any host` };

const formProblem = (host: string): Problem | undefined => {
  if (host === '') return { problem: 'is empty', hint: `'%' is any host` };
  if (host.length > LONGEST) return { problem: `has ${host.length} characters, expected at most ${LONGEST}` };
  const sign = /[^a-z0-9._%:/-]/.exec(host)?.[0];
  if (sign === undefined) return undefined;
  const hint =
    sign === '*' || sign === '?'
      ? `'%' stands for any run of characters and '_' for one`
      : sign === '@'
        ? 'write the host alone: the name is that of the user'
        : undefined;
  return { problem: `has a ${sign === ' ' ? 'space' : `'${sign}'`}, which no host has`, ...(hint === undefined ? {} : { hint }) };
};

/** `10.0.0.0/255.0.0.0`, of MySQL also `10.0.0.0/8`: the address has no bit beyond the mask, which has no gaps. */
const maskProblem = (host: string, engine: DatabaseEngine): Problem | undefined => {
  const [address, mask, ...more] = host.split('/') as [string, string, ...string[]];
  const expected = engine === 'mariadb' ? '10.0.0.0/255.0.0.0' : '10.0.0.0/8 or 10.0.0.0/255.0.0.0';
  if (more.length > 0 || !isIPv4(address)) return { problem: `is no address with a netmask, expected a form such as ${expected}` };
  const bits = isIPv4(mask) ? bitsOf(mask) : /^([1-9]|[12]\d|3[0-2])$/.test(mask) ? Number(mask) : mask === '0' ? 0 : undefined;
  if (bits === undefined) return { problem: `has the netmask '${mask}', expected a form such as ${expected}` };
  if (bits === 0) return ANY;
  const dotted = addressOf(~0 << (32 - bits));
  const network = addressOf(numberOf(address) & (~0 << (32 - bits)));
  if (network !== address)
    return {
      problem: `matches nothing: ${address} has bits beyond the netmask`,
      hint: `write ${network}/${engine === 'mariadb' ? dotted : mask}`,
    };
  if (engine === 'mariadb' && mask !== dotted)
    return { problem: `matches nothing: MariaDB knows no '/${mask}'`, hint: `write ${address}/${dotted}` };
  return undefined;
};

/** The leading bits of a mask without gaps. */
const bitsOf = (mask: string): number | undefined => {
  const bits = numberOf(mask).toString(2).padStart(32, '0').indexOf('0');
  const count = bits < 0 ? 32 : bits;
  return count === 0 ? (mask === '0.0.0.0' ? 0 : undefined) : addressOf(~0 << (32 - count)) === mask ? count : undefined;
};

const numberOf = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const addressOf = (bits: number): string => [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');

/** An IPv6 address is compared as text, in the form in which the server writes it. */
const colonProblem = (host: string): Problem | undefined => {
  const port = /^([^:]+):\d*$/.exec(host);
  if (port) return { problem: 'has a port, which no host of an account has', hint: `write '${port[1]}'` };
  if (/[%_]/.test(host)) return undefined;
  if (!isIPv6(host)) return { problem: 'is no IPv6 address' };
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(host);
  if (mapped) return { problem: 'matches nothing: such a client comes by its IPv4 address', hint: `write '${mapped[1]}'` };
  const canonical = new URL(`http://[${host}]`).hostname.slice(1, -1);
  return canonical === host
    ? undefined
    : { problem: 'matches nothing: the server writes that address otherwise', hint: `write '${canonical}'` };
};

const nameProblem = (host: string): Problem | undefined => {
  if (/^[\d.]+$/.test(host) && !isIPv4(host))
    return { problem: 'is no IPv4 address', hint: `a part of one is written with '%', such as '10.%'` };
  if (/^\.|\.\.|\.$/.test(host) || /^-/.test(host)) return { problem: 'is no name of a host' };
  return undefined;
};
