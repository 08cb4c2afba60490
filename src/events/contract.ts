import type { EventMessage } from '../api/types/event.ts';

/** Where every domain says what happened to its objects, and where `/events` listens. */
export interface EventBus {
  /** Stamps the time, keeps the event among the last 256 (as Docker does) and hands it to the listeners. */
  publish(type: string, action: string, id: string, attributes?: Record<string, string>): void;
  /** The events kept whose time is in [since, until] (Unix nanoseconds), oldest first. */
  past(since: bigint, until: bigint): EventMessage[];
  /** Hears every event from now on. A listener that throws is dropped. */
  subscribe(listener: (event: EventMessage) => void): Disposable;
}
