import { fixReport } from '../core/fix-admin.ts';
import { gatherEvidence } from '../engine/doctor.ts';
import type { ManifestOptions } from '../engine/session.ts';
import { EXIT, type ExitCode } from '../model/finding.ts';
import { visible } from '../render/escape.ts';
import { fixSql } from '../render/fix-admin.ts';
import { toJson } from '../render/json.ts';
import type { Console } from './console.ts';
import { type DirectOptions, openTargets } from './direct.ts';
import { inOptions } from './option-words.ts';
import { tell } from './tell.ts';

export type FixCommandOptions = ManifestOptions & DirectOptions & { readonly format: 'human' | 'json' };

/** What Rolecall's login lacks to administer the declared roles, as SQL for a master. Changes nothing. */
export const fixCommand = async (at: string | undefined, options: FixCommandOptions, console: Console): Promise<ExitCode> => {
  const target = at === undefined ? options.target : [...options.target, at];
  const { session, own } = await openTargets({ ...options, target }, console.now);
  tell(session.findings, console);
  const judged = fixReport(await gatherEvidence(session, { checks: ['administration'], now: console.now().getTime() }));
  const report = own ? judged : { ...judged, unread: judged.unread.map(inOptions) };
  console.out(options.format === 'json' ? toJson(report) : fixSql(report));
  for (const { target: name, message, hint } of report.unread)
    console.err(`${visible(name)}: ${visible(message)}${hint === undefined ? '' : ` · ${visible(hint)}`}\n`);
  return report.unread.length > 0 ? EXIT.refused : EXIT.ok;
};
