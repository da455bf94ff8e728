import { secretValue } from '../core/secret-value.ts';
import type { Lookup, Reference } from '../model/declared.ts';
import { Failure, type Finding, failure } from '../model/finding.ts';
import type { Ask } from './secretsmanager/connect.ts';

const listeners = new Set<(value: string) => void>();

/** Tells of every value that is looked up, before anybody else has it: for whoever hides it in a log. */
export const onSecret = (listener: (value: string) => void): void => void listeners.add(listener);

/**
 * Looks secrets up for one run: each of them once, whichever of its keys are asked for, and whether or not there is an answer. Values
 * are in this closure and nowhere else. Throws a Failure without a place: who asked knows that.
 */
export const createLookup = (): Lookup => {
  const asks = askers();
  const held = new Map<string, Promise<string | null>>();
  const told = new Set<string>();
  return async (reference) => {
    const text = held.get(reference.name) ?? textOf(reference.name, asks);
    held.set(reference.name, text);
    const found = secretValue(await text, reference);
    if (!('value' in found)) throw failure(`secret/${found.slug}`, `the secret '${reference.name}' ${found.problem}`, { hint: found.hint });
    if (!told.has(found.value)) for (const listener of listeners) listener(found.value);
    told.add(found.value);
    return found.value;
  };
};

/** One client for each region, and one set of credentials. AWS is loaded where there is a secret, and not before. */
const askers = (): ((region: string) => Promise<Ask>) => {
  const known = new Map<string, Promise<Ask>>();
  const begin = async (region: string): Promise<Ask> => {
    const { credentialsOf } = await import('./rds/connect.ts');
    const { askIn } = await import('./secretsmanager/connect.ts');
    return await askIn(region, credentialsOf(undefined, region));
  };
  return (region) => {
    const ask = known.get(region) ?? begin(region);
    known.set(region, ask);
    return ask;
  };
};

const textOf = async (arn: string, asks: (region: string) => Promise<Ask>): Promise<string | null> => {
  // arn:aws:secretsmanager:REGION:…, validated with the manifest
  const region = arn.split(':')[3] ?? '';
  try {
    return await (await asks(region))(arn);
  } catch (error) {
    throw await failureOf(error, arn, region);
  }
};

/** What cannot be explained is named and not quoted: an answer that could not be read may hold the secret. */
const failureOf = async (error: unknown, arn: string, region: string): Promise<Failure> => {
  if (error instanceof Failure) return error;
  const { GET_SECRET, troubleOf } = await import('./secretsmanager/trouble.ts');
  const known = troubleOf(error, arn);
  if (known) return failure(known.code, known.message, { hint: known.hint });
  const { awsFailure } = await import('./rds/trouble.ts');
  const explained = awsFailure(error, { action: GET_SECRET, region, resource: arn });
  if (explained instanceof Failure && explained.findings.every(({ code }) => code !== 'aws/failed')) return explained;
  const name = error instanceof Error ? error.name : typeof error;
  return failure('aws/failed', `${GET_SECRET} on '${arn}' failed (${name})`, {
    hint: 'try again; if it stays, look at the secret in the console',
  });
};

/** What a password reference stands for; a Failure says where it stands, and `whose` it is. */
export const lookedUp = async (
  reference: Reference,
  lookup: Lookup | undefined,
  whose: string,
  place: Pick<Finding, 'target' | 'source'>,
): Promise<string> => {
  try {
    return await (lookup ?? createLookup())(reference);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const at = placeOf(reference, place);
    throw new Failure(
      error.findings.map((finding) => ({ ...finding, ...at, message: `${whose}: ${finding.message}` })),
      error.exitCode,
    );
  }
};

/** Where the reference itself stands, where that is known. */
export const placeOf = ({ at }: Reference, place: Pick<Finding, 'target' | 'source'>): Pick<Finding, 'target' | 'source'> =>
  at === undefined ? place : { ...place, source: at };
