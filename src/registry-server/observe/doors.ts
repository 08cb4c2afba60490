import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessController, Identity } from '../contract.ts';
import type { Health } from '../health/health.ts';
import { failureOf } from '../http/errors.ts';
import type { SideDoor } from '../http/server.ts';
import { expositionType, type MetricSet } from '../metrics/exposition.ts';
import type { SearchIndex } from '../search/index.ts';

/** What the doors tell of. */
export interface Told {
  readonly metrics: MetricSet;
  readonly health: Health;
  readonly search: SearchIndex;
  readonly access: AccessController;
  /** `http.prefix` of the configuration. */
  readonly prefix: string;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** What the registry answers besides its API, on its own address. */
export function openDoor(told: Told): SideDoor {
  const { metrics, health, search, access, prefix } = told;
  const handlers: Readonly<Record<string, Handler>> = {
    healthz: async (_request, response) => {
      const failing = Object.keys(health.failures());
      send(response, failing.length === 0 ? 200 : 503, { status: failing.length === 0 ? 'ok' : 'failing', failing });
    },
    metrics: async (request, response) => {
      await access.authorize(request, [{ repository: '', actions: ['admin'] }]);
      sendText(response, expositionType, metrics.text());
    },
    // the first thing that dockerd asks of a registry that it is to search
    'v1/_ping': async (_request, response) => send(response, 200, {}),
    'v1/search': async (request, response) => {
      const identity = await access.authorize(request, [{ repository: '', actions: ['pull'] }]);
      send(response, 200, searchPage(search, access, identity, queryOf(request)));
    },
  };
  return (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    const name = path.startsWith(prefix) ? path.slice(prefix.length) : '';
    const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
    if (handler === undefined || !(request.method === 'GET' || request.method === 'HEAD')) return false;
    handler(request, response).catch((error: unknown) => refuse(response, error));
    return true;
  };
}

/** What `http.debug` answers: health as CNCF distribution tells it, and metrics, to whoever reaches its address. */
export function debugListener(told: Pick<Told, 'metrics' | 'health'>, metricsPath: string | undefined) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url?.split('?', 1)[0];
    if (path === '/debug/health') {
      const failures = told.health.failures();
      send(response, Object.keys(failures).length === 0 ? 200 : 503, failures);
    } else if (path === metricsPath) sendText(response, expositionType, told.metrics.text());
    else response.writeHead(404).end();
  };
}

const queryOf = ({ url = '' }: IncomingMessage): URLSearchParams =>
  new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '');

const usual = 25;
const most = 100;

/** A page of Docker's first search API (`GET /v1/search?q=TERM&n=COUNT&page=PAGE`), of what the caller may see. */
function searchPage(search: SearchIndex, access: AccessController, identity: Identity, query: URLSearchParams) {
  const term = (query.get('q') ?? '').slice(0, 256);
  const size = Math.min(Math.max(Math.trunc(Number(query.get('n') ?? usual)) || usual, 1), most);
  const page = Math.max(Math.trunc(Number(query.get('page') ?? 1)) || 1, 1);
  const seen = search.search(term).filter(({ name }) => access.sees?.(identity, name) ?? true);
  const results = seen.slice((page - 1) * size, page * size).map(({ name, description }) => ({
    ...{ name, description, star_count: 0, is_official: false, is_automated: false },
  }));
  const counts = { num_pages: Math.ceil(seen.length / size), num_results: seen.length, page_size: size, page };
  return { ...counts, query: term, results };
}

function send(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}

function sendText(response: ServerResponse, type: string, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(200, { 'content-type': type, 'content-length': body.length }).end(body);
}

function refuse(response: ServerResponse, error: unknown): void {
  const { status, headers, body } = failureOf(error);
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
}
