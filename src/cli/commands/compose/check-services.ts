import { notFound } from '../../../base/errors.ts';
import type { Project } from '../../../formats/compose-file/model.ts';
import { didYouMean } from '../../../formats/compose-file/problems.ts';

/** @throws not-found for a name that is no service of the project's files. */
export function checkServices(project: Project | undefined, names: readonly string[]): void {
  for (const name of names)
    if (project && !(name in project.services))
      throw notFound(`no such service: ${name}${didYouMean(name, Object.keys(project.services))}`);
}
