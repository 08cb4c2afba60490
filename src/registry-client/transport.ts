import * as http from 'node:http';
import * as https from 'node:https';
import type { Readable } from 'node:stream';
import { asTugError, TugError } from '../base/errors.ts';
import { tugVersion } from '../base/version.ts';
import { secureContextFor } from './certificates.ts';
import { connectionError } from './errors.ts';
import { type InsecurePolicy, insecurePolicy, isLoopback } from './insecure.ts';

export interface TransportOptions {
  /** Docker's `insecure-registries`. Loopback is always one of them. */
  readonly insecureRegistries?: readonly string[];
  /** Folders laid out as Docker's `certs.d`. */
  readonly certificateFolders?: readonly string[];
  /** Where `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are read; no proxy without it. Loopback is never proxied. */
  readonly proxyEnv?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds until a connection must stand, TLS included. */
  readonly connectTimeout?: number;
  /** Milliseconds without a byte after which a connection is given up. */
  readonly idleTimeout?: number;
}

/** A body that is opened when it is sent, and again when the request is sent again. */
export interface StreamedBody {
  /** Bytes: what `open` gives is exactly that long. */
  readonly size: number;
  open(): Readable;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | StreamedBody;
  readonly signal: AbortSignal;
  /** Milliseconds of silence to bear, where the answer takes long; the transport's `idleTimeout` without. */
  readonly patience?: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Where the answer came from: differs from the request's after a redirect. */
  readonly url: URL;
  /** Must be read to its end or destroyed. */
  readonly body: http.IncomingMessage;
}

/** Sends single HTTP requests, keeps connections open between them. Redirects and credentials are not its business. */
export interface Transport extends Disposable {
  readonly isInsecure: InsecurePolicy;
  /** @throws unavailable with the codes of `connectionError`; cancelled when the signal fires. */
  send(request: HttpRequest): Promise<HttpResponse>;
}

/** A transport with its own connections. Disposing it closes the idle ones. */
export function createTransport(options: TransportOptions = {}): Transport {
  const isInsecure = insecurePolicy(options.insecureRegistries ?? []);
  const plain = agentFor(http.Agent, options.proxyEnv);
  const secure = new Map<string, Promise<https.Agent>>();
  const secureAgent = (host: string): Promise<https.Agent> => {
    let agent = secure.get(host);
    if (!agent) {
      agent = makeSecureAgent(host, isInsecure, options);
      agent.catch(() => secure.delete(host)); // a repaired certificate folder is read again
      secure.set(host, agent);
    }
    return agent;
  };
  return {
    isInsecure,
    async send(request) {
      const { host, protocol } = request.url;
      if (protocol !== 'https:') return sendOnce(request, plain(host), options);
      const agent = await secureAgent(host);
      try {
        return await sendOnce(request, agent, options);
      } catch (error) {
        // Its CA may be put in place by the next try, which is to see it.
        if (error instanceof TugError && ofCertificates.has(error.code)) secure.delete(host);
        throw error;
      }
    },
    [Symbol.dispose]: () => {
      plain.dispose();
      for (const agent of secure.values()) agent.then((made) => made.destroy()).catch(() => {});
    },
  };
}

/** Faults that another look at the certificates may mend. */
const ofCertificates = new Set(['registry-untrusted', 'registry-wants-certificate']);

type Agents = ((host: string) => http.Agent) & { dispose(): void };

function agentFor(kind: typeof http.Agent, proxyEnv: TransportOptions['proxyEnv']): Agents {
  const direct = new kind({ keepAlive: true });
  const proxied = proxyEnv ? new kind({ keepAlive: true, proxyEnv }) : direct;
  const pick = (host: string): http.Agent => (isLoopback(host) ? direct : proxied);
  return Object.assign(pick, {
    dispose: () => {
      direct.destroy();
      proxied.destroy();
    },
  });
}

async function makeSecureAgent(host: string, isInsecure: InsecurePolicy, options: TransportOptions) {
  const verify = !(await isInsecure(host));
  const proxyEnv = isLoopback(host) ? undefined : options.proxyEnv;
  return new https.Agent({
    keepAlive: true,
    rejectUnauthorized: verify,
    secureContext: await secureContextFor(host, options.certificateFolders ?? [], verify),
    ...(proxyEnv ? { proxyEnv } : {}),
  });
}

function sendOnce(request: HttpRequest, agent: http.Agent, options: TransportOptions): Promise<HttpResponse> {
  const { url, signal } = request;
  return new Promise((resolve, reject) => {
    const refuse = (error: unknown): void => {
      if (signal.aborted) reject(cancelled(signal));
      else reject(error instanceof TugError ? error : connectionError(error, url));
    };
    const module = url.protocol === 'https:' ? https : http;
    const headers = { 'user-agent': `tug/${tugVersion}`, ...lengthOf(request.body), ...request.headers };
    const outgoing = module.request(url, { method: request.method, headers, agent, signal });
    boundTimes(outgoing, url, { ...options, idleTimeout: request.patience ?? options.idleTimeout ?? 60_000 });
    outgoing.on('error', refuse);
    outgoing.on('response', (body) => {
      // An answer before the whole body was sent ends the sending, and the connection with it.
      if (!outgoing.writableEnded) body.once('close', () => outgoing.destroy());
      resolve({ status: body.statusCode ?? 0, headers: body.headers, url, body });
    });
    sendBody(outgoing, request.body);
  });
}

function lengthOf(body: HttpRequest['body']): Record<string, string> {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) return {};
  return { 'content-length': String(body.size) };
}

function sendBody(outgoing: http.ClientRequest, body: HttpRequest['body']): void {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
    outgoing.end(body);
    return;
  }
  const source = body.open();
  source.on('error', (error) => outgoing.destroy(asTugError(error)));
  outgoing.once('close', () => source.destroy());
  outgoing.once('response', () => outgoing.writableEnded || source.destroy());
  source.pipe(outgoing);
}

/** Ends a request whose connection does not come to stand, or falls silent. */
function boundTimes(outgoing: http.ClientRequest, url: URL, options: TransportOptions): void {
  const connectTimeout = options.connectTimeout ?? 30_000;
  const idleTimeout = options.idleTimeout ?? 60_000;
  const giveUp = (milliseconds: number, what: string): void =>
    void outgoing.destroy(timeoutError(url, `${what} within ${milliseconds / 1000} s`));
  const connecting = setTimeout(giveUp, connectTimeout, connectTimeout, 'could not be connected to');
  outgoing.on('socket', (socket) => {
    const standing = url.protocol === 'https:' ? 'secureConnect' : 'connect';
    if (socket.connecting) socket.once(standing, () => clearTimeout(connecting));
    else clearTimeout(connecting);
  });
  outgoing.on('close', () => clearTimeout(connecting));
  outgoing.setTimeout(idleTimeout, () => giveUp(idleTimeout, 'sent nothing'));
}

function timeoutError(url: URL, what: string): TugError {
  return new TugError('unavailable', `registry ${url.host} ${what}: try again later, or check the network`, {
    code: 'registry-timeout',
  });
}

/** What an aborted operation throws. */
export function cancelled(signal: AbortSignal): TugError {
  if (signal.reason instanceof TugError) return signal.reason;
  return new TugError('cancelled', 'the operation was cancelled', { cause: signal.reason });
}
