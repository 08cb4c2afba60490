import { enableCompileCache, flushCompileCache } from 'node:module';
import * as path from 'node:path';
import process from 'node:process';

// Plain JavaScript, since Node would load its TypeScript compiler for this file alone: a quarter of the time to start.
// All others come compiled from the cache, which is kept beside the sources, where only their owner writes.
enableCompileCache(path.join(import.meta.dirname, '../node_modules/.cache/tugd'));
setTimeout(flushCompileCache, 2000).unref(); // an engine that is killed keeps it too
const { main } = await import('../src/daemon/main.ts');

// Hijacked connections and other loose ends do not keep an engine alive that has shut down.
process.exit(await main(process.argv.slice(2)));
