import { openPullEngine } from './pull-engine.ts';

// Pulls in a process of its own, which a test lets die at a crash point: `node pull-process.ts ROOT REFERENCE`.

const [root = '', reference = ''] = process.argv.slice(2);
await using engine = openPullEngine(root);
console.log(await engine.pull(reference));
