import { type Grantee, isPublic, type ObjectSet } from '../../model/access.ts';
import type { Change } from '../../model/change.ts';
import { byCodeUnit, distinct } from '../../model/key.ts';
import { roleName } from '../escape.ts';
import { gather, type Indexed, ofKind } from '../fold.ts';
import { atoms, objectsPhrase, privilegesPhrase } from '../objects.ts';
import { listed, plain, say } from '../phrase.ts';
import { circumstances, type Fold, type Line, lineOf, MANY, sourceKey } from './line.ts';

/** One direction of a change of grants: the same row may gain some privileges and lose others. */
type Half = Indexed<'grant'> & {
  readonly gains: boolean;
  readonly privileges: readonly string[];
  readonly on: ObjectSet;
  readonly grantee: Grantee;
};

/** What is granted and revoked: same privileges of one grantee on objects alike are one line, so are many grantees with the same. */
export const grantLines = (changes: readonly Change[], fold: Fold): Line[] => {
  const halves = ofKind(changes, 'grant').flatMap(halvesOf);
  const lost = gather(
    halves.filter((half) => !half.gains),
    (half) => keyOf(half, 'fine'),
  );
  const gained = gather(
    halves.filter((half) => half.gains),
    (half) => keyOf(half, fold),
  );
  const alike = gather(gained, ([first, ...rest]) => [
    first.privileges,
    circumstances(first.change),
    [first, ...rest].map(({ on }) => [on.kind, on.database, on.schema, on.relation, on.names]),
  ]);
  return withGrantors([
    ...lost.map((group) => grantLine([group[0]], group)),
    ...alike.flatMap((groups) =>
      groups.length >= MANY
        ? [
            grantLine(
              groups.map((group) => group[0]),
              groups.flat(),
            ),
          ]
        : groups.map((group) => grantLine([group[0]], group)),
    ),
  ]);
};

type Granted = { readonly line: Line; readonly grantors: readonly string[] };

/** The same taken away and granted again is told apart by who grants it. */
const withGrantors = (granted: readonly Granted[]): Line[] => {
  const said = ({ line }: Granted): string => JSON.stringify([line.subjects, plain(line.text)]);
  const lost = new Set(granted.filter(({ line }) => line.symbol === '-').map(said));
  const again = new Set(granted.flatMap((one) => (one.line.symbol !== '-' && lost.has(said(one)) ? [said(one)] : [])));
  return granted.map((one) => {
    if (!again.has(said(one)) || one.grantors.includes('')) return one.line;
    const by = listed(
      one.grantors.map((grantor) => say`${grantor}`),
      3,
    );
    return { ...one.line, text: say`${one.line.text}, granted by ${by}` };
  });
};

/** PUBLIC as a subject; a role of that name is quoted. */
export const granteeName = (grantee: Grantee): string =>
  isPublic(grantee) ? 'PUBLIC' : grantee === 'PUBLIC' ? '"PUBLIC"' : roleName(grantee);

const halvesOf = (item: Indexed<'grant'>): Half[] => {
  const { before, after } = item.change;
  const body = after ?? before;
  if (!body) return [];
  const [had, has] = [new Set(atoms(before?.privileges ?? [])), new Set(atoms(after?.privileges ?? []))];
  const half = (gains: boolean, privileges: string[]): Half[] =>
    privileges.length === 0 ? [] : [{ ...item, gains, privileges: privileges.sort(byCodeUnit), on: body.on, grantee: body.grantee }];
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

const keyOf = ({ privileges, grantee, on, change }: Half, fold: Fold): readonly unknown[] => [
  privileges,
  isPublic(grantee) ? [] : grantee,
  on.kind,
  circumstances(change),
  ...(fold === 'fine' ? [on.database, on.relation, sourceKey(change)] : []),
];

const grantLine = (grantees: readonly Half[], group: readonly Half[]): Granted => {
  const [first, ...rest] = group as [Half, ...Half[]];
  const option = first.privileges.some((word) => word.endsWith('*'));
  const grantors = distinct(group.map(({ change }) => (change.before ?? change.after)!.grantor));
  const line = lineOf([first, ...rest], {
    symbol: first.gains ? (option ? '!' : '+') : '-',
    noun: 'grant',
    subjects: grantees.map((half) => granteeName(half.grantee)),
    text: say`${privilegesPhrase(first.privileges)} on ${objectsPhrase(group.map((half) => half.on))}`,
  });
  return { line, grantors };
};
