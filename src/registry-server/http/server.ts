import { randomUUID } from 'node:crypto';
import type * as http from 'node:http';
import type { Logger } from '../../base/log.ts';
import type { Identity, RegistryEvent, RegistryHooks } from '../contract.ts';
import { answer } from './answer.ts';
import type { Api, Happening } from './exchange.ts';

export interface ServerOptions {
  readonly api: Api;
  readonly hooks: readonly RegistryHooks[];
  readonly log: Logger;
  /** On every answer. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

/** Answers before the API does, for what is no part of it (`/metrics`, `/healthz`, `/token`); true where it has. */
export type SideDoor = (request: http.IncomingMessage, response: http.ServerResponse) => boolean;

/** The listener of requests, for any kind of server. */
export function requestListener(options: ServerOptions, sideDoors: readonly SideDoor[] = []): http.RequestListener {
  const fixed: [string, readonly string[]][] = [
    ['Docker-Distribution-Api-Version', ['registry/2.0']],
    ...Object.entries(options.headers),
  ];
  return (request, response) => {
    for (const [name, values] of fixed) response.setHeader(name, values);
    if (sideDoors.some((door) => door(request, response))) return;
    void watch(options, request, response);
  };
}

async function watch(
  options: ServerOptions,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const id = randomUUID();
  const started = performance.now();
  const addr = `${request.socket.remoteAddress ?? ''}:${request.socket.remotePort ?? ''}`;
  const [readBefore, writtenBefore] = [request.socket.bytesRead, request.socket.bytesWritten];
  const outcome = await answer(options.api, request, response, (happening, repository, identity) => {
    const event = eventOf(happening, { repository, identity }, request, { id, addr });
    for (const hook of options.hooks) tell(options.log, () => hook.event(event));
  });
  if (outcome.fault !== undefined) {
    options.log.error('request failed', { id, method: request.method, path: request.url, error: outcome.fault });
  }
  const finished = (): void => {
    const { socket } = request;
    const sized = Number(response.getHeader('content-length') ?? 0);
    const bytesOut =
      request.method !== 'HEAD' && response.writableFinished ? sized : socket.bytesWritten - writtenBefore;
    const record = {
      ...{ id, addr, user: outcome.identity.name, route: outcome.route, status: response.statusCode },
      ...{ method: request.method ?? '', path: request.url ?? '', agent: request.headers['user-agent'] ?? '' },
      ...{ bytesIn: socket.bytesRead - readBefore, bytesOut: Math.max(bytesOut, 0) },
      seconds: (performance.now() - started) / 1000,
    };
    for (const hook of options.hooks) tell(options.log, () => hook.request(record));
  };
  if (response.writableFinished || response.destroyed) finished();
  else response.once('close', finished);
}

/** What a watcher throws is its own affair. */
function tell(log: Logger, work: () => void): void {
  try {
    work();
  } catch (error) {
    log.error('telling of a request failed', { error });
  }
}

function eventOf(
  { action, digest, mediaType, size, tag, fromRepository }: Happening,
  { repository, identity }: { readonly repository: string; readonly identity: Identity },
  request: http.IncomingMessage,
  { id, addr }: { id: string; addr: string },
): RegistryEvent {
  const { host = '', 'user-agent': useragent = '' } = request.headers;
  const scheme = 'encrypted' in request.socket ? 'https' : 'http';
  const kind = mediaType === 'application/octet-stream' ? 'blobs' : 'manifests';
  return {
    id: randomUUID(),
    timestamp: new Date().toISOString(),
    action,
    target: {
      ...{ mediaType, size, digest, length: size, repository },
      url: `${scheme}://${host}/v2/${repository}/${kind}/${digest}`,
      ...(tag === undefined ? {} : { tag }),
      ...(fromRepository === undefined ? {} : { fromRepository }),
    },
    request: { id, addr, host, method: request.method ?? '', useragent },
    actor: identity.name === '' ? {} : { name: identity.name },
  };
}
