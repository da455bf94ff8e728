import { connect as dial, isIP, type Socket } from 'node:net';
import { connect as handshake, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { ReachFacts, TlsFacts } from '../model/checkup.ts';
import { Failure } from '../model/finding.ts';
import { codeOf, type Dialled, hostPort } from './network.ts';
import type { Timeouts } from './provider.ts';

const WAIT_MS = 10_000;

/** A server as it is dialled. `path`: a socket in the file system instead. */
export type Place = Pick<Dialled, 'host' | 'port' | 'via'> & { readonly path?: string };

/** How a protocol comes to TLS: asks for it, and says whether the server begins with it. */
export type Upgrade = (socket: Socket) => Promise<boolean>;

/** ■ Whether anything listens at a place. */
export const reached = async (place: Place, timeouts?: Timeouts): Promise<ReachFacts> => {
  const dialled = hostPort(place);
  try {
    (await opened(place, timeouts)).destroy();
    return { dialled, trouble: null };
  } catch (error) {
    return { dialled, trouble: codeOf(error) || 'ETIMEDOUT' };
  }
};

/** ■ What TLS comes to at a place; null: the server speaks none. */
export const agreed = async (place: Place, ca: string | undefined, upgrade: Upgrade, timeouts: Timeouts = {}): Promise<TlsFacts> => {
  let socket: Socket | undefined;
  let late: NodeJS.Timeout | undefined;
  try {
    socket = await opened(place, timeouts);
    late = setTimeout(() => socket?.destroy(new Error('no answer to the offer of TLS in time')), timeouts.connectMs ?? WAIT_MS);
    return await Promise.race([broken(socket), offered(socket, place, ca, upgrade)]);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new Failure([{ severity: 'error', code: 'connect/tls', message: `TLS could not be agreed upon: ${said}` }]);
  } finally {
    clearTimeout(late);
    socket?.destroy();
  }
};

const opened = ({ host, port, via, path }: Place, { connectMs = WAIT_MS }: Timeouts = {}): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = path === undefined ? dial(via ?? { host, port }) : dial(path);
    socket.setTimeout(connectMs, () => socket.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })));
    socket.once('connect', () => {
      socket.setTimeout(0);
      resolve(socket);
    });
    socket.once('error', reject);
  });

const broken = (socket: Socket): Promise<never> =>
  new Promise((_, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });

const offered = async (socket: Socket, { host }: Place, ca: string | undefined, upgrade: Upgrade): Promise<TlsFacts> => {
  if (!(await upgrade(socket))) return null;
  // What the certificate is worth is what shall be told, and not a reason to stop.
  const secure = handshake({
    socket,
    host,
    rejectUnauthorized: false,
    ...(isIP(host) ? {} : { servername: host }),
    ...(ca === undefined ? {} : { ca }),
  });
  await new Promise<void>((resolve, reject) => {
    secure.once('error', reject);
    secure.once('secureConnect', () => resolve());
  });
  return factsOf(secure);
};

const factsOf = (secure: TLSSocket): TlsFacts => {
  const certificate = secure.getPeerCertificate();
  const error = secure.authorizationError as unknown;
  return {
    protocol: secure.getProtocol() ?? '',
    cipher: secure.getCipher().name,
    error: secure.authorized ? null : error instanceof Error ? codeOf(error) || error.message : String(error),
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    validFrom: instantOf(certificate.valid_from),
    validUntil: instantOf(certificate.valid_to),
  };
};

const nameOf = (name: PeerCertificate['subject'] | undefined): string => String(name?.CN ?? name?.O ?? 'nobody');
const instantOf = (text: string): string => new Date(text).toISOString().replace('.000', '');
