import { startEngine, starterImage } from '../helpers/engine.ts';
import { sayer } from './say.ts';

// Runs on the host before the guest boots, with a cache of what Node compiles: an engine that does what all tests begin
// with. The guest, which is emulated, takes minutes to compile that, and gets the cache.

await using engine = await startEngine();
const image = await starterImage(engine);
await sayer(engine)('run', '--rm', image, 'true');
await sayer(engine)('run', '-d', '--name', 'web', image, 'sleep', '1000');
await sayer(engine)('exec', 'web', 'true');
