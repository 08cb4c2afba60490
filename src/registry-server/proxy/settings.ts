import type { Credentials } from '../../registry-client/credentials.ts';

/** A registry whose content is fetched and kept here, as `proxy` of the configuration describes it. */
export interface UpstreamSettings {
  /** What repositories of it begin with here (`hub` for `hub/library/busybox`); '' for all that no other has. */
  readonly prefix: string;
  /** Its address, without credentials; a path in it is put before the names of repositories there. */
  readonly url: URL;
  readonly credentials: Credentials | undefined;
  /** Milliseconds that something is kept after it was last asked for; for ever without it. */
  readonly ttl: number | undefined;
  /** Values of `?ns=` that mean this one. */
  readonly namespaces: readonly string[];
}
