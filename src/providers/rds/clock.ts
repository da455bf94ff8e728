import type { Finding } from '../../model/finding.ts';

/** A token is good for fifteen minutes, and a signature is refused when it is about five minutes off. */
const WARN_MS = 60_000;
const REFUSE_MS = 300_000;

/**
 * How far this machine's clock is ahead, in ms, by the Date header of an answer; null where that says nothing. The header counts whole
 * seconds, and was written at some moment between the two.
 */
export const skewOf = (dateHeader: string | undefined, sentMs: number, receivedMs: number): number | null => {
  // What passed through a proxy may carry two of them.
  const [first = ''] = /^\w+, [^,]+/.exec(dateHeader ?? '') ?? [];
  const theirs = Date.parse(first);
  if (Number.isNaN(theirs)) return null;
  if (sentMs > theirs + 1000) return sentMs - theirs - 1000;
  return receivedMs < theirs ? receivedMs - theirs : 0;
};

/** `tokens`: somebody logs in by a token, which a wrong clock makes worthless. */
export const clockFindings = (skewMs: number | null, tokens: boolean): Finding[] => {
  if (skewMs === null || Math.abs(skewMs) <= WARN_MS) return [];
  const wrong = Math.abs(skewMs) > REFUSE_MS && tokens;
  return [
    {
      severity: wrong ? 'error' : 'warning',
      code: 'aws/clock',
      message: `this machine's clock is ${spanOf(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead' : 'behind'} of that of AWS${wrong ? ': tokens are refused' : ''}`,
      hint: 'set the clock (NTP): what is signed here is good for a few minutes only',
    },
  ];
};

const spanOf = (ms: number): string => {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} seconds`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3600)} hours`;
};
