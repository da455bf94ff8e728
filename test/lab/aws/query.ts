// AWS's Query protocol, which IAM, STS and RDS speak: a form goes in, XML comes out. Read by AWS's own models.
import { type Model, modelOf, type Shape, shapeOf } from './models.ts';
import { child, type Element } from './xml.ts';

/** What was read, and what of it the model does not know. */
export type Reading = { readonly value: Readonly<Record<string, unknown>>; readonly problems: readonly string[] };

/** The input of an operation, as the SDK's commands take it. */
export function readForm(service: string, operation: string, form: URLSearchParams): Reading {
  const problems: string[] = [];
  const tree = branches(form);
  tree.inner.delete('Action');
  tree.inner.delete('Version');
  const model = modelOf(service);
  const shape = model?.operations[operation]?.input?.shape;
  const value =
    model && shape
      ? fromForm(model, shapeOf(model, shape), tree, operation, problems)
      : Object.fromEntries([...form].filter(([name]) => tree.inner.has(name)));
  return { value: value as Reading['value'], problems };
}

/** The output of an operation, as the SDK's clients hand it out. */
export function readAnswer(service: string, operation: string, root: Element): Reading {
  const problems: string[] = [];
  const model = modelOf(service);
  const output = model?.operations[operation]?.output;
  if (root.name !== `${operation}Response`) problems.push(`${operation}: the answer is a <${root.name}>`);
  if (!model || !output) return { value: {}, problems };
  const result = output.resultWrapper === undefined ? root : child(root, output.resultWrapper);
  if (result === undefined) return { value: {}, problems: [...problems, `${operation}: no <${output.resultWrapper}>`] };
  return { value: fromXml(model, shapeOf(model, output.shape), [result], operation, problems) as Reading['value'], problems };
}

/** `Tags.member.1.Key=a` is a leaf four branches up. */
type Branch = { readonly inner: Map<string, Branch>; leaf?: string };

function branches(form: URLSearchParams): Branch {
  const root: Branch = { inner: new Map() };
  for (const [name, value] of form) {
    let at = root;
    for (const part of name.split('.')) {
      const next: Branch = at.inner.get(part) ?? { inner: new Map() };
      at.inner.set(part, next);
      at = next;
    }
    at.leaf = value;
  }
  return root;
}

function fromForm(model: Model, shape: Shape, branch: Branch, at: string, problems: string[]): unknown {
  if (shape.type === 'structure') {
    const names = Object.entries(shape.members ?? {}).map(
      ([name, member]) => [member.queryName ?? member.locationName ?? name, name, member] as const,
    );
    const known = new Set(names.map(([sent]) => sent));
    for (const sent of branch.inner.keys()) if (!known.has(sent)) problems.push(`${at}: unknown parameter '${sent}'`);
    const given = names.flatMap(([sent, name, member]) => {
      const inner = branch.inner.get(sent);
      return inner === undefined ? [] : [[name, fromForm(model, shapeOf(model, member.shape), inner, `${at}.${name}`, problems)] as const];
    });
    return Object.fromEntries(given);
  }
  if (shape.type === 'list' && shape.member) {
    const wrapper = shape.flattened ? null : (shape.member.locationName ?? 'member');
    const items = wrapper === null ? branch : branch.inner.get(wrapper);
    const others = wrapper === null ? [] : [...branch.inner.keys()].filter((name) => name !== wrapper);
    for (const other of others) problems.push(`${at}: items named '${other}', not '${wrapper}'`);
    const inner = shapeOf(model, shape.member.shape);
    return [...(items?.inner ?? [])].map(([index, item], position) => {
      if (index !== String(position + 1)) problems.push(`${at}: item ${index} where item ${position + 1} was expected`);
      return fromForm(model, inner, item, `${at}[${position}]`, problems);
    });
  }
  if (shape.type === 'map' && shape.value) {
    const inner = shapeOf(model, shape.value.shape);
    const entries = (shape.flattened ? branch : branch.inner.get('entry'))?.inner ?? new Map<string, Branch>();
    return Object.fromEntries(
      [...entries.values()].map((entry) => {
        const key = entry.inner.get(shape.key?.locationName ?? 'key')?.leaf ?? '';
        const value = entry.inner.get(shape.value?.locationName ?? 'value') ?? { inner: new Map() };
        return [key, fromForm(model, inner, value, `${at}.${key}`, problems)];
      }),
    );
  }
  return scalar(shape, branch.leaf ?? '');
}

/** `elements` are all of the same name; more than one only where a list is flattened. */
function fromXml(model: Model, shape: Shape, elements: readonly Element[], at: string, problems: string[]): unknown {
  const [first] = elements;
  if (first === undefined) return undefined;
  if (shape.type === 'list' && shape.member) {
    const inner = shapeOf(model, shape.member.shape);
    const name = shape.member.locationName ?? 'member';
    const items = shape.flattened ? elements : first.children;
    return items.map((item, index) => {
      if (!shape.flattened && item.name !== name) problems.push(`${at}: an item <${item.name}>, not <${name}>`);
      return fromXml(model, inner, [item], `${at}[${index}]`, problems);
    });
  }
  if (elements.length > 1) problems.push(`${at}: <${first.name}> comes ${elements.length} times`);
  if (shape.type === 'structure') {
    const names = Object.entries(shape.members ?? {}).map(([name, member]) => [member.locationName ?? name, name, member] as const);
    const known = new Set(names.map(([sent]) => sent));
    for (const { name } of first.children) if (!known.has(name)) problems.push(`${at}: unknown <${name}>`);
    const given = names.flatMap(([sent, name, member]) => {
      const inner = first.children.filter((candidate) => candidate.name === sent);
      return inner.length === 0 ? [] : [[name, fromXml(model, shapeOf(model, member.shape), inner, `${at}.${name}`, problems)] as const];
    });
    return Object.fromEntries(given);
  }
  if (shape.type === 'map' && shape.value) {
    const inner = shapeOf(model, shape.value.shape);
    const entries = first.children.map((entry) => [child(entry, 'key')?.text ?? '', child(entry, 'value')] as const);
    return Object.fromEntries(entries.map(([key, value]) => [key, value && fromXml(model, inner, [value], `${at}.${key}`, problems)]));
  }
  return scalar(shape, first.text);
}

/** Text that is no such value stays text, for `check` to find. */
function scalar(shape: Shape, text: string): unknown {
  switch (shape.type) {
    case 'integer':
    case 'long':
    case 'float':
    case 'double':
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'timestamp':
      return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$/.test(text) ? new Date(text) : text;
    default:
      return text;
  }
}
