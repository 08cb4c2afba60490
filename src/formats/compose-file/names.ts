import { invalid } from '../../base/errors.ts';

const valid = /^[a-z0-9][a-z0-9_-]*$/;

/** A folder's name as a project's: lower case, only letters, digits, `-` and `_`, none of the two in front. */
export const projectNameFrom = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^-_a-z0-9]+/g, '')
    .replace(/^[-_]+/, '');

/** @throws invalid in Docker's words. */
export function checkProjectName(name: string): string {
  if (valid.test(name)) return name;
  if (name === '') throw invalid('project name must not be empty', { code: 'project-name' });
  throw invalid(
    `invalid project name ${JSON.stringify(name)}: must consist only of lowercase alphanumeric characters, hyphens, and underscores as well as start with a letter or number`,
    { code: 'project-name' },
  );
}
