import process from 'node:process';
import { isatty } from 'node:tty';
import { main } from '../src/cli/main.ts';
import { createOutput } from '../src/cli/output/output.ts';

const output = (fd: 1 | 2) =>
  createOutput(fd, () => (isatty(fd) ? ((fd === 1 ? process.stdout : process.stderr).columns ?? 80) : undefined));

const status = await main(process.argv.slice(2), { env: process.env, out: output(1), err: output(2) });
process.exit(status);
