import { readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';

/**
 * Commands that are given to each engine in the same order. A scenario is a file `scenarios/<name>.txt`: every line
 * is one step, empty ones and those that begin with `#` are not. A step is a line of shell in which `$CLI` is the
 * command line under test, or `API METHOD PATH [JSON]`, one request.
 */
export interface Scenario {
  readonly name: string;
  readonly steps: readonly string[];
}

/** What a step gave: a command's exit code and output, a request's status and body. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export function readScenarios(): Scenario[] {
  const folder = path.join(import.meta.dirname, 'scenarios');
  return readdirSync(folder)
    .filter((file) => file.endsWith('.txt'))
    .sort()
    .map((file) => ({
      name: path.basename(file, '.txt'),
      steps: stepsOf(readFileSync(path.join(folder, file), 'utf8')),
    }));
}

const stepsOf = (text: string): string[] =>
  text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
