import { enableCompileCache, flushCompileCache } from 'node:module';
import * as path from 'node:path';
import process from 'node:process';

// Compiled code is kept beside the sources, where only their owner writes: it halves the time to start.
enableCompileCache(path.join(import.meta.dirname, '../node_modules/.cache/tugd'));
setTimeout(flushCompileCache, 2000).unref(); // an engine that is killed keeps it too
const { main } = await import('../src/daemon/main.ts');

// Hijacked connections and other loose ends do not keep an engine alive that has shut down.
process.exit(await main(process.argv.slice(2)));
