import { defaultDomain } from '../formats/reference.ts';
import type { ConfigFile } from './config-file.ts';
import { type RawConfig, updateConfigFile } from './config-writer.ts';
import { eraseInHelper, type Login, storeInHelper } from './credential-helper.ts';
import { defaultServer, helperFor } from './credentials.ts';

/** The server that a login's argument means: a host, without scheme and path; the default for none. */
export function serverOf(argument: string): string {
  if (argument === '' || argument === defaultDomain || argument === defaultServer) return defaultServer;
  const host = argument.replace(/^https?:\/\//, '').split('/', 1)[0] ?? '';
  return host === defaultDomain || host === `index.${defaultDomain}` ? defaultServer : host;
}

/**
 * Keeps a login where the configuration says: with a credential helper, else in the file, in base64, which hides
 * nothing. Idempotent. Returns the file when the secret is in it. @throws invalid when helper or file fail.
 */
export async function storeLogin(
  folder: string,
  config: ConfigFile,
  server: string,
  login: Login & { readonly username: string },
): Promise<string | undefined> {
  const helper = helperFor(config, server);
  if (helper) await storeInHelper(helper, server, login);
  updateConfigFile(folder, (raw) => {
    authsOf(raw)[server] = helper ? {} : entryOf(login);
  });
  return helper ? undefined : `${folder}/config.json`;
}

function entryOf(login: Login & { readonly username: string }): object {
  const password = 'password' in login ? login.password : '';
  const auth = Buffer.from(`${login.username}:${password}`).toString('base64');
  return 'identitytoken' in login ? { auth, identitytoken: login.identitytoken } : { auth };
}

/** Forgets the logins of a server, under each of its spellings. Idempotent. @throws invalid when helper or file fail. */
export async function eraseLogin(folder: string, config: ConfigFile, server: string): Promise<void> {
  const spellings = server === defaultServer ? [server] : [server, `http://${server}`, `https://${server}`];
  const helper = helperFor(config, server);
  if (helper) await eraseInHelper(helper, server);
  if (!spellings.some((name) => config.auths?.[name])) return;
  updateConfigFile(folder, (raw) => {
    const auths = authsOf(raw);
    for (const name of spellings) delete auths[name];
  });
}

function authsOf(raw: RawConfig): Record<string, unknown> {
  const auths = raw['auths'];
  if (typeof auths === 'object' && auths !== null) return auths as Record<string, unknown>;
  const made: Record<string, unknown> = {};
  raw['auths'] = made;
  return made;
}
