import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { invalid } from '../../base/errors.ts';
import type { AccessController, EventAction, Identity, OpenRepository } from '../contract.ts';
import { bodyStream } from './body.ts';

/** What the handlers of the API work with, the same for all requests. */
export interface Api {
  readonly open: OpenRepository;
  /** The name of the repository that a request means, which may say in `?ns=` whose it is. */
  readonly nameOf: (name: string, namespace: string | null) => string;
  readonly access: AccessController;
  /** Names of repositories behind one, of those that there are. */
  readonly repositories: (after: string | undefined, identity: Identity) => AsyncIterable<string>;
  readonly settings: ApiSettings;
}

export interface ApiSettings {
  /** `/`, or a path that begins and ends with a slash. */
  readonly prefix: string;
  /** `https://hub.example`, where the configuration says so. */
  readonly host: string | undefined;
  readonly relativeUrls: boolean;
  readonly deletes: boolean;
  readonly readOnly: boolean;
  readonly catalogLimit: number;
}

/** What happened, as the handler knows it; the server adds who, when and where. */
export interface Happening {
  readonly action: EventAction;
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  readonly tag?: string;
  readonly fromRepository?: string;
}

/** One request and its answer. */
export interface Exchange {
  readonly api: Api;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly identity: Identity;
  /** Tells the hooks. What changed is told before it is answered, so that no acknowledged push goes untold. */
  readonly happened: (happening: Happening) => void;
}

/** A header that a client sends once at most. */
export function header({ request }: Exchange, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Answers with JSON. */
export function answerJson({ response }: Exchange, value: unknown, headers: OutgoingHttpHeaders = {}): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  response.writeHead(200, { 'content-type': 'application/json', ...headers, 'content-length': body.length });
  response.end(body);
}

/** Answers without content. */
export function answerEmpty({ response }: Exchange, status: number, headers: OutgoingHttpHeaders = {}): void {
  response.writeHead(status, status === 204 ? headers : { ...headers, 'content-length': 0 });
  response.end();
}

/** The body, whole. @throws invalid with `tooLarge`'s code where it is larger than `limit` bytes. */
export async function readBody({ request }: Exchange, limit: number, tooLarge: string): Promise<Buffer> {
  const refuse = () => invalid(`the body is larger than ${limit} bytes`, { code: tooLarge });
  if (Number(request.headers['content-length'] ?? 0) > limit) throw refuse();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bodyStream(request)) {
    size += (chunk as Buffer).length;
    if (size > limit) throw refuse();
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/**
 * The address of a path below `/v2/` as the client can use it: with the scheme and host that it, or the proxy before
 * us, used, or those of the configuration.
 */
export function location(exchange: Exchange, path: string): string {
  const { settings } = exchange.api;
  const relative = `${settings.prefix}v2/${path}`;
  if (settings.relativeUrls) return relative;
  if (settings.host !== undefined) return settings.host.replace(/\/$/, '') + relative;
  const host = firstOf(header(exchange, 'x-forwarded-host')) ?? header(exchange, 'host');
  const secure = 'encrypted' in exchange.request.socket;
  const scheme = firstOf(header(exchange, 'x-forwarded-proto')) ?? (secure ? 'https' : 'http');
  return host === undefined || !/^https?$/.test(scheme) ? relative : `${scheme}://${host}${relative}`;
}

/** What the proxy nearest to the client said. */
const firstOf = (list: string | undefined): string | undefined => list?.split(',', 1)[0]?.trim() || undefined;
