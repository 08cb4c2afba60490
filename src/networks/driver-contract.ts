import type { SandboxLinks } from '../host/links.ts';

/** A network as recorded. */
export interface Network {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  /** What this network's driver keeps about it, such as the bridge's name. */
  readonly options: Readonly<Record<string, string>>;
  /** Undefined for networks without addresses. */
  readonly addressing: Addressing | undefined;
}

export interface Addressing {
  /** `172.17.0.0/16` */
  readonly subnet: string;
  readonly gateway: string;
}

/** A container's place in a network, as recorded. */
export interface Endpoint {
  readonly id: string;
  readonly containerId: string;
  readonly networkId: string;
  /** Empty on networks without addresses. */
  readonly ip: string;
  readonly mac: string;
  /** The interface's name inside the sandbox. */
  readonly interfaceName: string;
}

/** A port of a container that is reachable at the host. */
export interface PublishedPort {
  readonly endpointId: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerIp: string;
  readonly containerPort: number;
}

export interface Recorded {
  readonly networks: readonly Network[];
  readonly endpoints: readonly Endpoint[];
  readonly ports: readonly PublishedPort[];
}

/**
 * What makes a network real. A driver keeps no state of its own: it is told what is recorded, and everything it
 * makes carries the engine's name, so that two engines on a host never touch each other's.
 * `contract-suite.ts` is run on every driver.
 */
export interface NetworkDriver extends Disposable {
  readonly name: string;
  /** `own`: containers get a namespace each; `host`: they stay in the host's, and nothing is ever connected. */
  readonly namespace: 'own' | 'host';

  /**
   * What shall be recorded of a network: options and addresses as configured. What is not configured stays as
   * it is `recorded`, and is chosen for a new one. `occupied` lists the host's subnets. @throws invalid, exhausted.
   */
  plan(occupied: () => readonly string[], recorded: Network | undefined): Pick<Network, 'options' | 'addressing'>;

  /**
   * Makes the host agree with what is recorded: `recorded` is all there is of this driver. What is missing is
   * made, links of running containers are joined again, what this engine made and is not recorded is removed.
   * Idempotent; running connections go on. @throws conflict when a name it needs belongs to someone else.
   */
  restore(recorded: Recorded): Promise<void>;

  /** Joins a sandbox to a network. Undoes itself when it fails. @throws ENODEV when the network's host side is gone. */
  connect(network: Network, endpoint: Endpoint, sandbox: SandboxLinks): void;

  /** Makes ports reachable. All or none. */
  publish(ports: readonly PublishedPort[]): Promise<void>;
  /** Takes them back. All or none. */
  unpublish(ports: readonly PublishedPort[]): Promise<void>;

  /** Publishes `after` of a container that published `before`. All or none; connections to what stays go on. */
  replacePorts(before: readonly PublishedPort[], after: readonly PublishedPort[]): Promise<void>;

  /** Removes everything this engine made on the host; running containers lose their links. Idempotent. */
  remove(): Promise<void>;
}
