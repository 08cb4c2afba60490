import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { errnoOf, TugError } from '../base/errors.ts';
import { type Endpoint, initialization, parseHost, type TlsFiles } from './host.ts';

/**
 * The endpoint of a context in Docker's store: `contexts/meta/SHA256(NAME)/meta.json`, its TLS files in
 * `contexts/tls/SHA256(NAME)/docker`. @throws not-found, invalid.
 */
export function contextEndpoint(name: string, folder: string): Endpoint {
  const id = createHash('sha256').update(name).digest('hex');
  const file = `${folder}/contexts/meta/${id}/meta.json`;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw new TugError(
      'not-found',
      `Failed to initialize: unable to resolve tug endpoint: context "${name}": context not found: ` +
        `open ${file}: no such file or directory`,
    );
  }
  const docker = (JSON.parse(text) as ContextMeta).Endpoints?.docker;
  if (!docker?.Host) throw initialization(`context "${name}" has no docker endpoint`);
  return parseHost(docker.Host, name, contextTls(`${folder}/contexts/tls/${id}/docker`, docker.SkipTLSVerify === true));
}

interface ContextMeta {
  Endpoints?: { docker?: { Host?: string; SkipTLSVerify?: boolean } };
}

function contextTls(folder: string, skipVerify: boolean): TlsFiles | undefined {
  const present = (name: string) => (existsSync(`${folder}/${name}`) ? `${folder}/${name}` : undefined);
  const files = { ca: present('ca.pem'), cert: present('cert.pem'), key: present('key.pem'), verify: !skipVerify };
  return files.ca || files.cert || files.key || skipVerify ? files : undefined;
}
