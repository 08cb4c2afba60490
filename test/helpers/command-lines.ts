import { type Running, start } from '../../src/cli/test-programs.ts';
import type { TestEngine } from './engine.ts';
import { tugProgram } from './tug-program.ts';

/** The two command lines that drive a test's engine: tug's own and the real `docker`. */
export const commandLines = ['tug', 'docker'] as const;
export type CommandLine = (typeof commandLines)[number];

/** The program of a command line. */
export const programOf = (name: CommandLine): string => (name === 'tug' ? tugProgram() : 'docker');

/** The environment that points both at an engine, without variables that are not set. */
export function environmentOf(engine: TestEngine): Record<string, string> {
  const entries = Object.entries(engine.clientEnv());
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Starts a command that the test talks to while it runs. */
export function begin(engine: TestEngine, name: CommandLine, args: readonly string[]): Running {
  return start([programOf(name)], args, { env: environmentOf(engine) });
}

/** Runs a line of shell in which `$CLI` is the command line. */
export const shellEnvironment = (engine: TestEngine, name: CommandLine): Record<string, string> => ({
  ...environmentOf(engine),
  CLI: programOf(name),
});
