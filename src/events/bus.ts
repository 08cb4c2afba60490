import type { EventMessage } from '../api/types/event.ts';
import type { EventBus } from './contract.ts';

/** How many events are kept for `since`, as Docker keeps. */
const kept = 256;

interface Kept {
  readonly at: bigint;
  readonly event: EventMessage;
}

/** An event bus with its own, empty history. `now` is in Unix nanoseconds. */
export function createEventBus(now: () => bigint = createClock()): EventBus {
  const history: Kept[] = [];
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
      history.push({ at, event });
      if (history.length > kept) history.shift();
      for (const listener of [...listeners]) {
        try {
          listener(event);
        } catch {
          listeners.delete(listener);
        }
      }
    },
    past: (since, until) => history.filter(({ at }) => at >= since && at <= until).map(({ event }) => event),
    subscribe(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

/** Unix time in nanoseconds: the wall clock, with the digits that it lacks taken from the steady one. */
function createClock(): () => bigint {
  const tolerance = 10_000_000n;
  let offset = 0n;
  return () => {
    const wall = BigInt(Date.now()) * 1_000_000n;
    const steady = process.hrtime.bigint();
    const drift = steady + offset - wall;
    if (drift > tolerance || drift < -tolerance) offset = wall - steady;
    return steady + offset;
  };
}
