import process from 'node:process';
import { main } from '../src/daemon/main.ts';

// Hijacked connections and other loose ends do not keep an engine alive that has shut down.
process.exit(await main(process.argv.slice(2)));
