import { TugError } from '../base/errors.ts';
import { defaultDomain, type Reference } from '../formats/reference.ts';
import type { Credentials } from './credentials.ts';
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
   * A repository at its own registry, and at the mirrors to try before it, in order and without credentials.
   * Nothing is connected yet.
   */
  repository(name: Pick<Reference, 'domain' | 'path'>, credentials?: Credentials): Places;
}

export interface Places {
  readonly own: Repository;
  readonly mirrors: readonly Repository[];
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
    repository(name, credentials) {
      const open = (at: Endpoint, mirror: boolean): Repository =>
        openRepository({ endpoint: at, transport, name, retry, credentials: mirror ? undefined : credentials });
      const used = name.domain === defaultDomain ? mirrors : [];
      return {
        own: open(endpoint(options.hosts?.[name.domain] ?? name.domain), false),
        mirrors: used.map(({ host, protocol }) => open(endpoint(host, protocol), true)),
      };
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
