// Writes the README's tables of the action's inputs and outputs from action.yml.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parse } from 'yaml';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const FROM = '<!-- action reference: written by `npm run generate` -->';
const TO = '<!-- /action reference -->';

export const readAction = () => parse(readFileSync(path('action.yml'), 'utf8'));

/** Both tables, in the order of action.yml. */
export const actionMarkdown = ({ inputs, outputs }) => `| input | default | |
|---|---|---|
${Object.entries(inputs).map(inputRow).join('\n')}

| output | |
|---|---|
${Object.entries(outputs).map(outputRow).join('\n')}
`;

/** The README with both tables current; unchanged where it has no markers. */
export const withActionReference = (readme, action) => {
  const from = readme.indexOf(FROM);
  const to = readme.indexOf(TO);
  if (from < 0 || to < from) return readme;
  return `${readme.slice(0, from + FROM.length)}\n\n${actionMarkdown(action)}\n${readme.slice(to)}`;
};

const inputRow = ([name, { description, required, default: value }]) =>
  `| \`${name}\` | ${defaultOf(required, value)} | ${cell(description)} |`;
const outputRow = ([name, { description }]) => `| \`${name}\` | ${cell(description)} |`;
const cell = (text) => text.trim().replaceAll('|', '\\|').replaceAll('\n', ' ');

function defaultOf(required, value) {
  if (required) return 'required';
  return value === undefined || value === '' ? '' : `\`${value}\``;
}

function main() {
  const readme = readFileSync(path('README.md'), 'utf8');
  const current = withActionReference(readme, readAction());
  if (current !== readme) writeFileSync(path('README.md'), current);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
