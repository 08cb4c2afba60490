import { readdirSync, readFileSync } from 'node:fs';
import { errnoOf } from './errors.ts';

/** A file as text, undefined when it is not there. @throws the system error for anything else. */
export function readIfThere(file: string): string | undefined {
  return ifThere(() => readFileSync(file, 'utf8'));
}

/** The names in a folder, none when it is not there. @throws the system error for anything else. */
export function namesIn(folder: string): string[] {
  return ifThere(() => readdirSync(folder)) ?? [];
}

function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
