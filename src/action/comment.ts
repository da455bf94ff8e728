import { createComment, minimiseComment, type OwnComment, ownComments, type Thread, updateComment } from './comments.ts';
import { isCurrent, type Marker, markerLine, readMarker, withoutMarker } from './marker.ts';
import type { GitHub } from './reviewed.ts';

/** What became of a comment. `superseded`: a later run writes it. `url` null: there is none. */
export type Told = {
  readonly what: 'created' | 'updated' | 'unchanged' | 'superseded' | 'none';
  readonly id: number | null;
  readonly url: string | null;
};

/** The text of a comment below its marker. */
export type Message = { readonly marker: Marker; readonly text: string };

const STATUS = '⏳ ';

/**
 * ■ Says on the comment that is there that its verdict is being made anew, and that this run is the one that does; nothing where there is
 * no comment, or a later run is on it.
 */
export const announce = async (github: GitHub, thread: Thread, next: Omit<Marker, 'digest' | 'level'>): Promise<void> => {
  const { newest } = await find(github, thread, next);
  if (newest === undefined || !isCurrent(newest.marker, { id: next.run, attempt: next.attempt })) return;
  const { marker, comment } = newest;
  // The same commit again: what it says may well stay true.
  if (marker.head === next.head) return;
  const status = `${STATUS}planning \`${short(next.head)}\` · what follows is for \`${short(marker.head)}\``;
  const text = `${status}\n\n${withoutStatus(withoutMarker(comment.body))}`;
  await updateComment(github, thread, comment, `${markerLine({ ...marker, run: next.run, attempt: next.attempt })}\n${text}`);
};

/**
 * ■ Writes the one comment of a key: edits the newest that is ours, makes it where there is none (or somebody deleted it), leaves it
 * alone where it says the same, and where a later run has been there. Further ones of ours are folded away.
 */
export const upsert = async (
  github: GitHub,
  thread: Thread,
  { marker, text }: Message,
  { create }: { readonly create: boolean },
): Promise<Told> => {
  const body = `${markerLine(marker)}\n${text}`;
  const { newest, others } = await find(github, thread, marker);
  if (newest && !isCurrent(newest.marker, { id: marker.run, attempt: marker.attempt })) return told('superseded', newest.comment);
  await foldAway(github, thread, others, newest?.comment);
  if (newest && sameText(newest.comment.body, body)) return told('unchanged', newest.comment);
  const updated = newest ? await updateComment(github, thread, newest.comment, body) : null;
  if (updated) return told('updated', updated);
  if (!newest && !create) return { what: 'none', id: null, url: null };
  const created = await createComment(github, thread, body);
  // Another run may have done the same meanwhile: the newest stays.
  const again = await find(github, thread, marker);
  await foldAway(github, thread, again.others, again.newest?.comment);
  return told('created', created);
};

const told = (what: Told['what'], { id, url }: OwnComment): Told => ({ what, id, url });

type Found = { readonly comment: OwnComment; readonly marker: Marker };

const find = async (
  github: GitHub,
  thread: Thread,
  { key, kind }: Pick<Marker, 'key' | 'kind'>,
): Promise<{ readonly newest: Found | undefined; readonly others: readonly OwnComment[] }> => {
  const comments = await ownComments(github, thread);
  const ours = comments
    .flatMap((comment): Found[] => {
      const marker = readMarker(comment.body);
      return marker?.key === key && marker.kind === kind && !comment.minimised ? [{ comment, marker }] : [];
    })
    .sort((a, b) => b.comment.id - a.comment.id);
  return { newest: ours[0], others: ours.slice(1).map(({ comment }) => comment) };
};

/** Where comments cannot be folded away, an old one says where the new one is: no verdict of it stays. */
const foldAway = async (github: GitHub, thread: Thread, others: readonly OwnComment[], newest: OwnComment | undefined): Promise<void> => {
  for (const other of others)
    if (!(await minimiseComment(github, other)))
      await updateComment(github, thread, other, `This plan is outdated: [the current one](${newest?.url ?? '#'})`);
};

const withoutStatus = (text: string): string => (text.startsWith(STATUS) ? text.replace(/^[^\n]*\n+/, '') : text);

/** Equal apart from which run wrote it, and when that looked. */
const sameText = (a: string, b: string): boolean => comparable(a) === comparable(b);

const comparable = (body: string): string => {
  const marker = readMarker(body);
  const rest = withoutMarker(body)
    .replaceAll('\r\n', '\n')
    .replace(/\[run \d+\]/g, '[run]')
    .replace(/\/actions\/runs\/\d+[\w/]*/g, '/actions/runs/')
    .replace(/as of `[^`]*`/g, 'as of')
    .trimEnd();
  return `${JSON.stringify(marker && { ...marker, run: 0, attempt: 0 })}\n${rest}`;
};

const short = (sha: string): string => sha.slice(0, 7);
