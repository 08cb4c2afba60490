import { type Clock, waitOn } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { discardBody } from '../../registry-client/body.ts';
import type { Transport } from '../../registry-client/transport.ts';
import { envelope, envelopeType, signature } from './envelope.ts';
import type { EventQueue } from './queue.ts';
import type { EndpointSettings } from './settings.ts';

/** What became of the tries to deliver, for the metrics. */
export interface DeliveryCounts {
  /** Events taken by the receiver. */
  successes: number;
  /** Events in answers other than 2xx and 3xx. */
  failures: number;
  /** Events that could not be sent at all. */
  errors: number;
  /** Tries by the status of their answer. */
  readonly statuses: Map<number, number>;
}

export interface DeliveryOptions {
  readonly endpoint: EndpointSettings;
  readonly queue: EventQueue;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Brings what is queued to one receiver, in order, until it is closed. */
export interface Delivery {
  readonly counts: DeliveryCounts;
  /** There is something new in the queue. */
  wake(): void;
  /** Waits for the try that runs, two seconds at most; what was not taken stays in the queue. */
  close(): Promise<void>;
}

/** Events of one envelope at most. */
const most = 50;
const firstPause = 100;
const longestPause = 60_000;
/** Milliseconds that a try may go on after the end. */
const lastTry = 2000;

/**
 * Begins delivering. An answer of 2xx or 3xx takes a delivery; anything else is tried again for as long as the events
 * are in the queue: at once but for a short pause up to the threshold, then after `backoff`, doubled with each further
 * failure up to a minute. Killed behind an answer, the next server delivers the same events again.
 */
export function startDelivery(options: DeliveryOptions): Delivery {
  const counts: DeliveryCounts = { successes: 0, failures: 0, errors: 0, statuses: new Map() };
  const ending = new AbortController();
  const cut = new AbortController();
  const bell = createBell();
  const running = deliverAll(options, { counts, signal: ending.signal, cut: cut.signal, bell });
  return {
    counts,
    wake: bell.ring,
    async close() {
      ending.abort();
      bell.ring();
      const late = setTimeout(() => cut.abort(), lastTry);
      await running;
      clearTimeout(late);
    },
  };
}

interface Run {
  readonly counts: DeliveryCounts;
  /** No further try. */
  readonly signal: AbortSignal;
  /** Ends the one that runs. */
  readonly cut: AbortSignal;
  readonly bell: Bell;
}

async function deliverAll(options: DeliveryOptions, run: Run): Promise<void> {
  const { endpoint, queue, log } = options;
  let failures = 0;
  while (!run.signal.aborted) {
    const heard = run.bell.next();
    try {
      const lines = await queue.read(most);
      if (lines.length === 0) {
        await heard;
        continue;
      }
      const problem = await tryOnce(lines, options, run);
      if (problem === undefined) {
        failures = 0;
        await queue.taken();
        continue;
      }
      failures += 1;
      if (failures === 1 || failures === endpoint.threshold)
        log.warn('events are not taken', { endpoint: endpoint.name, problem, pending: queue.pending });
    } catch (error) {
      failures += 1;
      log.error('the queue of events failed', { endpoint: endpoint.name, error });
    }
    await waitOn(options.clock, pauseAfter(failures, endpoint), run.signal);
  }
}

/** Milliseconds until the next try. */
export function pauseAfter(failures: number, { threshold, backoff }: EndpointSettings): number {
  if (failures < threshold) return Math.min(firstPause * 2 ** (failures - 1), backoff);
  return Math.min(backoff * 2 ** Math.min(failures - threshold, 20), Math.max(longestPause, backoff));
}

/** One delivery; undefined when it was taken, or what was wrong. */
async function tryOnce(
  lines: readonly string[],
  { endpoint, transport }: DeliveryOptions,
  { counts, cut }: Run,
): Promise<string | undefined> {
  const body = envelope(lines);
  const signed = endpoint.secret === undefined ? {} : { 'x-hub-signature-256': signature(body, endpoint.secret) };
  const headers = { ...endpoint.headers, ...signed, 'content-type': envelopeType };
  const late = AbortSignal.timeout(endpoint.timeout);
  try {
    const answer = await transport.send({
      ...{ method: 'POST', url: endpoint.url, headers, body: Buffer.from(body) },
      signal: AbortSignal.any([cut, late]),
    });
    discardBody(answer.body);
    counts.statuses.set(answer.status, (counts.statuses.get(answer.status) ?? 0) + 1);
    if (answer.status >= 200 && answer.status < 400) {
      counts.successes += lines.length;
      return undefined;
    }
    counts.failures += lines.length;
    return `answered with status ${answer.status}`;
  } catch (error) {
    counts.errors += lines.length;
    return late.aborted ? `did not answer within ${endpoint.timeout / 1000} s` : messageOf(error);
  }
}

/** Rung when something was queued; one who asked before hears it. */
interface Bell {
  ring(): void;
  next(): Promise<void>;
}

function createBell(): Bell {
  let waiting = Promise.withResolvers<void>();
  return {
    ring() {
      waiting.resolve();
      waiting = Promise.withResolvers();
    },
    next: () => waiting.promise,
  };
}
