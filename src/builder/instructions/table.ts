import type { Instruction } from '../../formats/dockerfile/types.ts';
import type { Scope } from '../build-context.ts';
import type { StageState } from '../state.ts';
import { add } from './add.ts';
import { cmd, entrypoint, shell } from './command.ts';
import { copy } from './copy.ts';
import { expose, healthcheck, label, maintainer, onbuild, stopsignal, user, volume } from './describe.ts';
import { arg, env } from './environment.ts';
import { run } from './run.ts';
import { workdir } from './workdir.ts';

export type StageInstruction = Exclude<Instruction, { name: 'FROM' }>;

type Carry<Name extends StageInstruction['name']> = (
  state: StageState,
  instruction: Extract<StageInstruction, { name: Name }>,
  scope: Scope,
) => StageState | Promise<StageState>;

/** What carries out each instruction. */
const table: { readonly [Name in StageInstruction['name']]: Carry<Name> } = {
  ADD: add,
  ARG: arg,
  CMD: cmd,
  COPY: copy,
  ENTRYPOINT: entrypoint,
  ENV: env,
  EXPOSE: expose,
  HEALTHCHECK: healthcheck,
  LABEL: label,
  MAINTAINER: maintainer,
  ONBUILD: onbuild,
  RUN: run,
  SHELL: shell,
  STOPSIGNAL: stopsignal,
  USER: user,
  VOLUME: volume,
  WORKDIR: workdir,
};

/** Those that take time, which are shown as steps of their own. */
export const working: ReadonlySet<string> = new Set(['ADD', 'COPY', 'RUN', 'WORKDIR']);

/** Carries out an instruction of a stage. */
export async function carryOut(state: StageState, instruction: StageInstruction, scope: Scope): Promise<StageState> {
  const carry = table[instruction.name] as Carry<StageInstruction['name']>;
  return await carry(state, instruction as never, scope);
}
