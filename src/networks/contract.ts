import type { EndpointConfig, EndpointSettings, PortBinding } from '../api/types/container.ts';

/**
 * What the container domain needs of networks. A sandbox is a container's network namespace, pinned at
 * `path` below the engine's exec root while the container runs; an endpoint joins a sandbox to a network.
 */
export interface NetworkService {
  /**
   * Makes a container's sandbox and connects it: namespace, links, addresses, routes, published ports.
   * Journals its own intents. On failure everything made is undone before it throws.
   * @throws conflict with code `port-in-use` ("Bind for 0.0.0.0:80 failed: port is already allocated").
   */
  attach(request: SandboxRequest): Promise<Sandbox>;

  /**
   * Takes a sandbox down: ports, links, namespace, addresses. Idempotent; works from the state alone after a restart.
   * With `shared` others are in its namespace still: they keep it, without its links.
   */
  release(containerId: string, options?: { shared: boolean }): Promise<void>;

  /** Plans a change of what a container with a sandbox publishes; see change-ports.ts. @throws conflict with code `port-in-use`. */
  changePorts(containerId: string, changes: PortChanges): PortChange;

  /** The sandbox of a container as recorded, or undefined. */
  sandboxOf(containerId: string): Sandbox | undefined;
  /** All sandboxes as recorded, by container id: for many containers, where `sandboxOf` would ask for each. */
  sandboxes(): ReadonlyMap<string, Sandbox>;

  /** Makes bridges, rules and sandboxes agree with the state after a restart; removes what belongs to no container in `alive`. */
  reconcile(alive: ReadonlySet<string>): Promise<void>;

  /** Networks as `GET /networks` shows them. */
  list(): NetworkSummary[];
}

export interface SandboxRequest {
  readonly containerId: string;
  /** The container's name without a slash, as errors name it; its short id when left out. */
  readonly name?: string;
  readonly hostname: string;
  readonly mode: string;
  readonly endpoints: Readonly<Record<string, EndpointConfig>>;
  /** `80/tcp` to its bindings, as HostConfig.PortBindings. */
  readonly ports: Readonly<Record<string, readonly PortBinding[]>>;
  /** Ports of ExposedPorts to publish on a free host port, for PublishAllPorts. */
  readonly publishAll: readonly string[];
  /** A descriptor of a network namespace to use, such as one that belongs to the container's user namespace; a new one is made without it. */
  readonly madeNamespace?: number;
}

export interface PortChanges {
  /** `80/tcp` to its bindings, as HostConfig.PortBindings. */
  readonly add: Readonly<Record<string, readonly PortBinding[]>>;
  /** What is published now, as `Sandbox.ports` tells it. */
  readonly remove: readonly { readonly port: string; readonly hostIp: string; readonly hostPort: string }[];
}

/** A change whose host ports are held: `record` and then `apply` it, or `cancel` it. */
export interface PortChange {
  /** Records the ports. Call it in a transaction. */
  record(): void;
  /** Makes the rules agree with the records, in one transaction of the firewall. */
  apply(): Promise<void>;
  cancel(): void;
}

export interface Sandbox {
  /** What the OCI spec's network namespace says: a path, `private` for a fresh one made by the runtime, or `host`. */
  readonly namespace: { kind: 'path'; path: string } | { kind: 'host' };
  /** Keyed by network name; for `none` and `host` with empty addresses. */
  readonly endpoints: Readonly<Record<string, EndpointSettings>>;
  /** `80/tcp` to where it is published, for inspect's NetworkSettings.Ports; null for exposed only. */
  readonly ports: Readonly<Record<string, { HostIp: string; HostPort: string }[] | null>>;
  /** Name servers to write into resolv.conf; undefined to use the host's. */
  readonly nameservers: readonly string[] | undefined;
}

export interface NetworkSummary {
  readonly Name: string;
  readonly Id: string;
  readonly Driver: string;
  readonly Scope: 'local';
}
