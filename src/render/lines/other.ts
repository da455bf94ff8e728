import { isPublic } from '../../model/access.ts';
import type { Change } from '../../model/change.ts';
import { roleName } from '../escape.ts';
import { gather, type Indexed, ofKind } from '../fold.ts';
import { atoms, objectNoun, objectPath, objectsPhrase, privilegesPhrase } from '../objects.ts';
import { listed, literal, type Phrase, say } from '../phrase.ts';
import { granteeName } from './grant.ts';
import { circumstances, type Line, lineOf, sourceKey, subject } from './line.ts';

/** Passwords: only their version and the reference to them are known. */
export const passwordLines = (changes: readonly Change[]): Line[] =>
  ofKind(changes, 'password').map((item) => {
    const { before, after } = item.change;
    const role = after?.role ?? before?.role ?? '';
    if (!after) return lineOf([item], { symbol: '-', noun: 'password', subjects: subject(role), text: say`taken away` });
    const from = say`from ${literal(after.reference)}`;
    return lineOf([item], {
      symbol: before ? '~' : '+',
      noun: 'password',
      subjects: subject(role),
      text: !before
        ? say`set ${from}`
        : before.version === after.version
          ? say`set again ${from}`
          : say`version ${before.version} -> ${after.version}, ${from}`,
    });
  });

/** Settings of roles, everywhere or in one database. */
export const settingLines = (changes: readonly Change[]): Line[] =>
  ofKind(changes, 'setting').map((item) => {
    const { before, after } = item.change;
    const body = after ?? before;
    const place = body?.database == null ? [] : say` in ${objectPath(body.database)}`;
    const name = literal(body?.name ?? '');
    const [from, to] = [valuePhrase(before?.value), valuePhrase(after?.value)];
    const text = !before
      ? say`${name} = ${to}${place}`
      : !after
        ? say`${name}${place} goes, was ${from}`
        : say`${name} ${from} -> ${to}${place}`;
    return lineOf([item], { symbol: !before ? '+' : !after ? '-' : '~', noun: 'setting', subjects: subject(body?.role ?? ''), text });
  });

const valuePhrase = (value: string | readonly string[] | undefined): Phrase => {
  const text = typeof value === 'object' ? value.map(element).join(', ') : (value ?? '');
  return text === '' ? ['(empty)'] : literal(text);
};

/** One of a list: quoted where it could be read as two, or as none. */
const element = (value: string): string => (/[,"]|^$|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** Hand-over of objects, folded by old and new owner. */
export const ownershipLines = (changes: readonly Change[]): Line[] =>
  gather(ofKind(changes, 'ownership'), ({ change }) => [
    change.before?.owner,
    change.after?.owner,
    (change.after ?? change.before)?.on.kind,
    (change.after ?? change.before)?.on.database,
    ...circumstances(change),
    ...sourceKey(change),
  ]).map((group) => {
    const { before, after } = group[0].change;
    const objects = objectsPhrase(group.flatMap(({ change }) => change.after?.on ?? change.before?.on ?? []));
    return lineOf(group, {
      symbol: after ? '!' : '-',
      noun: 'owner',
      subjects: subject(after?.owner ?? before?.owner ?? ''),
      text: after ? say`owns ${objects}${before ? say`, taken over from ${before.owner}` : []}` : say`no longer owns ${objects}`,
    });
  });

type DefaultHalf = Indexed<'default'> & { readonly gains: boolean; readonly privileges: readonly string[] };

/** Default privileges, folded over creators and schemas. */
export const defaultLines = (changes: readonly Change[]): Line[] =>
  gather(ofKind(changes, 'default').flatMap(defaultHalves), (half) => {
    const body = half.change.after ?? half.change.before;
    return [
      half.gains,
      half.privileges,
      body && !isPublic(body.grantee) ? body.grantee : [],
      body?.objects,
      body?.database,
      ...circumstances(half.change),
      ...sourceKey(half.change),
    ];
  }).map((group) => {
    const bodies = group.flatMap(({ change }) => change.after ?? change.before ?? []);
    const [first] = group;
    const [body] = bodies;
    const creators = [...new Set(bodies.map(({ creator }) => roleName(creator)))].map((name): Phrase => [{ name }]);
    const places = distinctPhrases(bodies.map(({ database, schema }) => objectPath(database, schema)));
    return lineOf(group, {
      symbol: !first.gains ? '-' : first.privileges.some((word) => word.endsWith('*')) ? '!' : '+',
      noun: 'default',
      subjects: body ? [granteeName(body.grantee)] : [],
      text: say`${privilegesPhrase(first.privileges)} on ${[objectNoun(body?.objects ?? 'table')]} that ${listed(creators, 3)} will make in ${listed(places, 3)}`,
    });
  });

const defaultHalves = (item: Indexed<'default'>): DefaultHalf[] => {
  const [had, has] = [new Set(atoms(item.change.before?.privileges ?? [])), new Set(atoms(item.change.after?.privileges ?? []))];
  const half = (gains: boolean, privileges: readonly string[]): DefaultHalf[] =>
    privileges.length > 0 ? [{ ...item, gains, privileges }] : [];
  return [
    ...half(
      false,
      [...had].filter((word) => !has.has(word)),
    ),
    ...half(
      true,
      [...has].filter((word) => !had.has(word)),
    ),
  ];
};

const distinctPhrases = (phrases: readonly Phrase[]): Phrase[] => [
  ...new Map(phrases.map((phrase) => [JSON.stringify(phrase), phrase])).values(),
];
