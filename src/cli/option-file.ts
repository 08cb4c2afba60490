import { openSync, readFileSync } from 'node:fs';
import { errnoOf, invalid, messageOf, type TugError } from '../base/errors.ts';

/** A file named by an option. @throws invalid as Docker words it. */
export function readOptionFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw openFailure(file, error);
  }
}

/** Opens an archive to read; the descriptor is the caller's. @throws invalid as Docker words it. */
export function openArchive(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    throw openFailure(file, error);
  }
}

function openFailure(file: string, error: unknown): TugError {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'no such file or directory',
    EACCES: 'permission denied',
    EISDIR: 'is a directory',
  };
  return invalid(`open ${file}: ${reasons[errnoOf(error) ?? ''] ?? messageOf(error)}`, { cause: error });
}
