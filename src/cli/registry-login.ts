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
