/** Whose comment it is and what it was written for. On the first line of every comment of ours, where no reader sees it. */
export type Marker = {
  /** Tells configurations apart: `comment-key`. */
  readonly key: string;
  readonly kind: MarkerKind;
  /** The commit that the text is about. */
  readonly head: string;
  /** The run that wrote last: of two at once the later one wins. */
  readonly run: number;
  readonly attempt: number;
  /** Of the plan; null where there is none. */
  readonly digest: string | null;
  /** How much was left out, 0 to 4. */
  readonly level: number;
};
export type MarkerKind = 'plan' | 'apply' | 'drift';

const OPEN = '<!-- rolecall:1 ';
const CLOSE = ' -->';

/** The first line of a comment. Names may hold `--` and `>`, which base64url does not. */
export const markerLine = ({ key, kind, head, run, attempt, digest, level }: Marker): string =>
  `${OPEN}${Buffer.from(JSON.stringify({ key, kind, head, run, attempt, digest, level })).toString('base64url')}${CLOSE}`;

/** The marker of a comment; null: it is none of ours, or somebody changed its first line. */
export const readMarker = (body: string): Marker | null => {
  const [first = ''] = body.split(/\r?\n/, 1);
  if (!first.startsWith(OPEN) || !first.endsWith(CLOSE)) return null;
  const encoded = first.slice(OPEN.length, -CLOSE.length);
  if (!/^[\w-]+$/.test(encoded)) return null;
  try {
    const value: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
    return isMarker(value) ? value : null;
  } catch {
    return null;
  }
};

/** What follows the first line. */
export const withoutMarker = (body: string): string => (readMarker(body) === null ? body : body.replace(/^[^\n]*\n?/, ''));

/** Whether a run began after the one that wrote the marker, or is that one. */
export const isCurrent = (marker: Marker, run: { readonly id: number; readonly attempt: number }): boolean =>
  run.id > marker.run || (run.id === marker.run && run.attempt >= marker.attempt);

const KINDS: readonly unknown[] = ['plan', 'apply', 'drift'] satisfies MarkerKind[];

const isMarker = (value: unknown): value is Marker => {
  if (value === null || typeof value !== 'object') return false;
  const { key, kind, head, run, attempt, digest, level } = value as Readonly<Record<keyof Marker, unknown>>;
  const isNumbered = [run, attempt, level].every((number) => typeof number === 'number');
  return (
    typeof key === 'string' &&
    KINDS.includes(kind) &&
    typeof head === 'string' &&
    isNumbered &&
    (digest === null || typeof digest === 'string')
  );
};
