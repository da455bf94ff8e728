import { resourceGraph } from '../core/resources.ts';
import { type ManifestOptions, openSession } from '../engine/session.ts';
import { EXIT, type ExitCode } from '../model/finding.ts';
import { graphDot, graphMermaid } from '../render/graph.ts';
import type { Console } from './console.ts';
import { tell } from './tell.ts';

/** Who is in what and holds what, as the manifest says it: Mermaid or DOT. Offline. */
export const graphCommand = async (
  options: ManifestOptions & { readonly format: 'mermaid' | 'dot' },
  console: Console,
): Promise<ExitCode> => {
  const { declareds, account, watch, findings } = await openSession(options, console.now);
  tell(findings, console);
  const graph = resourceGraph(declareds, account, watch);
  console.out(options.format === 'dot' ? graphDot(graph) : graphMermaid(graph));
  return EXIT.ok;
};
