import { invalid, messageOf } from '../../../base/errors.ts';
import type { Logger } from '../../../base/log.ts';
import type { TokenSection } from '../config.ts';
import { openWatchedFile, type WatchedFile } from '../watched-file.ts';
import { joinKeys, readBundle, readJwks, type TrustedKeys } from './keys.ts';

/**
 * The keys in the files of a configuration (`rootcertbundle`, `jwks`), as they are at each moment.
 * @throws invalid for a file that cannot be read.
 */
export async function openTrustedKeys(
  { rootcertbundle, jwks }: Pick<TokenSection, 'rootcertbundle' | 'jwks'>,
  log: Logger,
): Promise<() => Promise<TrustedKeys>> {
  const files = await Promise.all([
    ...(rootcertbundle ? [open(rootcertbundle, readBundle, log)] : []),
    ...(jwks ? [open(jwks, readJwks, log)] : []),
  ]);
  return async () => joinKeys(await Promise.all(files.map((file) => file.current())));
}

const open = (
  file: string,
  read: (text: string) => Promise<TrustedKeys>,
  log: Logger,
): Promise<WatchedFile<TrustedKeys>> =>
  openWatchedFile(file, read, log).catch((error: unknown) => {
    throw invalid(`the keys in ${file} cannot be read: ${messageOf(error)}`, { cause: error });
  });
