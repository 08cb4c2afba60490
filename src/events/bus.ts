import type { EventMessage } from '../api/types/event.ts';
import type { EventBus } from './contract.ts';
import type { DatedEvent, EventHistory } from './history.ts';

/** An event bus that keeps what is published in `history`. `now` is in Unix nanoseconds. */
export function createEventBus(history: EventHistory, now: () => bigint = createClock()): EventBus {
  const listeners = new Set<(event: EventMessage) => void>();
  let last = 0n;

  /** The clock's time, a little later where it stands still, so that the order of events is also that of their times. */
  const stamp = (): bigint => {
    const time = now();
    const step = 1_000n;
    last = time > last || last - time > 1_000_000_000n ? time : last + step;
    return last;
  };

  return {
    publish(type, action, id, attributes = {}) {
      const at = stamp();
      const event: EventMessage = {
        Type: type,
        Action: action,
        Actor: { ID: id, Attributes: attributes },
        scope: 'local',
        time: Number(at / 1_000_000_000n),
        timeNano: Number(at),
      };
      history.append({ at, event });
      for (const listener of [...listeners]) {
        try {
          listener(event);
        } catch {
          listeners.delete(listener);
        }
      }
    },
    past: (since, until) => within(history.read(), since, until),
    subscribe(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

async function* within(dated: AsyncIterable<DatedEvent>, since: bigint, until: bigint): AsyncGenerator<EventMessage> {
  for await (const { at, event } of dated) if (at >= since && at <= until) yield event;
}

/**
 * Unix time in nanoseconds: the wall clock, with the digits that it lacks taken from the steady one. Never before the
 * wall clock's, so that what happens at a recorded moment is not told to have been before it.
 */
function createClock(): () => bigint {
  const tolerance = 2_000_000n;
  let offset = 0n;
  return () => {
    const wall = BigInt(Date.now()) * 1_000_000n;
    const steady = process.hrtime.bigint();
    const drift = steady + offset - wall;
    if (drift > tolerance || drift < 0n) offset = wall - steady;
    return steady + offset;
  };
}
