import type { Command, CommandInstruction, ShellInstruction } from '../../formats/dockerfile/types.ts';
import { configured, type StageState } from '../state.ts';

const defaultShell = ['/bin/sh', '-c'];

/** The words of a command; those of the shell form are the stage's shell's. */
export function wordsOf(state: StageState, command: Command): string[] {
  return command.form === 'exec' ? [...command.args] : [...(state.config.Shell ?? defaultShell), command.text];
}

export function cmd(state: StageState, { command }: CommandInstruction<'CMD'>): StageState {
  const words = wordsOf(state, command);
  return { ...configured(state, { Cmd: words }, `CMD ${JSON.stringify(words)}`), hasOwnCommand: true };
}

/** The base's command was an argument of its entrypoint, and makes no sense to another one. */
export function entrypoint(state: StageState, { command }: CommandInstruction<'ENTRYPOINT'>): StageState {
  const words = wordsOf(state, command);
  const made = configured(state, { Entrypoint: words }, `ENTRYPOINT ${JSON.stringify(words)}`);
  if (state.hasOwnCommand) return made;
  const { Cmd: _base, ...config } = made.config;
  return { ...made, config };
}

export const shell = (state: StageState, { args }: ShellInstruction): StageState =>
  configured(state, { Shell: [...args] }, `SHELL [${args.join(' ')}]`);
