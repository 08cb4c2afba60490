import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import * as fs from 'node:fs/promises';
import { errnoOf, invalid, messageOf } from '../../../base/errors.ts';
import { thumbprintOf } from './keys.ts';

/** The key that a registry signs its tokens with (ES256). */
export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Its thumbprint, the `kid` of its tokens. */
  readonly id: string;
  /** A keyed hash that only who has the key can make. */
  seal(text: string): string;
}

/**
 * Reads the key, or makes one that only root can read. Several processes may do so at once: all of them end with the
 * same. Idempotent; one that is killed may leave a `.tmp-*` file beside it. @throws invalid for a key of another kind.
 */
export async function openSigningKey(file: string): Promise<SigningKey> {
  const pem = (await readIfThere(file)) ?? (await make(file));
  try {
    const privateKey = createPrivateKey(pem);
    if (privateKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw invalid('it is no key of the curve P-256');
    const publicKey = createPublicKey(privateKey);
    const secret = privateKey.export({ type: 'pkcs8', format: 'der' });
    const seal = (text: string): string => createHmac('sha256', secret).update(text).digest('base64url');
    return { privateKey, publicKey, id: await thumbprintOf(publicKey), seal };
  } catch (error) {
    throw invalid(`the key in ${file} cannot be used to sign tokens: ${messageOf(error)}`, { cause: error });
  }
}

async function make(file: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const temporary = `${file}.tmp-${randomBytes(6).toString('hex')}`;
  try {
    await fs.writeFile(temporary, pem, { mode: 0o600, flag: 'wx', flush: true });
    await fs.link(temporary, file); // unlike a rename, it fails where another process was quicker
    return pem;
  } catch (error) {
    const others = errnoOf(error) === 'EEXIST' ? await readIfThere(file) : undefined;
    if (others !== undefined) return others;
    throw invalid(`a key to sign tokens with cannot be made at ${file}: ${messageOf(error)}`, { cause: error });
  } finally {
    await fs.rm(temporary, { force: true });
  }
}

const readIfThere = (file: string): Promise<string | undefined> =>
  fs.readFile(file, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw invalid(`the key ${file} cannot be read: ${messageOf(error)}`, { cause: error });
  });
