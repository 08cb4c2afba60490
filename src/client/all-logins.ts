import type { ConfigFile, StoredAuth } from './config-file.ts';
import { listHelper } from './credential-helper.ts';
import { findLogin } from './credentials.ts';

/**
 * All logins of the user, by server, as a configuration file has them: those of the file, and what its credential
 * helpers keep. @throws invalid when a helper fails.
 */
export async function allLogins(config: ConfigFile): Promise<Record<string, StoredAuth>> {
  const servers = new Set([...Object.keys(config.auths ?? {}), ...Object.keys(config.credHelpers ?? {})]);
  if (config.credsStore) for (const server of await listHelper(config.credsStore)) servers.add(server);
  const logins: Record<string, StoredAuth> = {};
  for (const server of [...servers].sort()) {
    const login = await findLogin(config, server);
    if (!login) continue;
    if (!('password' in login)) logins[server] = { ...login };
    else logins[server] = { auth: Buffer.from(`${login.username}:${login.password}`).toString('base64') };
  }
  return logins;
}
