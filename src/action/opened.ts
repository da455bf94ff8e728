import { type Session, sessionOf } from '../engine/session.ts';
import type { Manifest } from '../manifest/content.ts';
import { loadManifest } from '../manifest/load.ts';
import { readManifest } from '../manifest/validate.ts';
import { Failure, isError } from '../model/finding.ts';
import type { Job } from './outcome.ts';

/** ■ The manifest of the checkout, and what it declares for the targets of the inputs. Throws a Failure with all that is wrong with it. */
export const openedManifest = async ({ inputs, now }: Job): Promise<{ readonly session: Session; readonly manifest: Manifest }> => {
  const { files } = await loadManifest(inputs.manifest);
  const { manifest, findings } = readManifest(files);
  if (!manifest || findings.some(isError)) throw new Failure(findings);
  return { manifest, session: sessionOf(manifest, findings, { target: inputs.targets }, now) };
};
