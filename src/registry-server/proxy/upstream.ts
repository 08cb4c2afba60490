import { isKind, notFound, TugError } from '../../base/errors.ts';
import { connectEndpoint, type Endpoint } from '../../registry-client/endpoint.ts';
import { openRepository, type Repository as RemoteRepository } from '../../registry-client/repository.ts';
import type { RetryPolicy } from '../../registry-client/retry.ts';
import type { Transport } from '../../registry-client/transport.ts';
import type { Proxied } from './names.ts';

/** Opens repositories of upstreams; connections and tokens are kept between calls. */
export interface Upstreams {
  open(proxied: Proxied): RemoteRepository;
}

/** Tokens are kept for so many repositories, those opened last. */
const mostOpen = 1000;

export function createUpstreams(transport: Transport, retry: RetryPolicy): Upstreams {
  const endpoints = new Map<string, Endpoint>();
  const repositories = new Map<string, RemoteRepository>();
  const endpointOf = (url: URL): Endpoint => {
    const known = endpoints.get(url.origin);
    if (known) return known;
    const made = connectEndpoint(transport, url.host, url.protocol === 'http:' ? 'http:' : 'https:');
    endpoints.set(url.origin, made);
    return made;
  };
  return {
    open({ upstream, remoteName }) {
      const key = `${upstream.prefix} ${remoteName}`;
      const opened =
        repositories.get(key) ??
        openRepository({
          ...{ transport, retry, credentials: upstream.credentials },
          endpoint: endpointOf(upstream.url),
          name: { domain: upstream.url.host, path: remoteName },
        });
      repositories.delete(key);
      repositories.set(key, opened);
      if (repositories.size > mostOpen)
        for (const oldest of repositories.keys()) {
          repositories.delete(oldest);
          break;
        }
      return opened;
    },
  };
}

/** True for what may be otherwise in a while: the upstream does not answer, or not as it should. */
export const isAway = (error: unknown): boolean => isKind(error, 'unavailable') || isKind(error, 'cancelled');

/**
 * What an upstream's refusal means for somebody who asks this registry. That the upstream wants another login is
 * nothing that they can mend.
 */
export function asAnswer(error: unknown, host: string): unknown {
  if (!(error instanceof TugError)) return error;
  if (error.kind === 'not-found') {
    const code = error.code === 'repository-unknown' || error.code === 'pull-denied' ? 'name-unknown' : error.code;
    return notFound(error.message, { code, cause: error });
  }
  if (error.kind === 'unauthorized' || error.kind === 'forbidden') {
    const text = `the upstream registry ${host} does not take this registry's login: ${error.message}`;
    return new TugError('unavailable', text, { code: 'upstream-login', cause: error });
  }
  if (error.kind === 'invalid' || error.kind === 'cancelled') {
    const text = `the upstream registry ${host} cannot be used now: ${error.message}`;
    return new TugError('unavailable', text, { code: 'upstream-failed', cause: error });
  }
  return error;
}
