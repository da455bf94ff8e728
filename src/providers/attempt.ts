import { Failure } from '../model/finding.ts';
import type { Refusal } from '../model/proof.ts';
import type { Tried } from './provider.ts';

/** Of what `connect` says that went wrong, what every engine says. What is not there was never tried at the server. */
export const REFUSALS: Readonly<Record<string, Refusal>> = {
  'connect/token': 'authentication',
  'connect/password': 'authentication',
  'connect/no-login': 'closed',
  'connect/no-database': 'no-database',
  'connect/too-many': 'limit',
  'connect/not-admitted': 'not-admitted',
  'connect/refused': 'network',
  'connect/unknown-host': 'network',
  'connect/timeout': 'network',
  'connect/unreachable': 'network',
  'connect/no-tls': 'tls',
  'connect/tls': 'tls',
  'connect/iam-needs-tls': 'tls',
  'connect/certificate': 'certificate',
  'connect/certificate-host': 'certificate',
  'connect/certificate-time': 'certificate',
  'connect/no-ca': 'certificate',
  'connect/not-ready': 'busy',
  'connect/lost': 'other',
};

type Connection = { readonly close: () => Promise<void> };

/** Logs in and tries. A login that is refused is an answer: `refusalOf` says why, and `said` how the line of a proof tells it. */
export const attempt = async <Connected extends Connection>(
  logIn: () => Promise<Connected>,
  tried: (connected: Connected) => Promise<Tried>,
  {
    refusalOf,
    said,
  }: { readonly refusalOf: (code: string, message: string) => Refusal | undefined; readonly said: (message: string) => string },
): Promise<Tried> => {
  let connected: Connected;
  try {
    connected = await logIn();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { code, message, hint } = error.findings[0]!;
    const refusal = refusalOf(code, message) ?? 'untried';
    return { letIn: false, refusal, message: said(message), ...(hint === undefined ? {} : { hint }) };
  }
  return await during(connected, tried);
};

/** Works over a connection, and closes it. */
export const during = async <Connected extends Connection, Result>(
  connected: Connected,
  work: (connected: Connected) => Promise<Result>,
): Promise<Result> => {
  try {
    return await work(connected);
  } finally {
    await connected.close();
  }
};
