import type { Declared, DeclaredRole } from '../model/declared.ts';
import { Failure, type Finding, failure } from '../model/finding.ts';
import type { Step } from '../model/plan.ts';

/** The value behind the reference that a step carries, from the environment; an empty one would take the password away. */
export const passwordOf = (secret: string, declared: Declared): string => {
  const { name, password, source } = ownerOf(secret, declared);
  const { source: from, name: variable, text } = password!;
  const place = { target: declared.target.name, source };
  if (from === 'secret')
    throw failure('secret/not-available', `the password of '${name}' is '${text}', and this version reads only \${env:NAME}`, {
      hint: `put it into an environment variable, and write password: \${env:NAME}`,
      ...place,
    });
  const value = process.env[variable];
  if (value) return value;
  const state = value === undefined ? 'is not set' : 'is empty';
  throw failure('secret/empty', `the password of '${name}' is '${text}', and the environment variable '${variable}' ${state}`, {
    hint: `set ${variable} to the password that '${name}' shall have`,
    ...place,
  });
};

/** Secrets that the steps need and that are not there, each once: found before anything runs. */
export const missingSecrets = (steps: readonly Step[], declared: Declared): Finding[] =>
  [...new Set(steps.map(({ secret }) => secret))].flatMap((secret) => {
    if (secret === undefined) return [];
    try {
      passwordOf(secret, declared);
      return [];
    } catch (error) {
      if (error instanceof Failure) return [...error.findings];
      throw error;
    }
  });

const ownerOf = (secret: string, declared: Declared): DeclaredRole => {
  const role = [...declared.roles.values()].find(({ password }) => password?.text === secret);
  if (!role) throw new Error(`nothing declares the secret ${secret}`);
  return role;
};
