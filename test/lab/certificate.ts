import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

export type CertificateOptions = {
  /** Host names the certificate is good for. 127.0.0.1 is added unless `names` is given. */
  readonly names?: readonly string[];
};

/** PEM texts. */
export type Issued = { readonly authority: string; readonly certificate: string; readonly key: string };

/**
 * A server certificate and the authority that signed it, both made now and good for ten years.
 * Node reads X.509 but cannot write it, and openssl is not on every machine: RFC 5280's shape in DER, by hand.
 */
export function issueCertificate(options: CertificateOptions = {}): Issued {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = commonName('rolecall lab authority');
  const subject = commonName('rolecall lab server');
  return {
    authority: signed({ issuer, subject: issuer, key: authority.publicKey, extensions: [isAuthority()] }, authority.privateKey),
    certificate: signed({ issuer, subject, key: server.publicKey, extensions: [alternativeNames(options)] }, authority.privateKey),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

type Body = { readonly issuer: Buffer; readonly subject: Buffer; readonly key: KeyObject; readonly extensions: readonly Buffer[] };

const ECDSA_WITH_SHA256 = sequence(objectId('2a8648ce3d040302'));

function signed(body: Body, by: KeyObject): string {
  const toBeSigned = sequence(
    tagged(0xa0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ECDSA_WITH_SHA256,
    body.issuer,
    validity(),
    body.subject,
    body.key.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...body.extensions)),
  );
  const der = sequence(toBeSigned, ECDSA_WITH_SHA256, bits(sign('sha256', toBeSigned, by)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function validity(): Buffer {
  const year = new Date().getUTCFullYear();
  const time = (y: number) => tagged(0x18, Buffer.from(`${y}0101000000Z`));
  return sequence(time(year - 1), time(year + 10));
}

function commonName(name: string): Buffer {
  return sequence(tagged(0x31, sequence(objectId('550403'), tagged(0x0c, Buffer.from(name)))));
}

/** basicConstraints, critical: CA true. */
function isAuthority(): Buffer {
  return sequence(objectId('551d13'), tagged(0x01, Buffer.from([0xff])), octets(sequence(tagged(0x01, Buffer.from([0xff])))));
}

/** subjectAltName: dNSName is [2], iPAddress is [7]. */
function alternativeNames({ names }: CertificateOptions): Buffer {
  const hosts = (names ?? ['localhost']).map((name) => tagged(0x82, Buffer.from(name)));
  const address = names ? [] : [tagged(0x87, Buffer.from([127, 0, 0, 1]))];
  return sequence(objectId('551d11'), octets(sequence(...hosts, ...address)));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function integer(content: Buffer): Buffer {
  return tagged(0x02, content);
}

function bits(content: Buffer): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.from([0]), content]));
}

function octets(content: Buffer): Buffer {
  return tagged(0x04, content);
}

/** `hex`: the encoded identifier without its header. */
function objectId(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, 'hex'));
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const header = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), content]);
}
