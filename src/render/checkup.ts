import type { Meaning } from '../core/signatures.ts';
import type { Checked, Checkup } from '../model/checkup.ts';
import { visible } from './escape.ts';
import { toJson } from './json.ts';
import { displayWidth, padEnd, painter, type Span, type Style, span, type Terminal, wrap } from './layout.ts';

const STYLES: Readonly<Record<Checked['status'], Style>> = { passed: 'add', failed: 'remove', unread: 'warn' };
const SYMBOLS: Readonly<Record<Checked['status'], readonly [unicode: string, ascii: string]>> = {
  passed: ['✔', '+'],
  failed: ['✗', 'x'],
  unread: ['?', '?'],
};

/** What `doctor` found, as JSON. */
export const checkupJson = (checkup: Checkup): string => toJson(checkup);

/** The same for a terminal: target by target, each check with what was found and what to do. */
export const checkupText = (checkup: Checkup, terminal: Terminal): string => {
  const targets = [...new Set(checkup.checks.map(({ target }) => target))];
  const names = Math.max(0, ...checkup.checks.map(({ check }) => displayWidth(check)));
  const { passed, failed, unread } = checkup.summary;
  const sum = [`${passed} passed`, ...(failed > 0 ? [`${failed} failed`] : []), ...(unread > 0 ? [`${unread} unread`] : [])].join(', ');
  return rendered(
    [
      ...targets.flatMap((target) => [
        [span(visible(target), 'strong')],
        ...checkup.checks.filter((one) => one.target === target).flatMap((one) => checkRows(one, names, terminal)),
        [],
      ]),
      [span(`${sum}.${ending(checkup)}`, failed > 0 ? 'remove' : unread > 0 ? 'warn' : 'add')],
    ],
    terminal,
  );
};

const ending = ({ user, cause, summary }: Checkup): string => {
  if (user === null) return '';
  if (cause !== null) return ` The cause is '${cause}': mend that, and ask again.`;
  return summary.unread > 0 ? ' No cause was found in what could be read.' : '';
};

const checkRows = ({ check, status, message, hint }: Checked, names: number, terminal: Terminal): Span[][] => {
  const indent = span(' '.repeat(names + 6));
  const rows = [
    ...wrap([span(visible(message), status === 'passed' ? 'plain' : STYLES[status])], terminal.width - names - 6),
    ...(hint === undefined ? [] : wrap([span(visible(hint), 'dim')], terminal.width - names - 6)),
  ];
  const head = [span(`  ${SYMBOLS[status][terminal.unicode ? 0 : 1]} `, STYLES[status]), span(`${padEnd(check, names)}  `, 'strong')];
  return rows.map((row, index) => [...(index === 0 ? head : [indent]), ...row]);
};

/** What lines of clients and logs mean. */
export const meaningsText = (meanings: readonly Meaning[], terminal: Terminal): string =>
  rendered(
    meanings.flatMap(({ line, cause, message, hint }) => [
      ...wrap([span(`line ${line}: `, 'dim'), span(cause, 'strong'), span(`: ${visible(message)}`)], terminal.width),
      ...wrap([span(hint, 'dim')], terminal.width - 2).map((row) => [span('  '), ...row]),
    ]),
    terminal,
  );

const rendered = (rows: readonly (readonly Span[])[], { colour }: Terminal): string => {
  const paint = painter(colour);
  return rows.map((row) => `${paint(row).trimEnd()}\n`).join('');
};
