import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes long and mostly waits, which the sizes of the files do not tell. */
const LONG = /\/live\/(action\/(apply|plan)|kill|crash|iam-kill|mysql\/crash|requirements)\.test\.ts$/;

/** Begins with what takes longest, so that no worker is left with it at the end; then as vitest does: by time where it knows, else by size. */
export default class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => LONG.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
