import type { IncomingMessage } from 'node:http';
import type { Identity } from '../contract.ts';
import { loginWanted } from './authorization.ts';
import { networkOf } from './client-address.ts';
import { type AccessBase, recordLogin } from './decide.ts';
import type { Login, Passwords } from './passwords.ts';

/** Lets in who says the right password. */
export type BasicLogin = (request: IncomingMessage, login: Login, challenge: () => string) => Promise<Identity>;

/**
 * Checks passwords and tells the audit log of each login that fails. The name is recorded only of users there are.
 * @returns a function that throws unauthorized for a wrong login, with `details.retryAfter` for one that is held off.
 */
export function createBasicLogin(base: AccessBase, passwords: Passwords): BasicLogin {
  return async (request, login, challenge) => {
    const address = networkOf(base.addressOf(request));
    const tell = async (fault: unknown): Promise<void> => {
      const known = await passwords.hashOf(login.name);
      recordLogin(base, request, known === undefined ? '' : login.name, fault);
    };
    const right = await passwords.verify(login, address).catch(async (error: unknown) => {
      await tell(error);
      throw error;
    });
    if (right) return base.rules.identify(login.name);
    const fault = loginWanted(challenge(), 'incorrect username or password');
    await tell(fault);
    throw fault;
  };
}
