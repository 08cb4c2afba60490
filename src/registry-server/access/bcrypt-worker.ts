import { parentPort } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';

// A thread of its own, since a comparison is tenths of a second of work.

export interface Comparison {
  readonly id: number;
  readonly password: string;
  readonly hash: string;
}

export interface ComparisonResult {
  readonly id: number;
  readonly same: boolean;
}

parentPort?.on('message', ({ id, password, hash }: Comparison) => {
  const result: ComparisonResult = { id, same: compareSync(password, hash) };
  parentPort?.postMessage(result);
});
