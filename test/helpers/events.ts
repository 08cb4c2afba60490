import * as http from 'node:http';
import type { EventMessage } from '../../src/api/types/event.ts';

/** Milliseconds after which an event that does not come fails the test. */
const patience = 100_000;

/**
 * Resolves with the first event of a container that fits, of those since this call or since `since` (Unix seconds).
 * @throws when none comes in 100 seconds, or the engine ends.
 */
export function nextEvent(
  engine: { readonly socket: string },
  container: string,
  fits: (event: EventMessage) => boolean,
  since = Date.now() / 1000,
): Promise<EventMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<EventMessage>();
  const request = http.get({ socketPath: engine.socket, path: `/events?since=${since}`, agent: false }, (response) => {
    let rest = '';
    response.on('error', reject);
    response.on('end', () => reject(new Error(`the events ended before one of ${container}`)));
    response.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      const events = lines.map((line) => JSON.parse(line) as EventMessage);
      const found = events.find((event) => isOf(container, event) && fits(event));
      if (found) resolve(found);
    });
  });
  request.on('error', reject);
  const timer = setTimeout(() => reject(new Error(`no such event of ${container} came`)), patience);
  return promise.finally(() => {
    clearTimeout(timer);
    request.destroy();
  });
}

const isOf = (container: string, { Type, Actor }: EventMessage): boolean =>
  Type === 'container' && (Actor.ID === container || Actor.Attributes['name'] === container);
