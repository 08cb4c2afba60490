import assert from 'node:assert/strict';
import type { CommandLine } from './command-lines.ts';
import type { TestEngine } from './engine.ts';

/** What a command that succeeds prints, without the white space around it. @throws an assertion error when it fails. */
export async function said(engine: TestEngine, cli: CommandLine, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await engine[cli](args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** What a command that fails complains of, without the names of the program and the engine. @throws an assertion error when it succeeds. */
export async function faultOf(engine: TestEngine, cli: CommandLine, ...args: string[]): Promise<string> {
  const { code, stderr } = await engine[cli](args);
  assert.notEqual(code, 0, args.join(' '));
  return stderr.replace(/^(tug|docker): /, '').replace('Error response from daemon: ', '');
}
