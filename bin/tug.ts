import process from 'node:process';
import { main } from '../src/cli/main.ts';
import { standardOutput } from '../src/cli/output/output.ts';

process.exit(await main(process.argv.slice(2), { env: process.env, out: standardOutput(1), err: standardOutput(2) }));
