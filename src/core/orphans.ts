import type { Finding } from '../model/finding.ts';
import { nameKey } from '../model/key.ts';

/** A role with our mark that nothing declares. `entry`: what could be written under `removed`. */
export type Orphan = { readonly name: string; readonly entry: string };

/** Groups that left the manifest, and users that were disabled for it: all of them stay until somebody says what becomes of them. */
export const orphanFindings = (orphans: readonly Orphan[]): Finding[] => {
  if (orphans.length <= APART)
    return orphans.map(({ name, entry }) =>
      orphaned(
        `'${name}' carries the mark of this stack, and nothing declares it: it cannot log in and is left as it is`,
        `declare it, or say under removed what becomes of it: ${entry}`,
      ),
    );
  const names = orphans.slice(0, NAMED).map(({ name }) => nameKey(name));
  const more = orphans.length > NAMED ? `, and ${orphans.length - NAMED} more` : '';
  return [
    orphaned(
      `${orphans.length} roles carry the mark of this stack, and nothing declares them: they cannot log in and are left as they are: ${names.join(', ')}${more}`,
      `declare them, or say under removed what becomes of each: ${orphans[0]!.entry}`,
    ),
  ];
};

/** So many have a line each; of more, so many are named. */
const [APART, NAMED] = [5, 20];

const orphaned = (message: string, hint: string): Finding => ({ severity: 'warning', code: 'role/orphan', message, hint });
