import { invalid } from '../../base/errors.ts';
import type { ContainerService } from '../../containers/contract.ts';
import type { LogReadOptions } from '../../logs/contract.ts';
import type { Exchange, Reply } from '../http/exchange.ts';
import { isBelow } from '../http/versions.ts';
import { rawStreamType } from './attach.ts';
import { createLogEncoder } from './log-frames.ts';

/** `GET /containers/{id}/logs`. A slow client slows the reading down, never the container. */
export async function containerLogs(containers: ContainerService, exchange: Exchange): Promise<undefined> {
  const { query } = exchange;
  const options = readOptions(exchange);
  const { terminal, attributes, batches } = await containers.logs(exchange.param('id'), options, exchange.signal);
  const stream = exchange.begin(rawStreamType(exchange, terminal));
  const encode = createLogEncoder({
    terminal,
    joined: copiesBlindly(exchange.request.headers['user-agent']),
    timestamps: query.boolean('timestamps'),
    details: query.boolean('details') ? detailsText(attributes) : undefined,
  });
  if (options.follow) stream.flush();
  for await (const batch of batches) await stream.write(encode(batch));
  stream.end();
}

/** `DELETE /containers/{id}/logs`, tug's own: removes what was logged so far. */
export async function clearContainerLogs(containers: ContainerService, exchange: Exchange): Promise<Reply> {
  await containers.clearLog(exchange.param('id'));
  return { status: 204 };
}

/**
 * Whether the client copies the frames of a stream one after the other to its output, as the command lines do, and is
 * the faster the fewer there are. Libraries hand frames to programs that take each for a line.
 */
function copiesBlindly(agent: string | undefined): boolean {
  return /^(?:Docker-Client|tug)\//.test(agent ?? '');
}

/** `a=1,b=2` by name, with what would end them escaped, as Docker. */
function detailsText(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map((pair) => pair.map(queryEscape).join('='))
    .join(',');
}

/** As Go's url.QueryEscape. */
const queryEscape = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');

function readOptions({ query, version }: Exchange): LogReadOptions {
  const stdout = query.boolean('stdout');
  const stderr = query.boolean('stderr');
  if (!stdout && !stderr) throw invalid('Bad parameters: you must choose at least one stream');
  const since = query.timestamp('since');
  const until = isBelow(version, '1.35') ? undefined : query.timestamp('until');
  const tail = parseTail(query.text('tail'));
  return {
    stdout,
    stderr,
    follow: query.boolean('follow'),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(tail === undefined ? {} : { tail }),
  };
}

/** A count of lines; "all", a negative number and anything else mean all of them, as in Docker. */
function parseTail(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
