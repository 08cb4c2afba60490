import { isKind } from '../../../base/errors.ts';

/** No compose file was found: the project's name, and its labels, have to do. */
export const isMissingFile = (error: unknown): boolean =>
  isKind(error, 'not-found') && error.code === 'no-compose-file';
