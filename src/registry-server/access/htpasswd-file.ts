import { invalid, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { openWatchedFile } from './watched-file.ts';

/** Users and their bcrypt hashes. */
export interface Users {
  readonly hashes: ReadonlyMap<string, string>;
  /** The highest cost among the hashes: what a comparison takes at most. */
  readonly cost: number;
  /** Lines whose hash is none of bcrypt's: these users cannot log in. */
  readonly unusable: readonly number[];
}

/** `$2a$`, `$2b$` or `$2y$`, cost 4 to 31, 22 characters of salt and 31 of hash. */
const bcryptHash = /^\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}$/;
const usualCost = 10;

/**
 * Reads a file of Apache's htpasswd: `name:hash` lines, empty lines and such that begin with `#`.
 * @throws invalid for a line without a name or a colon, by its number.
 */
export function parseUsers(text: string): Users {
  const hashes = new Map<string, string>();
  const unusable: number[] = [];
  let cost = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const entry = line.trim();
    if (entry === '' || entry.startsWith('#')) continue;
    const colon = entry.indexOf(':');
    if (colon < 1) throw invalid(`line ${index + 1} is no entry of the form name:hash`);
    const hash = entry.slice(colon + 1);
    const rounds = bcryptHash.exec(hash)?.[1];
    if (rounds === undefined) unusable.push(index + 1);
    else cost = Math.max(cost, Number(rounds));
    hashes.set(entry.slice(0, colon), rounds === undefined ? '' : hash);
  }
  return { hashes, cost: cost || usualCost, unusable };
}

/** The users of a file, as it is at each moment. */
export interface UserFile {
  current(): Promise<Users>;
}

/** @throws invalid when the file cannot be read or has a line that is no entry. Lines that are not bcrypt are told in the log. */
export async function openUserFile(file: string, log: Logger): Promise<UserFile> {
  const parse = (text: string): Users => {
    const users = parseUsers(text);
    if (users.unusable.length > 0) {
      const advice = 'these users cannot log in: only bcrypt is taken (htpasswd -B)';
      log.warn(advice, { file, lines: users.unusable.join(',') });
    }
    return users;
  };
  return openWatchedFile(file, parse, log).catch((error: unknown) => {
    throw invalid(`the users in ${file} cannot be read: ${messageOf(error)}`, { cause: error });
  });
}
