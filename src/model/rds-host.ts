/** What the name of an RDS endpoint tells. `region` is null for the writer endpoint of a global database, which moves. */
export type RdsHost = { readonly region: string | null; readonly proxy: boolean };

/** `NAME.HASH.REGION.rds.DOMAIN`; in China also `NAME.HASH.rds.REGION.DOMAIN`. */
const ENDPOINT =
  /^[a-z0-9.-]+\.(?:([a-z0-9-]+)\.rds|rds\.(cn-[a-z0-9-]+))\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov)$/;

/** undefined: not a name that RDS gives (a CNAME, an address, any other server). */
export const rdsHost = (host: string): RdsHost | undefined => {
  const found = ENDPOINT.exec(host.toLowerCase());
  if (!found) return undefined;
  const region = found[1] ?? found[2]!;
  return { region: region === 'global' ? null : region, proxy: /\.proxy-[a-z0-9]+\./.test(host.toLowerCase()) };
};

/** The region in the name of an RDS endpoint; undefined where it has none. */
export const regionInHost = (host: string): string | undefined => rdsHost(host)?.region ?? undefined;
