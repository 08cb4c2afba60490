import { enableCompileCache, flushCompileCache } from 'node:module';
import * as path from 'node:path';
import process from 'node:process';

// Plain JavaScript with a cache of what is compiled, as bin/tugd.mjs.
enableCompileCache(path.join(import.meta.dirname, '../node_modules/.cache/tug-registry'));
setTimeout(flushCompileCache, 2000).unref();
const { main } = await import('../src/registry-server/main.ts');

process.exit(await main(process.argv.slice(2)));
