/** What a certificate must say, as REQUIRE takes it. */
export type Certificate = { readonly subject?: string; readonly issuer?: string; readonly cipher?: string };

/**
 * The TLS requirement of an account as plans keep it (AccountOptions.require): `none`, `ssl`, `x509`, or what stands after
 * REQUIRE, `SUBJECT '/CN=app' AND ISSUER '/O=Acme' AND CIPHER 'AES'`, with quotes doubled and backslashes too.
 */
export const requireText = (required: string | Certificate): string => {
  if (typeof required === 'string') return required;
  const clauses = (['subject', 'issuer', 'cipher'] as const).flatMap((key) => {
    const value = required[key];
    return value === undefined || value === '' ? [] : [`${key.toUpperCase()} '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`];
  });
  return clauses.length === 0 ? 'x509' : clauses.join(' AND ');
};
