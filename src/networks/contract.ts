import type { EndpointConfig, EndpointSettings, PortBinding } from '../api/types/container.ts';
import type {
  NetworkCreateRequest,
  NetworkCreateResponse,
  NetworkInspect,
  NetworkSummary,
} from '../api/types/network.ts';
import type { EgressRule } from '../formats/egress-rule.ts';
import type { ResolverSettings } from '../formats/resolv-conf.ts';
import type { LinkTarget } from './driver-contract.ts';

export type { LinkTarget } from './driver-contract.ts';

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

  /** Plans which others a container with a sandbox on the default bridge may reach from now on; see change-links.ts. */
  relink(containerId: string, links: readonly LinkTarget[]): LinkChange;

  /** The sandbox of a container as recorded, or undefined. */
  sandboxOf(containerId: string): Sandbox | undefined;
  /** All sandboxes as recorded, by container id: for many containers, where `sandboxOf` would ask for each. */
  sandboxes(): ReadonlyMap<string, Sandbox>;

  /** Makes bridges, rules and sandboxes agree with the state after a restart; removes what belongs to no container in `alive`. */
  reconcile(alive: ReadonlySet<string>): Promise<void>;

  /** What a container that exists is called from now on, for inspect and for names on its networks. Call it in a transaction. */
  rename(containerId: string, name: string): void;

  /**
   * Plans to join a container that has a sandbox to one more network: reserves an address, and touches neither
   * records nor host. `ports` are for one that had no way in until now. See change-endpoints.ts.
   * @throws not-found, conflict when it is joined to it, forbidden where nothing is connected live; as `checkEndpoint`.
   */
  join(containerId: string, network: string, wish: { config: EndpointConfig; ports: PortWishes }): EndpointChange;
  /** The same for leaving one. @throws not-found, forbidden when it is not joined to it. */
  leave(containerId: string, network: string): EndpointChange;

  /**
   * The network a reference means (id, name, beginning of an id), or undefined. `default` is `bridge`.
   * @throws invalid for a beginning that several have.
   */
  find(reference: string): NetworkName | undefined;
  /** Checks what is asked of an endpoint on a network, by its shape and by the network. @throws invalid, forbidden, not-found. */
  checkEndpoint(network: string, config: EndpointConfig): void;

  /**
   * Makes a network. Killed in between, the next engine takes it back.
   * @throws invalid, forbidden, conflict for a name or subnet that is taken, not-found for a driver, exhausted.
   */
  create(request: NetworkCreateRequest): Promise<NetworkCreateResponse>;
  /** Networks as `GET /networks` shows them. @throws invalid for a filter that does not exist, or a bad value. */
  list(filters: NetworkFilters): NetworkSummary[];
  /** @throws not-found, invalid for a beginning of an id that several have. */
  inspect(reference: string): NetworkInspect;
  /** Removes a network that nothing is connected to. @throws not-found, forbidden for a predefined one, conflict in use. */
  remove(reference: string): Promise<void>;
  /** Removes the networks of users' that no container runs on; with `dryRun` only tells which. Returns their names. @throws invalid. */
  prune(options: { filters: NetworkFilters; dryRun: boolean }): Promise<string[]>;

  /** What the networks have added to the host's rules and settings. Changes nothing. */
  hostRules(): Promise<HostRules>;
  /** Makes the host's side of all networks again: bridges, links, rules. Running connections go on. */
  repair(): Promise<void>;
}

export interface HostRules {
  /** Whether all is there as the engine made it, and answers the rules of others that there are now. */
  readonly intact: boolean;
  /** What was added where, such as `table inet tug-0d4671: 40 rules`. */
  readonly added: readonly string[];
}

export type NetworkFilters = Readonly<Record<string, readonly string[]>>;

export interface NetworkName {
  readonly id: string;
  readonly name: string;
  /** Whether it is one that users made, with names and addresses of their choice. */
  readonly own: boolean;
}

/** A change whose address is reserved for the turn of the event loop it was planned in: `record` it at once. */
export interface EndpointChange {
  readonly network: NetworkName;
  /** Records it, journaled. Call it in a transaction. */
  record(): void;
  /** Makes the host agree. Killed before its end, the next engine does it. @throws what the driver does; call `undo` then. */
  apply(): Promise<void>;
  /** Takes back that a network was joined: its record. Call it in a transaction; `repair` then. */
  undo(): void;
  /** Makes the host agree with the records again after an `apply` that failed. */
  repair(): Promise<void>;
}

/** What a container wants published. */
export interface PortWishes {
  /** `80/tcp` to its bindings, as HostConfig.PortBindings. */
  readonly ports: Readonly<Record<string, readonly PortBinding[]>>;
  /** Ports of ExposedPorts to publish on a free host port, for PublishAllPorts. */
  readonly publishAll: readonly string[];
}

export interface SandboxRequest extends PortWishes {
  readonly containerId: string;
  /** The container's name without a slash, as errors name it; its short id when left out. */
  readonly name?: string;
  readonly hostname: string;
  /** What it may send to elsewhere; everything without. */
  readonly egress?: readonly EgressRule[];
  /** Containers on the default bridge that it may reach, each once, where those do not talk. */
  readonly links?: readonly LinkTarget[];
  /** HostConfig.NetworkMode. */
  readonly mode: string;
  /** The networks to join, by name. Without any, the mode's. */
  readonly endpoints?: Readonly<Record<string, EndpointConfig>>;
  /** A descriptor of a network namespace to use, such as one that belongs to the container's user namespace; a new one is made without it. */
  readonly madeNamespace?: number;
  /** What is asked of its resolver; what is empty is as the engine is configured, or else as on the host. */
  readonly resolver?: ResolverSettings;
}

export interface PortChanges {
  /** `80/tcp` to its bindings, as HostConfig.PortBindings. */
  readonly add: Readonly<Record<string, readonly PortBinding[]>>;
  /** What is published now, as `Sandbox.ports` tells it. */
  readonly remove: readonly { readonly port: string; readonly hostIp: string; readonly hostPort: string }[];
}

export interface LinkChange {
  /** Call it in a transaction. */
  record(): void;
  /** Makes the rules agree with the records. */
  apply(): Promise<void>;
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
  /** What its /etc/resolv.conf is to say. */
  readonly resolvConf: string;
}
