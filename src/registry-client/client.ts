import { TugError } from '../base/errors.ts';
import { defaultDomain, type Reference } from '../formats/reference.ts';
import type { Credentials } from './auth.ts';
import { connectEndpoint, type Endpoint } from './endpoint.ts';
import { openRepository, type Repository } from './repository.ts';
import { defaultRetryPolicy, type RetryPolicy } from './retry.ts';
import { createTransport, type TransportOptions } from './transport.ts';

export interface RegistryClientOptions extends TransportOptions {
  /** Docker's `registry-mirrors`: addresses tried before the default domain's own registry. */
  readonly mirrors?: readonly string[];
  /** Domains whose registry answers under another host: domain to `host[:port]`. */
  readonly hosts?: Readonly<Record<string, string>>;
  readonly retry?: RetryPolicy;
}

/** The engine's way out to registries. Keeps connections; holds no credentials. */
export interface RegistryClient extends Disposable {
  readonly retry: RetryPolicy;
  /**
   * A repository's places in the order to try them: mirrors first, without credentials, then its registry.
   * Nothing is connected yet.
   */
  repositories(name: Pick<Reference, 'domain' | 'path'>, credentials?: Credentials): Repository[];
}

/** @throws invalid for a malformed mirror or insecure registry. */
export function createRegistryClient(options: RegistryClientOptions = {}): RegistryClient {
  const transport = createTransport(options);
  const mirrors = (options.mirrors ?? []).map(parseMirror);
  const endpoints = new Map<string, Endpoint>();
  const endpoint = (host: string, fixed?: 'http:' | 'https:'): Endpoint => {
    const key = `${fixed ?? ''}${host}`;
    const known = endpoints.get(key) ?? connectEndpoint(transport, host, fixed);
    endpoints.set(key, known);
    return known;
  };
  const retry = options.retry ?? defaultRetryPolicy;
  return {
    retry,
    repositories(name, credentials) {
      const own = endpoint(options.hosts?.[name.domain] ?? name.domain);
      const used = name.domain === defaultDomain ? mirrors : [];
      return [
        ...used.map(({ host, protocol }) => {
          const at = endpoint(host, protocol);
          return openRepository({ endpoint: at, transport, name, retry, credentials: undefined, mirror: true });
        }),
        openRepository({ endpoint: own, transport, name, retry, credentials, mirror: false }),
      ];
    },
    [Symbol.dispose]: () => transport[Symbol.dispose](),
  };
}

function parseMirror(text: string): { host: string; protocol: 'http:' | 'https:' } {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash || url.pathname !== '/') {
    throw new TugError(
      'invalid',
      `invalid mirror: ${JSON.stringify(text)} must be http(s)://HOST[:PORT] without a path`,
    );
  }
  return { host: url.host, protocol: url.protocol as 'http:' | 'https:' };
}
