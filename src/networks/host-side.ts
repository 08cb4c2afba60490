import { conflict, errnoOf } from '../base/errors.ts';
import { createLockTable } from '../base/lock.ts';
import type { Logger } from '../base/log.ts';
import { isRouted } from '../host/firewall-ports.ts';
import type { SandboxLinks } from '../host/sandbox-links.ts';
import { driverOf } from './context.ts';
import type { HostRules } from './contract.ts';
import type { Endpoint, Network, NetworkDriver, PublishedPort } from './driver-contract.ts';
import { isAccepted, type PublishSettings } from './publish-defaults.ts';
import type { PortRelay } from './relay/relay.ts';
import type { NetworkStore } from './store.ts';

/**
 * The drivers as one, over what is recorded. Rules are changed one after the other, since a driver's `restore`
 * must not undo what was published while it was on its way; a change that fails, because somebody flushed the
 * rules or deleted a bridge, is answered by restoring everything once.
 */
export interface HostSide {
  /** Which namespace a network's containers live in. */
  namespaceOf(network: Network): NetworkDriver['namespace'];
  /** Whether containers on a network can be held to rules about what they send to elsewhere. */
  rulesEgress(network: Network): boolean;
  /** Whether ports can be published on a network. */
  publishes(network: Network): boolean;
  /** Makes the host agree with the records, when that was not done since the start. */
  restoreOnce(): Promise<void>;
  restore(): Promise<void>;
  /** As `restore` where rules are not as the engine made them. Cheap as long as nobody changed any. */
  restoreIfChanged(): Promise<void>;
  /** Calls `changed` after each change to the host's rules, the engine's own among them. */
  watch(changed: () => void): Disposable;
  /** Makes the host's side of a network that is recorded and not there. @throws conflict. */
  make(network: Network): void;
  connect(network: Network, endpoint: Endpoint, sandbox: SandboxLinks): Promise<void>;
  disconnect(network: Network, endpoint: Endpoint, sandbox: SandboxLinks): void;
  publish(network: Network, ports: readonly PublishedPort[]): Promise<void>;
  /** Takes ports back. False when that failed: call `restore` once they are no longer recorded. */
  unpublish(network: Network, ports: readonly PublishedPort[]): Promise<boolean>;
  /** Publishes `after` of a container that published `before`. */
  replacePorts(network: Network, before: readonly PublishedPort[], after: readonly PublishedPort[]): Promise<void>;
  remove(): Promise<void>;
  /** As `NetworkService.hostRules`. */
  rules(): Promise<HostRules>;
}

