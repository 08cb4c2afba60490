import { errnoOf, invalid, messageOf } from '../base/errors.ts';
import { defaultDomain } from '../formats/reference.ts';
import type { ConfigFile, StoredAuth } from './config-file.ts';

/**
 * The `X-Registry-Auth` header for a registry, from the credential helper or the stored logins of the configuration;
 * undefined when there is no login for it.
 * @param domain of the image's reference.
 * @throws invalid when a credential helper fails.
 */
export async function registryAuth(config: ConfigFile, domain: string): Promise<string | undefined> {
  // Logins at the default registry are stored under its old index address.
  const server = domain === defaultDomain ? `https://index.${defaultDomain}/v1/` : domain;
  const helper = config.credHelpers?.[server] ?? config.credsStore;
  const login = helper ? await askHelper(helper, server) : storedLogin(config, server);
  if (!login) return undefined;
  return Buffer.from(JSON.stringify({ ...login, serveraddress: server })).toString('base64url');
}

type Login = { username: string; password: string } | { identitytoken: string } | { registrytoken: string };

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

/** The credential helper protocol: the server's address on stdin, JSON on stdout. */
async function askHelper(helper: string, server: string): Promise<Login | undefined> {
  const { run } = await import('../base/process.ts');
  const program = `docker-credential-${helper}`;
  let answer: Awaited<ReturnType<typeof run>>;
  try {
    answer = await run(program, ['get'], { input: server });
  } catch (error) {
    throw invalid(`error getting credentials: ${program}: ${messageOf(error)}`, {
      cause: error,
      code: errnoOf(error) ?? 'invalid',
    });
  }
  if (answer.code !== 0) {
    if (answer.stdout.includes('credentials not found')) return undefined;
    throw invalid(`error getting credentials - ${program}: exit status ${answer.code}, out: ${answer.stdout.trim()}`);
  }
  const found = JSON.parse(answer.stdout) as { Username?: string; Secret?: string };
  if (!found.Secret) return undefined;
  // Helpers mark an identity token with this user name.
  if (found.Username === '<token>') return { identitytoken: found.Secret };
  return { username: found.Username ?? '', password: found.Secret };
}
