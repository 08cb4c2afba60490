import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as tls from 'node:tls';
import { errnoOf, invalid, messageOf } from '../base/errors.ts';

/**
 * The TLS identity for one registry: the CAs that the system trusts (Node's where it has none; not read when
 * nothing will be verified), and what lies in `FOLDER/HOST[:PORT]/`
 * of each folder, laid out as Docker's `certs.d`: `*.crt` are CAs, `NAME.cert` with `NAME.key` a client certificate.
 * @throws invalid for a client certificate without its key, or unreadable PEM.
 */
export async function secureContextFor(
  host: string,
  folders: readonly string[],
  verify: boolean,
): Promise<tls.SecureContext> {
  const found = { ca: [] as string[], cert: [] as string[], key: [] as string[] };
  for (const folder of folders) await readHostFolder(path.join(folder, host), found);
  try {
    return tls.createSecureContext({
      ca: verify ? [...trustedCertificates(), ...found.ca] : found.ca,
      ...(found.cert.length > 0 ? { cert: found.cert, key: found.key } : {}),
    });
  } catch (error) {
    throw invalid(`the certificates for registry ${host} cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

function trustedCertificates(): Set<string> {
  const system = tls.getCACertificates('system');
  return new Set(system.length > 0 ? [...system, ...tls.getCACertificates('extra')] : tls.getCACertificates('default'));
}

async function readHostFolder(folder: string, found: { ca: string[]; cert: string[]; key: string[] }): Promise<void> {
  const names = await fs.readdir(folder).catch((error: unknown): string[] => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw error;
  });
  for (const name of names.sort()) {
    const file = path.join(folder, name);
    if (name.endsWith('.crt')) found.ca.push(await fs.readFile(file, 'utf8'));
    if (!name.endsWith('.cert')) continue;
    const keyName = `${name.slice(0, -'.cert'.length)}.key`;
    if (!names.includes(keyName)) {
      throw invalid(`missing key ${keyName} for client certificate ${file}: put it beside the certificate`);
    }
    found.cert.push(await fs.readFile(file, 'utf8'));
    found.key.push(await fs.readFile(path.join(folder, keyName), 'utf8'));
  }
}
