import type { Project } from '../../../formats/compose-file/model.ts';
import type { ComposeContext } from './compose-command.ts';
import { isMissingFile } from './missing-file.ts';

/** With the services of all profiles; undefined where only the project's name is known. */
export async function projectIfThere(compose: ComposeContext): Promise<Project | undefined> {
  try {
    return (await compose.open()).project;
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
}
