import type { IncomingMessage, ServerResponse } from 'node:http';
import { notFound, TugError, unsupported } from '../../base/errors.ts';
import { type Operation, operations } from '../api/routes.ts';
import type { Identity, Wanted } from '../contract.ts';
import { drainBody } from './body.ts';
import { failureOf } from './errors.ts';
import type { Api, Exchange, Happening } from './exchange.ts';
import { matchPath, type Target } from './routes.ts';

/** How a request ended, for those who watch. */
export interface Outcome {
  readonly route: string;
  readonly identity: Identity;
  /** What went wrong on the registry's side. */
  readonly fault: unknown;
}

const nobody: Identity = { name: '', groups: [] };

/** Told of what happened in a repository, and by whom. */
export type Told = (happening: Happening, repository: string, identity: Identity) => void;

/** Answers one request of the API. Never throws: what fails is answered, or the connection is cut where it has begun. */
export async function answer(
  api: Api,
  request: IncomingMessage,
  response: ServerResponse,
  told: Told,
): Promise<Outcome> {
  let [target, identity, fault]: [Target | undefined, Identity, unknown] = [undefined, nobody, undefined];
  try {
    const { pathname, query } = splitUrl(request.url ?? '/');
    target = meant(api, matchPath(pathname, api.settings.prefix), query.get('ns'));
    if (target === undefined) throw notFound('page not found');
    const operation = operationFor(api, target, request.method ?? 'GET');
    identity = await api.access.authorize(request, wantedOf(target, operation));
    const [repository, user] = [nameOf(target), identity];
    const happened = (happening: Happening): void => told(happening, repository, user);
    const exchange: Exchange = { api, request, response, query, identity, happened };
    await operation.run(exchange, repository, 'reference' in target ? target.reference : '');
  } catch (error) {
    fault = await fail(request, response, error);
  }
  return { route: target?.kind ?? 'other', identity, fault };
}

/** The target itself, of the repository that is meant. */
function meant(api: Api, target: Target | undefined, namespace: string | null): Target | undefined {
  return target && 'name' in target ? { ...target, name: api.nameOf(target.name, namespace) } : target;
}

const nameOf = (target: Target): string => ('name' in target ? target.name : '');

/** Without `URL`, which would resolve what looks like a way up. */
function splitUrl(url: string): { pathname: string; query: URLSearchParams } {
  const mark = url.indexOf('?');
  const pathname = mark < 0 ? url : url.slice(0, mark);
  return { pathname, query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)) };
}

function operationFor({ settings }: Api, target: Target, method: string): Operation {
  const methods = operations[target.kind];
  const operation = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (operation === undefined) {
    throw unsupported(`${method} is not possible here`, { details: { allow: Object.keys(methods).join(', ') } });
  }
  if (operation.writes && settings.readOnly) throw unsupported('the registry is read-only for maintenance');
  if (operation.deletes && !settings.deletes) {
    throw unsupported('deleting is not enabled in this registry (storage.delete.enabled)');
  }
  return operation;
}

const wantedOf = (target: Target, { actions }: Operation): Wanted[] =>
  actions.length === 0 ? [] : [{ repository: nameOf(target), actions }];

/** Returns what is a fault of the registry's own, and is to be told in its log. */
async function fail(request: IncomingMessage, response: ServerResponse, error: unknown): Promise<unknown> {
  const left = request.destroyed && !request.complete;
  if (response.headersSent || left) {
    response.destroy();
    return left || isDisconnect(error) ? undefined : error;
  }
  const { status, headers, body, grave } = failureOf(error);
  const length = Buffer.byteLength(body);
  response.writeHead(status, { ...headers, 'content-length': length });
  if (!request.complete) {
    response.write(body);
    await drainBody(request);
    response.end();
  } else response.end(request.method === 'HEAD' ? undefined : body);
  return grave ? error : undefined;
}

/** The client went away while it was answered. */
function isDisconnect(error: unknown): boolean {
  if (error instanceof TugError) return error.kind === 'cancelled';
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || code === 'EPIPE' || code === 'ABORT_ERR';
}
