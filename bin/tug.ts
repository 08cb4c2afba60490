import * as path from 'node:path';
import process from 'node:process';
import { main } from '../src/cli/main.ts';
import { standardOutput } from '../src/cli/output/output.ts';

// A link of that name is what scripts for older Docker installations call.
const alias = path.basename(process.argv0) === 'docker-compose' ? ['compose'] : [];
const argv = [...alias, ...process.argv.slice(2)];

process.exit(await main(argv, { env: process.env, out: standardOutput(1), err: standardOutput(2) }));
