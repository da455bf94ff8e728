import type { Declared, DeclaredRole } from '../model/declared.ts';
import { Failure, type Finding, failure } from '../model/finding.ts';
import type { Step } from '../model/plan.ts';
import { lookedUp, placeOf } from './lookup.ts';

/** The value behind the reference that a step carries; an empty one would take the password away. */
export const passwordOf = async (secret: string, declared: Declared): Promise<string> => {
  const [owner] = ownersOf(secret, declared);
  if (!owner) throw new Error(`nothing declares the secret ${secret}`);
  return await readFor(owner, declared);
};

const readFor = async ({ name, password, source }: DeclaredRole, declared: Declared): Promise<string> => {
  const reference = password!;
  const place = { target: declared.target.name, source };
  if (reference.source === 'secret') return await lookedUp(reference, declared.target.secrets, `the password of '${name}'`, place);
  const value = process.env[reference.name];
  if (value) return value;
  const state = value === undefined ? 'is not set' : 'is empty';
  throw failure(
    'secret/empty',
    `the password of '${name}' is '${reference.text}', and the environment variable '${reference.name}' ${state}`,
    { hint: `set ${reference.name} to the password that '${name}' shall have`, ...placeOf(reference, place) },
  );
};

/**
 * Secrets that the steps need and that are not there, told to each user who has them: looked up before anything runs. `longest`:
 * how many bytes of a password the server takes.
 */
export const missingSecrets = async (
  steps: readonly Step[],
  declared: Declared,
  longest: number = Number.POSITIVE_INFINITY,
): Promise<Finding[]> => {
  const secrets = [...new Set(steps.flatMap(({ secret }) => secret ?? []))];
  const owners = secrets.flatMap((secret) => ownersOf(secret, declared));
  const found = await Promise.all(
    owners.map(async (owner): Promise<readonly Finding[]> => {
      try {
        const value = await readFor(owner, declared);
        return Buffer.byteLength(value) > longest ? [tooLong(owner, declared, longest)] : [];
      } catch (error) {
        if (error instanceof Failure) return error.findings;
        throw error;
      }
    }),
  );
  return found.flat();
};

const tooLong = ({ name, password, source }: DeclaredRole, declared: Declared, longest: number): Finding => ({
  severity: 'error',
  code: 'secret/too-long',
  message: `the password of '${name}' is '${password!.text}', which holds more than the ${longest} bytes that the server takes`,
  hint: 'store a shorter password there',
  ...placeOf(password!, { target: declared.target.name, source }),
});

const ownersOf = (secret: string, { roles }: Declared): readonly DeclaredRole[] =>
  [...roles.values()].filter(({ password }) => password?.text === secret);
