import { after, before, describe, it } from 'node:test';
import { crashPointNames } from '../../src/base/crash-points.ts';
import { crashAt } from '../crash/points.ts';
import { crashAtRandom, seeded } from '../crash/random.ts';
import { openStage } from '../crash/stage.ts';

// a sample of `npm run test:crash`, which does each point ten times and 200 random moments
describe('an engine that is killed', () => {
  let stage: Awaited<ReturnType<typeof openStage>>;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage?.[Symbol.asyncDispose]());

  for (const point of crashPointNames) {
    it(`at ${point} loses nothing and leaves nothing`, () => crashAt(stage, point, 'running'));
  }

  it('at random moments loses nothing and leaves nothing', () => crashAtRandom(stage, 8, seeded(4711)));
});
