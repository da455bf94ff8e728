// The comment of a pull request as a picture: the action is run as GitHub's runner runs it, against the emulator of GitHub and a real
// server, and what it wrote is set as github.com sets it, in headless Chromium.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { marked } from 'marked';
import { startGitHub } from '../test/lab/github/api.ts';
import { startProject } from '../test/lab/github/project.ts';
import { buildAction, runStep } from '../test/lab/github/runner.ts';

/** A pull request: what is on the base branch, what it writes there, and the secrets of the workflow. */
export type Proposal = {
  readonly base: Readonly<Record<string, string>>;
  readonly head: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
};

/** The body of the comment that `command: plan` writes on a pull request. */
export const commentOf = async ({ base, head, env }: Proposal): Promise<string> => {
  const action = buildAction();
  const project = await startProject(await startGitHub(), base);
  try {
    const number = await project.openPull('omar', head);
    const job = await project.pullRequestJob(number);
    const step = await runStep(action, { ...job, env: { ...job.env, ...env }, inputs: { command: 'plan' } });
    if (step.conclusion !== 'success') throw new Error(`the plan failed\n${step.raw}`);
    const [comment] = await project.comments(number);
    return comment!.body.replace(/^<!--.*-->\n/, '');
  } finally {
    await project.close();
  }
};

/** Every YAML file of a folder, by the path that it has in the repository. */
export const yamlIn = (folder: string, at: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => [`${at}/${name}`, readFileSync(path.join(folder, name), 'utf8')]),
  );

const WIDTH = 900;

/** Draws a comment into a PNG file. */
export const drawComment = (markdown: string, file: string): void => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rolecall-comment-'));
  try {
    const page = path.join(folder, 'comment.html');
    writeFileSync(page, pageOf(markdown));
    const chromium = (...args: readonly string[]): string =>
      execFileSync(
        process.env.CHROMIUM ?? 'chromium',
        [
          '--headless',
          '--no-sandbox',
          '--disable-gpu',
          `--user-data-dir=${folder}/profile`,
          '--hide-scrollbars',
          ...args,
          `file://${page}`,
        ],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
      );
    const height = /data-height="(\d+)"/.exec(chromium(`--window-size=${WIDTH},600`, '--dump-dom'))![1]!;
    chromium(`--window-size=${WIDTH},${height}`, '--force-device-scale-factor=1.5', `--screenshot=${path.resolve(file)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const pageOf = (markdown: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>comment</title><style>${CSS}</style></head>
<body><div class="comment"><div class="who"><b>github-actions</b> <span class="bot">bot</span> commented</div><div class="body">${bodyOf(markdown)}</div></div>
<script>document.body.dataset.height = Math.ceil(document.body.getBoundingClientRect().height);</script></body></html>
`;

/** GitHub's own additions to Markdown: alerts, and the colours of a diff. */
const bodyOf = (markdown: string): string =>
  (marked.parse(markdown, { async: false, gfm: true }) as string)
    .replace(
      /<blockquote>\n<p>\[!(WARNING|CAUTION|IMPORTANT|NOTE)\]\n?/g,
      (_, kind: string) => `<blockquote class="${kind}"><p class="kind">${ICONS[kind]}${kind[0]}${kind.slice(1).toLowerCase()}</p><p>`,
    )
    .replace(
      /<pre><code class="language-diff">([\s\S]*?)<\/code><\/pre>/g,
      (_, text: string) => `<pre>${text.split('\n').map(diffLine).join('')}</pre>`,
    );

const diffLine = (line: string): string =>
  line === '' ? '' : `<span class="${{ '+': 'add', '-': 'del', '!': 'mod', '@': 'hunk' }[line[0]!] ?? ''}">${line}\n</span>`;

const icon = (shape: string): string => `<svg viewBox="0 0 16 16" width="16" height="16"><path d="${shape}"/></svg>`;
const TRIANGLE = icon('M8 1 15.5 14.5H.5Zm0 3.2L3 13h10Zm-.75 2.8h1.5v3h-1.5Zm0 4h1.5v1.3h-1.5Z');
const CIRCLE = icon('M8 0a8 8 0 1 0 0 16A8 8 0 0 0 8 0m0 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13M7.25 4h1.5v5h-1.5Zm0 6.2h1.5v1.5h-1.5Z');
const ICONS: Readonly<Record<string, string>> = { WARNING: TRIANGLE, CAUTION: TRIANGLE, IMPORTANT: CIRCLE, NOTE: CIRCLE };

const CSS = `
* { box-sizing: border-box }
body { margin: 0; padding: 12px; width: ${WIDTH}px; background: #fff; color: #1f2328; font: 14px/1.5 "Noto Sans", "DejaVu Sans", system-ui, sans-serif }
.comment { border: 1px solid #d1d9e0; border-radius: 6px }
.who { padding: 8px 16px; background: #f6f8fa; border-bottom: 1px solid #d1d9e0; border-radius: 6px 6px 0 0; color: #59636e }
.who b { color: #1f2328 } .bot { border: 1px solid #d1d9e0; border-radius: 2em; padding: 0 6px; font-size: 12px }
.body { padding: 16px } .body > :first-child { margin-top: 0 } .body > :last-child { margin-bottom: 0 }
h3 { font-size: 1.25em; margin: 0 0 12px; line-height: 1.25 } p, ul, table, pre, details, blockquote { margin: 0 0 14px }
ul { padding-left: 2em } li + li { margin-top: 3px }
code, pre { font: 12px/1.45 "DejaVu Sans Mono", "Liberation Mono", monospace }
code { background: #818b981f; padding: .2em .4em; border-radius: 6px; white-space: break-spaces }
pre { background: #f6f8fa; border-radius: 6px; padding: 12px; overflow: hidden }
pre span { display: block } .add { background: #dafbe1; color: #116329 } .del { background: #ffebe9; color: #82071e } .mod { background: #ffd8b5; color: #953800 } .hunk { color: #8250df }
table { border-collapse: collapse } th, td { border: 1px solid #d1d9e0; padding: 5px 12px }
blockquote { padding: 0 1em; border-left: .25em solid #d1d9e0 } blockquote p, blockquote ul { margin: 0 0 8px }
.kind { display: flex; gap: 8px; align-items: center; font-weight: 500 } .kind svg { fill: currentColor }
.WARNING { border-color: #9a6700 } .WARNING .kind { color: #9a6700 } .CAUTION { border-color: #cf222e } .CAUTION .kind { color: #d1242f }
.IMPORTANT { border-color: #8250df } .IMPORTANT .kind { color: #8250df } .NOTE { border-color: #0969da } .NOTE .kind { color: #0969da }
sub { font-size: 12px; vertical-align: baseline; color: #59636e } a { color: #0969da; text-decoration: none } summary { margin-bottom: 8px }
`;
