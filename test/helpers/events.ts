import assert from 'node:assert/strict';
import * as http from 'node:http';
import type { EventMessage } from '../../src/api/types/event.ts';
import { callApi } from './engine-api.ts';

/** Milliseconds after which an event that does not come fails the test. */
const patience = 300_000;

/**
 * Resolves with the first event of a container that fits, of those since this call or since `since` (Unix seconds).
 * @throws when none comes in five minutes, or the engine ends.
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

/**
 * The events since a moment (Unix seconds, not rounded down to a second: that would catch the test before) that the
 * filters let through. The span ends a little later than now: what has just happened is stamped to the nanosecond,
 * and may lie behind the millisecond that this process's clock shows.
 */
export async function pastEvents(
  engine: { readonly socket: string },
  since: number,
  filters: Readonly<Record<string, readonly string[]>> = {},
): Promise<EventMessage[]> {
  const query = new URLSearchParams({ since: String(since), until: soon(), filters: JSON.stringify(filters) });
  const answer = await callApi(engine.socket, 'GET', `/events?${query}`);
  assert.equal(answer.status, 200, answer.text);
  const lines = answer.text.split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as EventMessage);
}

/** An `until` that is behind all that has happened so far, as Unix seconds. */
export const soon = (): string => String((Date.now() + 5) / 1000);

const isOf = (container: string, { Type, Actor }: EventMessage): boolean =>
  Type === 'container' && (Actor.ID === container || Actor.Attributes['name'] === container);
