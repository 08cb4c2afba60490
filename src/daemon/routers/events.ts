import type { EventMessage } from '../../api/types/event.ts';
import { invalid } from '../../base/errors.ts';
import type { EventBus } from '../../events/contract.ts';
import { createEventFilter } from '../../events/filters.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Handlers } from '../http/router.ts';
import { adaptReply } from '../http/version-adapters.ts';
import { isBelow } from '../http/versions.ts';

/** Bytes kept for a client that does not read; beyond it the client is cut off. */
const bound = 16 * 1024 * 1024;
/** Events kept for a client that is still reading the history; one that reads no further is cut off. */
const mostHeld = 10_000;
const forever = (1n << 63n) - 1n;
/** The longest delay that timers take, in milliseconds. */
const longestDelay = 2 ** 31 - 1;

export function eventRoutes(events: EventBus): Handlers {
  return { SystemEvents: (exchange) => streamEvents(events, exchange) };
}

/** `GET /events`: what is kept since `since`, then what comes, until `until` or the client leaves. */
async function streamEvents(events: EventBus, exchange: Exchange): Promise<undefined> {
  const { query, signal } = exchange;
  const since = query.timestamp('since');
  const until = query.timestamp('until');
  if (since !== undefined && until !== undefined && since > until) {
    throw invalid(`\`since\` time (${query.text('since')}) cannot be after \`until\` time (${query.text('until')})`);
  }
  const matches = createEventFilter(query.filters());
  const format = lineFormat(exchange);
  const { response, ...stream } = exchange.begin(format.contentType);
  const send = async (event: EventMessage): Promise<void> => {
    if (!matches(event)) return;
    if (response.writableLength > bound) response.destroy();
    else await stream.write(format.line(JSON.stringify(adaptReply(exchange, event))));
  };
  const sendLive = (event: EventMessage): void => void send(event).catch(() => {}); // the signal tells of who left
  stream.flush();
  let held: EventMessage[] | undefined = since === undefined ? undefined : [];
  using _subscription = events.subscribe((event) => {
    if (!held) sendLive(event);
    else if (held.length < mostHeld) held.push(event);
    else response.destroy();
  });
  if (since !== undefined) for await (const event of events.past(since, until ?? forever)) await send(event);
  for (const event of held ?? []) sendLive(event);
  held = undefined;
  await ended(signal, until);
  response.end();
  return undefined;
}

/** Resolves at `until`, at once if that is past, or when the client is gone. */
function ended(signal: AbortSignal, until: bigint | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const left = until === undefined ? longestDelay : Number(until / 1_000_000n) - Date.now();
    if (left <= 0) resolve();
    else timer = setTimeout(wait, Math.min(left, longestDelay));
  };
  if (until !== undefined) wait();
  signal.addEventListener('abort', () => resolve());
  if (signal.aborted) resolve();
  return promise.finally(() => clearTimeout(timer));
}

/** The lines' form: by `Accept` since 1.52, plain JSON before. */
function lineFormat({ request, version }: Exchange): { contentType: string; line: (json: string) => string } {
  const accept = request.headers.accept ?? '';
  if (isBelow(version, '1.52')) return { contentType: 'application/json', line: (json) => `${json}\n` };
  if (accept.includes('application/json-seq')) {
    return { contentType: 'application/json-seq', line: (json) => `\x1e${json}\n` };
  }
  const ndjson = accept.includes('application/x-ndjson') && !accept.includes('application/jsonl');
  return { contentType: ndjson ? 'application/x-ndjson' : 'application/jsonl', line: (json) => `${json}\n` };
}
