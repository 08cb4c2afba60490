import { messageOf } from '../base/errors.ts';
import { registryAuth } from '../client/credentials.ts';
import type { Session } from './command.ts';

/**
 * The `X-Registry-Auth` header for a registry, or undefined without a login. A credential helper that fails is
 * told of, and does not keep the user from what needs no login.
 */
export async function registryLogin(session: Session, domain: string): Promise<string | undefined> {
  const { config } = session; // a broken configuration is an error of its own
  try {
    return await registryAuth(config, domain);
  } catch (error) {
    await session.err.write(`WARNING: ${messageOf(error)}: going on without a login\n`);
    return undefined;
  }
}

/** The `X-Registry-Config` header with the logins of several registries, or undefined when there is none. */
export async function registryLogins(session: Session, domains: readonly string[]): Promise<string | undefined> {
  const logins: Record<string, unknown> = {};
  for (const domain of domains) {
    const auth = await registryLogin(session, domain);
    if (auth !== undefined) logins[domain] = JSON.parse(Buffer.from(auth, 'base64url').toString());
  }
  return Object.keys(logins).length === 0 ? undefined : Buffer.from(JSON.stringify(logins)).toString('base64url');
}
