import { invalid } from '../base/errors.ts';
import { defaultDomain } from '../formats/reference.ts';
import type { ConfigFile, StoredAuth } from './config-file.ts';
import { askHelper, type Login } from './credential-helper.ts';

/** The address that logins at the default registry are stored under: that of its old index. */
export const defaultServer = `https://index.${defaultDomain}/v1/`;

/** The helper that keeps the logins of a server, or undefined for the file. */
export function helperFor(config: ConfigFile, server: string): string | undefined {
  return config.credHelpers?.[server] || config.credsStore || undefined;
}

/**
 * The `X-Registry-Auth` header for a registry, from the credential helper or the stored logins of the configuration;
 * undefined when there is no login for it.
 * @param domain of the image's reference.
 * @throws invalid when a credential helper fails.
 */
export async function registryAuth(config: ConfigFile, domain: string): Promise<string | undefined> {
  const server = domain === defaultDomain ? defaultServer : domain;
  const login = await findLogin(config, server);
  if (!login) return undefined;
  return Buffer.from(JSON.stringify({ ...login, serveraddress: server })).toString('base64url');
}

/** The login of a server (a host, or the default registry's address). @throws invalid when a credential helper fails. */
export async function findLogin(config: ConfigFile, server: string): Promise<Login | undefined> {
  const helper = helperFor(config, server);
  return helper ? await askHelper(helper, server) : storedLogin(config, server);
}

function storedLogin(config: ConfigFile, server: string): Login | undefined {
  const hostOf = (key: string) => key.replace(/^https?:\/\//, '').split('/', 1)[0];
  const auths = Object.entries(config.auths ?? {});
  const stored = config.auths?.[server] ?? auths.find(([key]) => hostOf(key) === hostOf(server))?.[1];
  return stored ? loginOf(stored) : undefined;
}

function loginOf(stored: StoredAuth): Login | undefined {
  if (stored.identitytoken) return { identitytoken: stored.identitytoken };
  if (stored.registrytoken) return { registrytoken: stored.registrytoken };
  if (stored.auth) {
    const decoded = Buffer.from(stored.auth, 'base64').toString();
    const colon = decoded.indexOf(':');
    if (colon < 0) throw invalid('Error loading config file: invalid auth configuration file');
    return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') };
  }
  return stored.username && stored.password ? { username: stored.username, password: stored.password } : undefined;
}
