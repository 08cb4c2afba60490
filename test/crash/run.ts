/**
 * The whole crash test: `npm run test:crash [-- --times N] [--random N] [--seed N]`. Kills the engine at every
 * named crash point 10 times and at 200 random moments. `npm test` runs a sample of it. Needs root.
 */
import { parseArgs } from 'node:util';
import { crashPointNames } from '../../src/base/crash-points.ts';
import { crashAt } from './points.ts';
import { crashAtRandom, seeded } from './random.ts';
import { openStage } from './stage.ts';

const { values: options } = parseArgs({
  options: {
    times: { type: 'string', default: '10' },
    random: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string', default: '' },
  },
});

await using stage = await openStage();
let crashes = 0;
for (const point of crashPointNames) {
  if (!point.includes(options.only)) continue;
  for (let time = 0; time < Number(options.times); time += 1) {
    await crashAt(stage, point, 'started');
    crashes += 1;
  }
  console.log(`${point}: ${options.times} crashes, nothing lost, nothing left`);
}
console.log(`random moments, seed ${options.seed}`);
await crashAtRandom(stage, Number(options.random), seeded(Number(options.seed)));
console.log(`${crashes + Number(options.random)} crashes, nothing lost, nothing left`);
