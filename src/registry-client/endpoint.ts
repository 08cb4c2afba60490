import { TugError } from '../base/errors.ts';
import { sendFollowing } from './redirects.ts';
import type { HttpRequest, HttpResponse, Transport } from './transport.ts';

/** One registry host, with the protocol it was found to speak. */
export interface Endpoint {
  readonly host: string;
  /** Sends to `/v2/PATH` there, or to a whole address, and follows redirects. `origin` of the answer says where the registry itself is. */
  send(path: string, request: Omit<HttpRequest, 'url'>): Promise<HttpResponse & { origin: string }>;
}

/**
 * A registry's endpoint. It is spoken to over TLS; one that the insecure policy names is asked over TLS first and
 * over plain HTTP when that cannot be set up. What worked is remembered until a connection fails.
 */
export function connectEndpoint(transport: Transport, host: string, fixed?: 'http:' | 'https:'): Endpoint {
  let remembered = fixed;
  const attempt = async (protocol: 'http:' | 'https:', path: string, request: Omit<HttpRequest, 'url'>) => {
    const base = URL.parse(`${protocol}//${host}/v2/`);
    if (base === null) throw new TugError('invalid', `invalid registry address ${JSON.stringify(host)}`);
    const url = new URL(path, base);
    const answer = await sendFollowing(transport, { ...request, url });
    if (url.origin === base.origin) remembered = protocol;
    return { ...answer, origin: base.origin };
  };
  return {
    host,
    async send(path, request) {
      const tried = remembered; // requests at the same time may change it
      try {
        return await attempt(tried ?? 'https:', path, request);
      } catch (error) {
        if (fixed || !isUnreachable(error)) throw error;
        if (tried !== undefined) {
          if (remembered === tried) remembered = undefined;
          throw error;
        }
        if (!(await transport.isInsecure(host))) throw error;
      }
      return attempt('http:', path, request);
    },
  };
}

function isUnreachable(error: unknown): boolean {
  return error instanceof TugError && error.kind === 'unavailable' && error.code !== 'registry-redirect';
}
