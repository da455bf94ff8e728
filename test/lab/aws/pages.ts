import { type Paginator, paginatorOf } from './models.ts';
import { child, type Element, element } from './xml.ts';

/** Sends a form to the emulator; null where it answers with an error. */
export type Ask = (form: URLSearchParams) => Promise<Element | null>;

/** Answers whose further pages may be asked for, by the number in the marker; the oldest are forgotten. */
const begun = new Map<number, Answer>();
const KEPT = 200;
let last = 0;

/**
 * One page of an operation's answer, as AWS cuts it. The emulator hands out everything at once, or pages of its own: so ask it
 * for all and hand out the part that the marker names, of what there was when the first page was asked for: what others remove
 * meanwhile moves nothing from one page to another. Null where the operation has no pages, the marker is none of ours, or
 * the emulator answers with an error.
 */
export async function page(service: string, form: URLSearchParams, pageSize: number, ask: Ask): Promise<Element | null> {
  const operation = form.get('Action') ?? '';
  const paginator = paginatorOf(service, operation);
  const place = paginator && placeOf(operation, form.get(paginator.input_token));
  if (paginator === undefined || place === undefined) return null;
  const { from } = place;
  const whole = begun.get(place.answer) ?? (await askForAll(operation, form, paginator, ask));
  if (whole === null) return null;

  const limit = Number(paginator.limit_key && form.get(paginator.limit_key)) || pageSize;
  const to = from + Math.min(limit, pageSize);
  const count = lists(paginator).reduce((sum, name) => sum + items(whole.result, name).length, 0);
  const cut = { ...whole.result, children: slice(whole.result.children, lists(paginator), from, to) };
  return withResult(whole.root, marked(cut, paginator, count > to ? mark(operation, to, keep(place.answer, whole)) : null));
}

type Answer = { readonly root: Element; readonly result: Element };

/** The emulator's own pages in one: the first answer, with the items of all. */
async function askForAll(operation: string, form: URLSearchParams, paginator: Paginator, ask: Ask): Promise<Answer | null> {
  const unlimited = new URLSearchParams(form);
  unlimited.delete(paginator.input_token);
  if (paginator.limit_key !== undefined) unlimited.delete(paginator.limit_key);
  let first: Answer | undefined;
  let merged: readonly Element[] = [];
  for (;;) {
    const root = await ask(unlimited);
    const result = child(root ?? undefined, `${operation}Result`);
    if (root === null || result === undefined) return null;
    first ??= { root, result };
    merged = first.result === result ? result.children : merged.map((list) => appended(list, result, paginator));
    const more = paginator.more_results === undefined || child(result, paginator.more_results)?.text === 'true';
    const token = child(result, paginator.output_token)?.text;
    if (!more || !token) return { root: first.root, result: { ...first.result, children: merged } };
    unlimited.set(paginator.input_token, token);
  }
}

function appended(list: Element, result: Element, paginator: Paginator): Element {
  return lists(paginator).includes(list.name) ? { ...list, children: [...list.children, ...items(result, list.name)] } : list;
}

/** The items `from` to `to` of all lists together, in the order of the lists. */
function slice(children: readonly Element[], names: readonly string[], from: number, to: number): Element[] {
  let passed = 0;
  const kept = new Map<string, readonly Element[]>();
  for (const name of names) {
    const all = children.find((list) => list.name === name)?.children ?? [];
    kept.set(name, all.slice(Math.max(0, from - passed), Math.max(0, to - passed)));
    passed += all.length;
  }
  return children.map((list) => ({ ...list, children: kept.get(list.name) ?? list.children }));
}

function marked(result: Element, paginator: Paginator, marker: string | null): Element {
  const { more_results: more, output_token: token } = paginator;
  const rest = result.children.filter(({ name }) => name !== more && name !== token);
  const flag = more === undefined ? [] : [element(more, String(marker !== null))];
  return { ...result, children: [...rest, ...flag, ...(marker === null ? [] : [element(token, marker)])] };
}

function withResult(root: Element, result: Element): Element {
  return { ...root, children: root.children.map((part) => (part.name === result.name ? result : part)) };
}

function items(result: Element, list: string): readonly Element[] {
  return child(result, list)?.children ?? [];
}

function lists({ result_key: key }: Paginator): readonly string[] {
  return typeof key === 'string' ? [key] : key;
}

/** The number of an answer whose pages are handed out. */
function keep(known: number, whole: Answer): number {
  if (begun.get(known) === whole) return known;
  last++;
  begun.set(last, whole);
  begun.delete(last - KEPT);
  return last;
}

function mark(operation: string, from: number, answer: number): string {
  return Buffer.from(`${operation} ${from} ${answer}`).toString('base64url');
}

/** Where a page begins, and in which answer (0: in none yet); undefined where the marker is not one of ours for this operation. */
function placeOf(operation: string, marker: string | null): { readonly from: number; readonly answer: number } | undefined {
  if (marker === null) return { from: 0, answer: 0 };
  const [named, ...numbers] = Buffer.from(marker, 'base64url').toString('utf8').split(' ');
  const [from = Number.NaN, answer = Number.NaN] = numbers.map(Number);
  return named === operation && Number.isInteger(from) && Number.isInteger(answer) ? { from, answer } : undefined;
}
