/** Calls that are under way at once. */
const LANES = 8;

/** Does the same for each, a few at once, in order. */
export const each = async <T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> => {
  const { default: limited } = await import('p-limit');
  const lane = limited(LANES);
  return await Promise.all(items.map((item) => lane(() => work(item))));
};
