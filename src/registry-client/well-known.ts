import { defaultDomain } from '../formats/reference.ts';

/** Domains of image names whose registry answers under another host. */
export const apiHosts: Readonly<Record<string, string>> = { [defaultDomain]: 'registry-1.docker.io' };

/** The host of the default registry's index: the server of its search, and the old address of its logins. */
export const defaultIndexHost = `index.${defaultDomain}`;

/**
 * The domain that a server's address means: logins name a registry as `HOST[:PORT]`, with a scheme, or by the
 * address of an index (`https://HOST/v1/`). Empty for the default.
 */
export function domainOfServer(server: string): string {
  const host = server.replace(/^https?:\/\//, '').split('/', 1)[0] ?? '';
  return host === '' || host === defaultIndexHost || host === apiHosts[defaultDomain] ? defaultDomain : host;
}
