import type { EventMessage } from '../api/types/event.ts';

/** Where every domain says what happened to its objects, and where `/events` listens. */
export interface EventBus {
  /** Stamps the time, keeps the event in the history and hands it to the listeners. */
  publish(type: string, action: string, id: string, attributes?: Record<string, string>): void;
  /**
   * The events kept at the time of the call whose time is in [since, until] (Unix nanoseconds), oldest first. What
   * is published later goes to the listeners only, so that one who subscribes in the same turn misses nothing.
   */
  past(since: bigint, until: bigint): AsyncIterable<EventMessage>;
  /** Hears every event from now on. A listener that throws is dropped. */
  subscribe(listener: (event: EventMessage) => void): Disposable;
}
