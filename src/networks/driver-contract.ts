import type { EgressRule } from '../formats/egress-rule.ts';
import type { SandboxLinks } from '../host/sandbox-links.ts';

/** A network as recorded. */
export interface Network {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  /** RFC 3339. */
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  /** No way out, and none in but from the host. */
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly enableIpv4: boolean;
  readonly enableIpv6: boolean;
  /** It only keeps a configuration for others to be made from: nothing is connected to it. */
  readonly configOnly: boolean;
  /** The network its configuration came from, or empty. */
  readonly configFrom: string;
  /** What its maker asked of the driver, as inspect shows it. */
  readonly driverOptions: Readonly<Record<string, string>>;
  /**
   * What its driver keeps about it, such as the bridge's name. All networks may have `prefix`, what interfaces are called
   * before their number; `route`, `link` where containers send by the interface itself and `none` where there is no way
   * out (else by the gateway); `mac`, `parent` where interfaces have no address of their own to choose;
   * `gateway`, `asked` where subnets have only the gateways that somebody names (`asked-4` and `asked-6` of one family);
   * and `gatewayMode4`, `gatewayMode6`, `routed` where published ports are those of the container's own address.
   */
  readonly options: Readonly<Record<string, string>>;
  /** What its maker asked of the address management. */
  readonly ipam: { readonly driver: string; readonly options: Readonly<Record<string, string>> | null };
  /** Undefined for networks without addresses. */
  readonly addressing: Addressing | undefined;
}

/** The subnets of a network by family; a family that it has not got is empty. */
export interface Addressing {
  readonly ipv4: readonly Pool[];
  readonly ipv6: readonly Pool[];
}

export interface Pool {
  /** `172.17.0.0/16`, `fd00:1::/64` */
  readonly subnet: string;
  readonly gateway: string;
  /** Where addresses are chosen from; empty for all of the subnet. */
  readonly range: string;
  /** Addresses that are never given, by what they are for. */
  readonly auxiliary: Readonly<Record<string, string>>;
  /** Whether somebody asked for this subnet, and so may ask for addresses in it. */
  readonly chosen: boolean;
}

/** A container's place in a network, as recorded. */
export interface Endpoint {
  readonly id: string;
  readonly containerId: string;
  readonly networkId: string;
  /** IPv4; empty on networks without. */
  readonly ip: string;
  /** Empty on networks without IPv6. */
  readonly ipv6: string;
  /** Empty where there is no link. */
  readonly mac: string;
  /** More addresses that the interface has, of its own link alone. */
  readonly linkLocal: readonly string[];
  /** The interface's name inside the sandbox. */
  readonly interfaceName: string;
}

/** A port of a container that is reachable at the host. */
export interface PublishedPort {
  readonly endpointId: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly hostIp: string;
  /** 0 where it is reached by the container's own address, and nothing of the host leads there. */
  readonly hostPort: number;
  readonly containerIp: string;
  readonly containerPort: number;
}

export interface Recorded {
  readonly networks: readonly Network[];
  readonly endpoints: readonly Endpoint[];
  readonly ports: readonly PublishedPort[];
  /** Where the relay of ports that cannot be translated listens; undefined where there is none. */
  readonly relayPort: number | undefined;
  /** What containers may send to elsewhere, of those that may not send everything. */
  readonly egress: readonly { readonly containerId: string; readonly rules: readonly EgressRule[] }[];
  /** Who is to reach whom where containers of a network do not talk. */
  readonly links: readonly ContainerLink[];
}

/** A container that may reach ports of another one, its target. */
export interface ContainerLink extends LinkTarget {
  readonly containerId: string;
}

export interface LinkTarget {
  /** The other container. */
  readonly target: string;
  /** Its ports. */
  readonly ports: readonly Pick<PublishedPort, 'protocol' | 'containerPort'>[];
}

/** A network that is being made, complete but for what the driver keeps. */
export type NetworkDraft = Omit<Network, 'options'>;

/**
 * What makes a network real. A driver keeps no state of its own: it is told what is recorded, and everything it
 * makes carries the engine's name, so that two engines on a host never touch each other's.
 * `contract-suite.ts` is run on every driver.
 */
export interface NetworkDriver extends Disposable {
  readonly name: string;
  /** `own`: containers get a namespace each; `host`: they stay in the host's, and nothing is ever connected. */
  readonly namespace: 'own' | 'host';
  /** Whether it can hold containers to rules about what they send to elsewhere. */
  readonly egress?: boolean;
  /**
   * `outside`: its networks are part of one that is there without the engine, which has the gateway, if any, and to
   * which the host may have a route. No ports are published there: containers are reached by their own addresses.
   */
  readonly place?: 'outside';

  /**
   * What shall be recorded of the predefined network of this driver; undefined when there shall be none. What is not configured stays as it is
   * `recorded`, and is chosen for a new one. `occupied` lists the host's subnets. @throws invalid, exhausted.
   */
  plan(
    occupied: () => readonly string[],
    recorded: Network | undefined,
  ): Pick<Network, 'options' | 'driverOptions' | 'addressing' | 'enableIpv4' | 'enableIpv6'> | undefined;

  /**
   * Checks a network that somebody wants, and says what the driver is to keep about it; `others` are those of this
   * driver. Makes nothing. @throws invalid, forbidden (also where the driver makes no networks), conflict.
   */
  draft(network: NetworkDraft, others: readonly Network[]): Network['options'];

  /** Makes the host's side of a recorded network. Undoes itself when it fails; nothing when it is there. @throws conflict. */
  make(network: Network): void;

  /**
   * Makes the host agree with what is recorded: `recorded` is all there is of this driver. What is missing is
   * made, links of running containers are joined again, what this engine made and is not recorded is removed.
   * A network of a user's that cannot be made is told to `fault`, and the others are restored.
   * Idempotent; running connections go on. @throws conflict when a name the default network needs belongs to someone else.
   */
  restore(recorded: Recorded, fault: (network: Network, error: unknown) => void): Promise<void>;

  /** Joins a sandbox to a network, with addresses and without a default route. Undoes itself when it fails. @throws ENODEV when the network's host side is gone. */
  connect(network: Network, endpoint: Endpoint, sandbox: SandboxLinks): void;
  /** Takes a sandbox out of a network. Idempotent. */
  disconnect(network: Network, endpoint: Endpoint, sandbox: SandboxLinks): void;

  /**
   * Whether the host still has the rules that this driver made there; also false where another program has set up
   * rules since that need an answer. Cheap as long as nobody changed any. A driver without rules has none to lose.
   */
  intact?(): Promise<boolean>;
  /** Calls `changed` after each change to the host's rules, whoever made it, so that `intact` is asked again. */
  watch?(changed: () => void): Disposable;
  /** What this driver has added to the host's rules and settings, as `HostRules.added`. */
  added?(): Promise<string[]>;

  /** Makes ports reachable. All or none. */
  publish(ports: readonly PublishedPort[]): Promise<void>;
  /** Takes them back. All or none. */
  unpublish(ports: readonly PublishedPort[]): Promise<void>;

  /** Publishes `after` of a container that published `before`. All or none; connections to what stays go on. */
  replacePorts(before: readonly PublishedPort[], after: readonly PublishedPort[]): Promise<void>;

  /** Removes everything this engine made on the host; running containers lose their links. Idempotent. */
  remove(): Promise<void>;
}
