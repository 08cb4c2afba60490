import type { ProjectOrigin } from '../../../compose/container-request.ts';
import type { OpenedProject } from '../../../compose/open-project.ts';

/** Where a project came from, for its labels. */
export const originOf = ({ source }: OpenedProject): ProjectOrigin => ({
  folder: source.folder,
  files: source.files,
  envFiles: source.envFiles,
});
