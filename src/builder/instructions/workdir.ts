import type { WorkdirInstruction } from '../../formats/dockerfile/types.ts';
import type { Scope } from '../build-context.ts';
import { resolveOwner } from '../copy/owner.ts';
import { planCopy } from '../copy/plan.ts';
import { bytes, cleanPath } from '../sources/tree.ts';
import { configured, expander, type StageState } from '../state.ts';
import { placeFiles } from './place-files.ts';

/** WORKDIR: a folder that is not there is made, as the stage's user's. */
export async function workdir(state: StageState, instruction: WorkdirInstruction, scope: Scope): Promise<StageState> {
  const wanted = expander(state)(instruction.path).text;
  const folder = absolute(state, wanted);
  const createdBy = `WORKDIR ${folder}`;
  const config = { WorkingDir: folder };
  const below = scope.build.treeOf(state.layers);
  const owner = state.config.User ? await resolveOwner(below, ownerOf(state.config.User)) : undefined;
  const options = { instruction: 'WORKDIR', owner, mode: undefined, parents: false, excludes: undefined, link: false };
  const items = planCopy(below, [], { ...options, destination: bytes(`${folder}/`) });
  if (items.length === 0) return configured(state, config, createdBy);
  const made = await placeFiles(state, scope, { plan: () => items, known: undefined, createdBy });
  return { ...made, config: { ...made.config, ...config } };
}

/** A user of a number or name; its group alone, without which the user's own counts. */
const ownerOf = (user: string): string => user.replace(/:$/, '');

/** A path of an instruction, which is relative to the stage's folder. Without a slash at the end. */
export function absolute(state: StageState, path: string): string {
  const whole = path.startsWith('/') ? path : `${state.config.WorkingDir || '/'}/${path}`;
  return `/${Buffer.from(cleanPath(bytes(whole)), 'latin1')}`;
}
