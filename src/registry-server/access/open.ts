import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { type Clock, systemClock } from '../../base/clock.ts';
import { invalid } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { AccessController } from '../contract.ts';
import { appendTo, createAudit, noAudit } from './audit.ts';
import { createBasicLogin } from './basic-login.ts';
import { createBcryptThread } from './bcrypt-thread.ts';
import { createAddressOf } from './client-address.ts';
import type { AccessSection, AuthSection, BuiltinSection, TokenSection } from './config.ts';
import type { AccessBase } from './decide.ts';
import { createHtpasswdAccess } from './htpasswd.ts';
import { openUserFile } from './htpasswd-file.ts';
import { createOpenAccess } from './none.ts';
import { createPasswords, type Passwords } from './passwords.ts';
import { createRules, plainRules } from './rules.ts';
import { createThrottle } from './throttle.ts';
import { createTokenAccess } from './token/access.ts';
import { createTokenIssuer } from './token/issue.ts';
import { openTrustedKeys } from './token/key-files.ts';
import { createTokenService } from './token/service.ts';
import { openSigningKey } from './token/signing-key.ts';
import { createTokenVerifier } from './token/verify.ts';

export interface OpenAccessOptions {
  readonly auth: AuthSection;
  readonly access: AccessSection;
  readonly log: Logger;
  /** Where clients find the registry, `https://hub.example`, if it is not the host that they ask for. */
  readonly host?: string | undefined;
  readonly clock?: Clock;
}

/** Where the registry's own token service answers. */
export const tokenPath = '/token';

const basicForEverybody =
  'docker asks for a login wherever auth.htpasswd is: for pulls without one by its users, use auth.token.builtin';

/**
 * The access controller of a configuration. Disposing of it writes out the audit log and ends the thread.
 * @throws invalid for files that cannot be read, or rules that are none.
 */
export async function openAccess(options: OpenAccessOptions): Promise<AccessController & AsyncDisposable> {
  const { auth, access, log } = options;
  const resources = new AsyncDisposableStack();
  try {
    const audit = access.audit ? resources.use(createAudit(appendTo(access.audit.path), log)) : noAudit;
    // Of a token server elsewhere the tokens alone decide, where there are no rules.
    const everybody = !auth.htpasswd && !auth.token?.builtin;
    const rules = access.rules
      ? createRules(access.rules, access.groups)
      : plainRules(everybody ? 'everybody' : 'users');
    if (auth.htpasswd && rules.lists(rules.identify(''))) log.warn(basicForEverybody);
    const base: AccessBase = { rules, audit, addressOf: createAddressOf(access.trustedproxies) };
    const controller = await openController(base, options, resources);
    const dispose = resources.move();
    return { ...controller, [Symbol.asyncDispose]: () => dispose.disposeAsync() };
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

async function openController(
  base: AccessBase,
  options: OpenAccessOptions,
  resources: AsyncDisposableStack,
): Promise<AccessController> {
  const { htpasswd, token } = options.auth;
  if (htpasswd) {
    const passwords = await openPasswords(htpasswd.path, options, resources);
    return createHtpasswdAccess(base, passwords, htpasswd.realm);
  }
  if (token?.builtin) {
    const passwords = await openPasswords(token.builtin.path, options, resources);
    return openBuiltin(base, token, token.builtin, passwords, options.host);
  }
  return token ? openExternal(base, token, options) : createOpenAccess(base);
}

async function openPasswords(
  file: string,
  { access, log, clock = systemClock }: OpenAccessOptions,
  resources: AsyncDisposableStack,
): Promise<Passwords> {
  const users = await openUserFile(file, log);
  const thread = resources.use(createBcryptThread());
  return createPasswords({
    users,
    compare: thread.compare,
    throttle: createThrottle({ clock, ...access.throttle }),
    clock,
  });
}

/** Tokens that this registry gives out itself. */
async function openBuiltin(
  base: AccessBase,
  section: TokenSection,
  { path, key: keyFile = `${path}.key`, expiration, refreshexpiration }: BuiltinSection,
  passwords: Passwords,
  host: string | undefined,
): Promise<AccessController> {
  const { service = 'registry', issuer: name = service } = section;
  const key = await openSigningKey(keyFile);
  const keys = async () => ({ byId: new Map([[key.id, key.publicKey]]), roots: [] });
  const hashOf = (user: string) => passwords.hashOf(user);
  const shared = { key, issuer: name, service, expiration, refreshExpiration: refreshexpiration, hashOf };
  const issuer = createTokenIssuer(shared);
  const login = createBasicLogin(base, passwords);
  const answer = createTokenService(base, { issuer, login, service });
  const controller = createTokenAccess(base, {
    verifier: createTokenVerifier({ keys, issuer: name, service, algorithms: ['ES256'] }),
    service,
    realm: (request) => section.realm ?? addressHere(request, tokenPath, host),
    stillKnown: async (user) => (await hashOf(user)) !== undefined,
    login,
  });
  return { ...controller, routes: { [tokenPath]: answer } };
}

/** Tokens of a server elsewhere. */
async function openExternal(
  base: AccessBase,
  section: TokenSection,
  { log, host }: OpenAccessOptions,
): Promise<AccessController> {
  const { service = '', issuer = '', signingalgorithms: algorithms, autoredirect, autoredirectpath } = section;
  const keys = await openTrustedKeys(section, log);
  const verifier = createTokenVerifier({ keys, issuer, service, algorithms });
  const realm = (request: IncomingMessage): string =>
    autoredirect ? addressHere(request, autoredirectpath, host, 'https') : (section.realm ?? '');
  return createTokenAccess(base, { verifier, service, realm });
}

/** A path of the host that a client spoke to, by the way it came; proxies that end TLS say so. */
function addressHere(request: IncomingMessage, path: string, host: string | undefined, scheme?: 'https'): string {
  if (host !== undefined) return host.replace(/\/$/, '') + path;
  const said = firstOf(request.headers['x-forwarded-host']) ?? request.headers.host ?? '';
  if (!/^[\w.:[\]-]+$/.test(said)) throw invalid('the request has no usable Host header');
  const secure = request.socket instanceof TLSSocket || firstOf(request.headers['x-forwarded-proto']) === 'https';
  return `${scheme ?? (secure ? 'https' : 'http')}://${said}${path}`;
}

/** What the proxy nearest to the client said. */
const firstOf = (header: string | string[] | undefined): string | undefined =>
  String(header ?? '')
    .split(',', 1)[0]
    ?.trim() || undefined;
