import { type ManifestOptions, openSession } from '../engine/session.ts';
import { EXIT, type ExitCode } from '../model/finding.ts';
import { visible } from '../render/escape.ts';
import { toJson } from '../render/json.ts';
import type { Console } from './console.ts';

/** The targets of the manifest. Offline; `--json` feeds a matrix. */
export const targetsCommand = async (
  options: ManifestOptions & { readonly format: 'human' | 'json' },
  console: Console,
): Promise<ExitCode> => {
  const { declareds } = await openSession(options, console.now);
  const targets = declareds.map(({ target: { name, engine, endpoint } }) => ({
    name,
    engine,
    endpoint: endpoint.kind === 'explicit' ? `${endpoint.host}:${endpoint.port}` : 'env',
  }));
  if (options.format === 'json') console.out(toJson({ formatVersion: '1.0', targets }));
  else for (const { name, engine, endpoint } of targets) console.out(`${visible(name)}  ${engine}  ${visible(endpoint)}\n`);
  return EXIT.ok;
};