/** `relay` carries ports that the drivers cannot lead; without one those are not published. */
export function createHostSide(
  store: NetworkStore,
  drivers: readonly NetworkDriver[],
  log: Logger,
  relay: PortRelay | undefined,
  publishing: PublishSettings,
): HostSide {
  const turns = createLockTable();
  const changeRules = <T>(work: () => Promise<T>): Promise<T> => turns.with('network', 'rules', work);
  let restored: Promise<void> | undefined;

  const restore = (): Promise<void> =>
    changeRules(async () => {
      const relayPort = await relay?.listen();
      for (const driver of drivers) {
        const recorded = recordedOf(driver, store);
        await driver.restore({ ...recorded, ports: led(recorded.ports), relayPort }, tell);
      }
      relay?.replace(store.ports());
      restored = Promise.resolve();
    });
  const restoreAloud = async (why: string): Promise<void> => {
    log.warn(`${why}; making everything again`);
    await restore();
  };
  /** The ports that drivers are to lead to their containers. */
  const led = (ports: readonly PublishedPort[]): readonly PublishedPort[] =>
    ports.filter((port) => isRouted(port) || !isAccepted(publishing, port.hostIp));
  const tell = (network: Network, error: unknown): void =>
    log.error('a network cannot be made', { network: network.name, error });

  return {
    namespaceOf: (network) => driverOf(network, drivers).namespace,
    rulesEgress: (network) => driverOf(network, drivers).egress ?? false,
    publishes: (network) => driverOf(network, drivers).place !== 'outside',
    restoreOnce() {
      restored ??= restore().catch((error: unknown) => {
        restored = undefined;
        throw error;
      });
      return restored;
    },
    restore,
    async restoreIfChanged() {
      const intact = await changeRules(() => Promise.all(drivers.map((driver) => driver.intact?.())));
      if (intact.includes(false)) await restoreAloud('rules were changed from outside');
    },
    watch(changed) {
      const all = new DisposableStack();
      for (const driver of drivers) all.use(driver.watch?.(changed));
      return all;
    },

    make: (network) => driverOf(network, drivers).make(network),
    disconnect: (network, endpoint, sandbox) => driverOf(network, drivers).disconnect(network, endpoint, sandbox),

    async connect(network, endpoint, sandbox) {
      const driver = driverOf(network, drivers);
      const intact = await changeRules(async () => driver.intact?.());
      if (intact === false) await restoreAloud('rules were changed from outside');
      try {
        driver.connect(network, endpoint, sandbox);
      } catch (error) {
        if (errnoOf(error) !== 'ENODEV') throw error;
        await restoreAloud('the host side of a network is gone');
        connectAgain(driver, network, endpoint, sandbox);
      }
    },

    async publish(network, ports) {
      if (ports.length === 0) return;
      try {
        await changeRules(() => driverOf(network, drivers).publish(led(ports)));
        relay?.add(ports);
      } catch (error) {
        log.warn('publishing ports failed; writing all rules anew', { error });
        await restore();
      }
    },

    async unpublish(network, ports) {
      if (ports.length === 0) return true;
      relay?.remove(ports);
      try {
        await changeRules(() => driverOf(network, drivers).unpublish(led(ports)));
        return true;
      } catch (error) {
        log.warn('unpublishing ports failed; all rules will be written anew', { error });
        return false;
      }
    },

    async replacePorts(network, before, after) {
      try {
        await changeRules(() => driverOf(network, drivers).replacePorts(led(before), led(after)));
        relay?.replace(store.ports());
      } catch (error) {
        log.warn('changing published ports failed; writing all rules anew', { error });
        await restore();
      }
    },

    async rules() {
      const of = async (driver: NetworkDriver): Promise<HostRules> => ({
        intact: (await driver.intact?.()) ?? true,
        added: (await driver.added?.()) ?? [],
      });
      const all = await changeRules(() => Promise.all(drivers.map(of)));
      return { intact: all.every(({ intact }) => intact), added: all.flatMap(({ added }) => added) };
    },

    async remove() {
      restored = undefined;
      await changeRules(async () => {
        for (const driver of drivers) await driver.remove();
      });
    },
  };
}

/** After everything was made anew. @throws conflict where what the network stands on is not the engine's to make. */
function connectAgain(driver: NetworkDriver, network: Network, endpoint: Endpoint, sandbox: SandboxLinks): void {
  try {
    driver.connect(network, endpoint, sandbox);
  } catch (cause) {
    if (errnoOf(cause) !== 'ENODEV') throw cause;
    throw conflict(`the network ${network.name} cannot be joined: its interface on the host is not there`, { cause });
  }
}

function recordedOf(driver: NetworkDriver, store: NetworkStore) {
  const networks = store.networks().filter((network) => network.driver === driver.name);
  const ids = new Set(networks.map(({ id }) => id));
  const endpoints = store.endpoints().filter(({ networkId }) => ids.has(networkId));
  const owners = new Set(endpoints.map(({ id }) => id));
  const ports = store.ports().filter(({ endpointId }) => owners.has(endpointId));
  const joined = new Set(endpoints.map(({ containerId }) => containerId));
  const own = ({ containerId }: { containerId: string }): boolean => joined.has(containerId);
  return { networks, endpoints, ports, egress: store.egress().filter(own), links: store.links().filter(own) };
}
