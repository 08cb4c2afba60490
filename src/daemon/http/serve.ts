import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { apiVersion } from '../../api/version.ts';
import { errnoOf, internal, invalid, notFound, TugError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { tugVersion } from '../../base/version.ts';
import { bodyLimit, checkBody, readBody, readJson } from './decode.ts';
import { errorAnswer } from './errors-to-http.ts';
import type { Exchange } from './exchange.ts';
import { answerOn, type HijackedStream } from './hijack.ts';
import { parseQuery } from './query.ts';
import { responseStream } from './response-stream.ts';
import type { Match, Router } from './router.ts';
import { adaptReply, adaptRequest } from './version-adapters.ts';
import { type ApiVersion, newestVersion, parseVersion } from './versions.ts';

/** Headers that every answer has, as alternating names and values. */
export const commonHeaders: readonly string[] = Object.entries({
  'Api-Version': apiVersion,
  'Docker-Experimental': 'false',
  Ostype: 'linux',
  Server: `tug/${tugVersion} (linux)`,
}).flat();

/** Where the answer goes: an ordinary response, or a connection that came by an upgrade request. */
export interface Connection {
  readonly response: ServerResponse | undefined;
  hijack(): HijackedStream;
  /** Called when the request has become a stream, which may last; may be called more than once. */
  streams(): void;
}

/** What became of the connection while a handler ran. */
interface Answer {
  readonly response: ServerResponse | undefined;
  taken: HijackedStream | undefined;
}

/** Serves one request to its end. Never rejects. */
export async function serve(router: Router, log: Logger, request: IncomingMessage, to: Connection): Promise<void> {
  const answer: Answer = { response: to.response, taken: undefined };
  try {
    const { match, version, search } = locate(router, request);
    const exchange = createExchange(request, to, answer, { match, version, search });
    const reply = await match.handler(exchange);
    if (!reply) return;
    if (reply.body === undefined) send(to, answer, reply.status, undefined);
    else send(to, answer, reply.status, adaptReply(exchange, reply.body));
  } catch (thrown) {
    const error = isBreakOff(thrown) && request.socket.destroyed ? clientGone(thrown) : thrown;
    const { status, body } = errorAnswer(error, log, `${request.method} ${request.url?.slice(0, 200)}`);
    send(to, answer, status, body);
  }
}

/** What streams say when the connection under them goes away, by the moment at which it does. */
const breakOffCodes: ReadonlySet<string | undefined> = new Set([
  ...['ECONNRESET', 'EPIPE', 'ECANCELED', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_UNABLE_TO_PIPE'],
  'ERR_STREAM_DESTROYED',
]);

/** What streams and signals throw when the connection under them goes away. */
const isBreakOff = (thrown: unknown): boolean =>
  thrown instanceof Error && (thrown.name === 'AbortError' || breakOffCodes.has(errnoOf(thrown)));

const clientGone = (cause: unknown): TugError => new TugError('cancelled', 'the client went away', { cause });

interface Located {
  readonly match: Match;
  readonly version: ApiVersion;
  readonly search: string;
}

const pageNotFound = notFound('page not found');

/** Finds the page of a request. @throws not-found "page not found", invalid for a version that is not served. */
function locate(router: Router, request: IncomingMessage): Located {
  // As Go's server, and RFC 9112, 3.2, has it.
  if (request.httpVersion === '1.1' && request.headers.host === undefined)
    throw invalid('missing required Host header');
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  const search = mark < 0 ? '' : url.slice(mark + 1);
  let path = mark < 0 ? url : url.slice(0, mark);
  const prefix = /^\/v([0-9.]+)(?=\/)/.exec(path);
  if (prefix) path = path.slice(prefix[0].length);
  const match = router.find(request.method ?? 'GET', path);
  if (!match) throw pageNotFound;
  return { match, version: prefix ? parseVersion(prefix[1]!) : newestVersion, search };
}

function createExchange(request: IncomingMessage, to: Connection, answer: Answer, located: Located): Exchange {
  const { match, version } = located;
  const query = parseQuery(located.search);
  let aborter: AbortController | undefined;
  return {
    route: match.name,
    version,
    query,
    request,
    get signal() {
      aborter ??= abortWhenGone(request, to.response);
      return aborter.signal;
    },
    param(name) {
      const value = match.params[name];
      if (value === undefined) throw internal(`the route ${match.name} has no parameter ${name}`);
      return value;
    },
    async body(schema, options = {}) {
      const given = (await readJson(request)) ?? options.empty;
      if (given === undefined)
        throw invalid(options.emptyMessage ?? 'invalid JSON: got EOF while reading request body');
      return checkBody(schema, given, (body) => adaptRequest(match.name, version, body));
    },
    begin(contentType, status = 200) {
      if (!to.response) throw internal(`${match.name} begins an ordinary response on an upgraded connection`);
      to.streams();
      return responseStream(to.response, [...commonHeaders, 'Content-Type', contentType], status);
    },
    async hijack() {
      if (Number(request.headers['content-length'] ?? 0) > 0 && !request.readableEnded)
        await readBody(request, bodyLimit);
      // While a head is being parsed its handler runs already; at its end the parser sets the connection flowing, and
      // without a listener input would be lost.
      else if (to.response && !request.complete) await setImmediate();
      to.streams();
      answer.taken = to.hijack();
      return answer.taken;
    },
  };
}

/** Aborts when the connection closes before the answer is complete. */
function abortWhenGone(request: IncomingMessage, response: ServerResponse | undefined): AbortController {
  const aborter = new AbortController();
  if (response) {
    const check = (): void => {
      if (!response.writableFinished) aborter.abort();
    };
    if (response.destroyed) check();
    else response.once('close', check);
  } else if (request.socket.destroyed) aborter.abort();
  else request.socket.once('close', () => aborter.abort());
  return aborter;
}

/** Sends a whole answer with the means that are left: nothing can be said once a stream has begun. */
function send(to: Connection, answer: Answer, status: number, body: unknown): void {
  const text = body === undefined ? '' : `${JSON.stringify(body)}\n`;
  const headers = body === undefined ? commonHeaders : [...commonHeaders, 'Content-Type', 'application/json'];
  const stream = answer.taken ?? (to.response ? undefined : to.hijack());
  if (stream) {
    if (stream.accepted) stream.socket.end();
    else answerOn(stream.socket, status, headers, text);
    return;
  }
  const response = to.response!;
  if (response.headersSent) {
    response.destroy(); // cut off, so that the client cannot take what it got for the whole
    return;
  }
  if (text !== '') {
    const bytes = Buffer.from(text);
    // Node puts a short text and the head into one write; a long one it would encode again, and more slowly
    const body = bytes.length < 16_384 ? text : bytes;
    response.writeHead(status, [...headers, 'Content-Length', String(bytes.length)]).end(body);
  } else
    response
      .writeHead(
        status,
        status >= 200 && status !== 204 && status !== 304 ? [...headers, 'Content-Length', '0'] : [...headers],
      )
      .end();
}
