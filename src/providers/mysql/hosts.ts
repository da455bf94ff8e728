/** The most specific host of an account that a client's host matches, as the server picks it; undefined: none does. */
export const hostOf = (client: string, hosts: readonly string[]): string | undefined =>
  hosts.filter((host) => matchesHost(client, host)).sort((a, b) => specificity(b) - specificity(a))[0];

/** `%` and `_` are wildcards; `10.0.0.0/255.0.0.0` and `10.0.0.0/8` are networks. */
const matchesHost = (client: string, host: string): boolean => {
  const [network = '', mask] = host.split('/');
  if (mask !== undefined) {
    const bits = maskBits(mask);
    const [at, of] = [ipv4(client), ipv4(network)];
    return bits !== null && at !== null && of !== null && (at & bits) === (of & bits);
  }
  if (!/[%_]/.test(host)) return client.toLowerCase() === host.toLowerCase();
  const pattern = host
    .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.');
  return new RegExp(`^${pattern}$`, 'i').test(client);
};

/** A host without wildcards first, then the one whose first wildcard comes latest. */
const specificity = (host: string): number => {
  const wildcard = host.search(/[%_/]/);
  return wildcard < 0 ? Number.POSITIVE_INFINITY : wildcard;
};

const ipv4 = (text: string): number | null => {
  const parts = text.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) return null;
  return parts.reduce((sum, part) => (sum << 8) | part, 0);
};

const maskBits = (mask: string): number | null => {
  if (mask.includes('.')) return ipv4(mask);
  const length = Number(mask);
  return Number.isInteger(length) && length >= 0 && length <= 32 ? (length === 0 ? 0 : -1 << (32 - length)) : null;
};
