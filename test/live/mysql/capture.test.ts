import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { isFetched } from '../../lab/mysql/builds.ts';
import { WANTED } from '../../lab/mysql/versions.ts';
import { capture, planCases } from './capture.ts';

// UPDATE_SNAPSHOTS=1 writes what the servers hold now; the golden plans are then made anew from it.
const UPDATE = process.env.UPDATE_SNAPSHOTS === '1';

describe('the snapshots of fixtures/plan are what real servers hold, and nothing is left when the plans are applied', () => {
  for (const planCase of planCases()) {
    test.runIf(WANTED.includes(planCase.version) && isFetched(planCase.version))(planCase.name, async () => {
      const { snapshot: captured, left } = await capture(planCase);
      const snapshot = JSON.parse(JSON.stringify(captured)) as unknown;
      const file = path.join(planCase.folder, 't.snapshot.json');
      if (UPDATE) fs.writeFileSync(file, `${JSON.stringify(snapshot, null, 1)}\n`);
      expect(snapshot).toEqual(JSON.parse(fs.readFileSync(file, 'utf8')));
      if (left !== null) expect(left).toEqual([]);
    });
  }
});
