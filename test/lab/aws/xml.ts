/** An element of an answer: it holds either elements or text. AWS uses no attributes but the namespace. */
export type Element = { readonly name: string; readonly attributes: string; readonly children: readonly Element[]; readonly text: string };

/** Reads the XML of an answer; throws where it is none, as when it was cut off. */
export function parseXml(xml: string): Element {
  const root: Open = { name: '', attributes: '', children: [], text: '' };
  const open: Open[] = [root];
  let at = 0;
  for (const tag of xml.matchAll(TAG)) {
    const inner = open.at(-1) ?? root;
    inner.text += unescapeXml(xml.slice(at, tag.index));
    at = tag.index + tag[0].length;
    const [, ignored, literal, closing, name = '', attributes = '', empty] = tag;
    if (ignored !== undefined) continue;
    if (literal !== undefined) {
      inner.text += literal;
      continue;
    }
    if (closing) {
      if (inner.name !== name || open.length === 1) throw new Error(`</${name}> where <${inner.name}> is open`);
      open.pop();
    } else {
      const element: Open = { name, attributes, children: [], text: '' };
      inner.children.push(element);
      if (!empty) open.push(element);
    }
  }
  const [only, ...more] = root.children;
  if (open.length > 1) throw new Error(`<${open.at(-1)?.name}> has no end`);
  if (only === undefined || more.length > 0 || (root.text + xml.slice(at)).trim() !== '') throw new Error('not one XML element');
  return only;
}

/** The reverse of `parseXml`. */
export function writeXml({ name, attributes, children, text }: Element): string {
  const inside = children.length > 0 ? children.map(writeXml).join('') : escapeXml(text);
  return `<${name}${attributes}>${inside}</${name}>`;
}

/** A new element without attributes. */
export function element(name: string, content: string | readonly Element[]): Element {
  return typeof content === 'string'
    ? { name, attributes: '', children: [], text: content }
    : { name, attributes: '', children: content, text: '' };
}

/** The first child of this name. */
export function child(parent: Element | undefined, name: string): Element | undefined {
  return parent?.children.find((candidate) => candidate.name === name);
}

type Open = { name: string; attributes: string; children: Element[]; text: string };

/** `<?xml …?>` or a comment; literal text; else the slash of an end, the name, the attributes, the slash of an empty element. */
const TAG = /(<\?[\s\S]*?\?>|<!--[\s\S]*?-->)|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/)?([\w:.-]+)((?:\s+[\w:.-]+="[^"]*")*)\s*(\/)?>/g;

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(#x?)?(\w+);/g, (_, number: string | undefined, name: string) =>
    number === undefined ? (ENTITIES[name] ?? `&${name};`) : String.fromCodePoint(Number.parseInt(name, number === '#x' ? 16 : 10)),
  );
}

/** Text as it stands between tags. */
export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r', '&#13;');
}
