import type { EventAction } from '../contract.ts';

/** One receiver of events, as `notifications.endpoints` of the configuration describes it. */
export interface EndpointSettings {
  /** Names its queue on the disk, its metrics and its lines in the log. */
  readonly name: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds for one delivery. */
  readonly timeout: number;
  /** Failures in a row after which it is left alone for `backoff` between two tries. */
  readonly threshold: number;
  /** Milliseconds. */
  readonly backoff: number;
  readonly ignore: { readonly mediaTypes: readonly string[]; readonly actions: readonly EventAction[] };
  /** Signs each delivery. */
  readonly secret: string | undefined;
}
