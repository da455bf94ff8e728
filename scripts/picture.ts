// npm run picture: the plan of fixtures/demo/pull-request as a terminal shows it, docs/plan.svg, and as the comment of a pull request,
// docs/plan.md and docs/comment.png. The last needs a chromium on the PATH, or its name in CHROMIUM.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Postgres, startPostgres } from '../test/lab/postgres.ts';
import { commentOf, drawComment, yamlIn } from './comment-picture.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const DEMO = path.join(ROOT, 'fixtures/demo');
const COLUMNS = 100;
/** The instant of the plan and the port of the server are the same in every picture. */
const NOW = '2026-06-01T09:00:00Z';
const PORT = '5432';

/** A server as the demo leaves it, where somebody then helped out by hand; the manifest is the one of a pull request. */
const prepare = async (server: Postgres, folder: string): Promise<void> => {
  const manifest = path.join(folder, 'access/rolecall.yaml');
  cpSync(path.join(DEMO, 'access'), path.join(folder, 'access'), { recursive: true });
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(`port: ${PORT}`, `port: ${server.port}`));
  await server.query(server.master, 'postgres', 'CREATE DATABASE shop');
  await server.query(server.master, 'shop', readFileSync(path.join(DEMO, 'shop.sql'), 'utf8'));
  rolecall(server, folder, 'apply', '--auto-approve');
  await server.query(server.superuser, 'shop', 'GRANT USAGE ON SCHEMA hr TO checkout; GRANT SELECT ON hr.salaries TO checkout');
  copyFileSync(path.join(DEMO, 'pull-request/people.yaml'), path.join(folder, 'access/people.yaml'));
};

const secretsOf = (server: Postgres) => ({ DEMO_PASSWORD: server.master.password, CHECKOUT_PASSWORD: 'a-password-of-the-demo' });

/** The manifest of the demo, for the server that runs here. */
const onThis = (server: Postgres, files: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(files).map(([file, text]) => [file, text.replace(`port: ${PORT}`, `port: ${server.port}`)]));

const rolecall = (server: Postgres, folder: string, ...args: readonly string[]): string => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(ROOT, 'build/cli.js'), ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      COLUMNS: String(COLUMNS),
      FORCE_COLOR: '1',
      LC_ALL: 'C.UTF-8',
      ...secretsOf(server),
    },
  });
  if (status !== 0) throw new Error(`rolecall ${args.join(' ')} ended with ${status}\n${stdout}${stderr}`);
  return stdout.replaceAll(`127.0.0.1:${server.port}`, `127.0.0.1:${PORT}`);
};

type Run = { readonly text: string; readonly classes: string };

/** The line cut where its colours change. picocolors closes what it opens, each with a code of its own. */
const runsOf = (line: string): Run[] => {
  const on = new Set<string>();
  return line.split('\u001b[').flatMap((piece, index) => {
    const end = index === 0 ? -1 : piece.indexOf('m');
    if (end > 0) switchStyle(on, Number(piece.slice(0, end)));
    const text = piece.slice(end + 1);
    return text === '' ? [] : [{ text, classes: [...on].join(' ') }];
  });
};

const STYLES: Readonly<Record<number, string>> = { 1: 'bold', 2: 'dim', 31: 'red', 32: 'green', 33: 'yellow', 35: 'magenta', 36: 'cyan' };
const switchStyle = (on: Set<string>, code: number): void => {
  if (STYLES[code]) on.add(STYLES[code]);
  else if (code === 22) for (const style of ['bold', 'dim']) on.delete(style);
  else if (code === 39) for (const style of ['red', 'green', 'yellow', 'magenta', 'cyan']) on.delete(style);
  else throw new Error(`no style for the code ${code}`);
};

const CELL = { width: 7.85, height: 18 } as const;
const [MARGIN, BAR] = [18, 34];

const CSS = `
.w { fill: #ffffff; stroke: #d0d7de } .b { fill: #f6f8fa } .o { fill: #afb8c1 }
text { font: 13px ui-monospace, SFMono-Regular, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace; fill: #1f2328; white-space: pre }
.bold { font-weight: 600 } .dim { fill: #656d76 } .red { fill: #cf222e } .green { fill: #1a7f37 } .yellow { fill: #9a6700 } .magenta { fill: #8250df } .cyan { fill: #1b7c83 }
@media (prefers-color-scheme: dark) {
.w { fill: #0d1117; stroke: #30363d } .b { fill: #161b22 } .o { fill: #484f58 }
text { fill: #e6edf3 } .dim { fill: #8b949e } .red { fill: #ff7b72 } .green { fill: #3fb950 } .yellow { fill: #d29922 } .magenta { fill: #bc8cff } .cyan { fill: #39c5cf }
}`;

/** Every run has its column and its width, so that the columns of the picture stand whatever font there is. */
const svgOf = (title: string, text: string): string => {
  const lines = text.trimEnd().split('\n');
  const [width, height] = [Math.ceil(COLUMNS * CELL.width + 2 * MARGIN), BAR + lines.length * CELL.height + 2 * MARGIN];
  const rows = lines.map((line, row) => textElement(line, BAR + MARGIN + row * CELL.height + 13)).filter((row) => row !== '');
  const dots = [0, 1, 2].map((dot) => `<circle class="o" cx="${MARGIN + 4 + dot * 18}" cy="${BAR / 2}" r="5.5"/>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">
<title>${escaped(title)}</title>
<style>${CSS}
</style>
<rect class="w" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
<path class="b" d="M1 ${BAR}V9a8 8 0 0 1 8-8h${width - 18}a8 8 0 0 1 8 8v${BAR - 9}z"/>
${dots.join('')}
${rows.join('\n')}
</svg>
`;
};

const textElement = (line: string, y: number): string => {
  let column = 0;
  const spans = runsOf(line).map(({ text, classes }) => {
    const lead = text.length - text.trimStart().length;
    const shown = text.trim();
    const x = round(MARGIN + (column + lead) * CELL.width);
    column += text.length;
    const style = classes === '' ? '' : ` class="${classes}"`;
    return shown === '' ? '' : `<tspan x="${x}" textLength="${round(shown.length * CELL.width)}"${style}>${escaped(shown)}</tspan>`;
  });
  return spans.join('') === '' ? '' : `<text y="${y}">${spans.join('')}</text>`;
};

const round = (value: number): number => Math.round(value * 100) / 100;
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const server = await startPostgres(17, { rdsLike: true });
const folder = mkdtempSync(path.join(tmpdir(), 'rolecall-picture-'));
try {
  await prepare(server, folder);
  const terminal = rolecall(server, folder, 'plan', '--now', NOW);
  writeFileSync(path.join(ROOT, 'docs/plan.svg'), svgOf('rolecall plan, in a terminal', `\u001b[2m$\u001b[22m rolecall plan\n${terminal}`));
  const comment = await commentOf({
    base: onThis(server, yamlIn(path.join(DEMO, 'access'), 'access')),
    head: yamlIn(path.join(DEMO, 'pull-request'), 'access'),
    env: secretsOf(server),
  });
  const shown = comment.replaceAll(`127.0.0.1:${server.port}`, `127.0.0.1:${PORT}`);
  writeFileSync(path.join(ROOT, 'docs/plan.md'), shown);
  drawComment(shown, path.join(ROOT, 'docs/comment.png'));
} finally {
  await server.stop();
  rmSync(folder, { recursive: true });
}
