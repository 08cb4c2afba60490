import type { Logger } from '../../base/log.ts';
import { familyOf, isAnywhere, isRouted, isTranslated } from '../../host/firewall-ports.ts';
import type { PortHolder } from '../../host/port-holder.ts';
import type { PublishedPort } from '../driver-contract.ts';
import { isAccepted, type PublishSettings } from '../publish-defaults.ts';
import { startDatagramRelay } from './datagrams.ts';
import { createStreamRelay, startStreamRelay } from './streams.ts';

/**
 * Carries what the kernel cannot lead to a container by itself: from the host's IPv6 addresses to a container that
 * has only IPv4, the other way round, and from `::1`. TCP of all such ports is redirected by the firewall to one
 * listening socket; UDP is read from the sockets that hold the ports, and so is TCP where the engine is to accept
 * connections as any program does. The container sees the host's own address.
 * Carried connections end with the engine.
 */
export interface PortRelay extends Disposable {
  /** The port that the firewall redirects TCP to. Listens from the first call on. @throws the system error. */
  listen(): Promise<number>;
  /** Carries these besides. Ports that need no relay are passed over, and so are UDP ports that are not held. */
  add(ports: readonly PublishedPort[]): void;
  /** Stops carrying these, and ends what is carried. Idempotent. */
  remove(ports: readonly PublishedPort[]): void;
  /** Carries these alone; what goes on is not disturbed. */
  replace(ports: readonly PublishedPort[]): void;
}

export function createPortRelay(holder: PortHolder, log: Logger, publishing: PublishSettings): PortRelay {
  const carried = new Map<string, { readonly port: PublishedPort; readonly relay: Disposable }>();
  const streams = createStreamRelay(log);

  const add = (port: PublishedPort): void => {
    const key = keyOf(port);
    if (carried.has(key)) return;
    const relay = port.protocol === 'udp' || isAccepted(publishing, port.hostIp) ? accept(port) : streams.carry(port);
    if (relay) carried.set(key, { port, relay });
  };
  const accept = (port: PublishedPort): Disposable | undefined => {
    const fd = holder.copyOf(port);
    if (fd === undefined) return undefined;
    return port.protocol === 'udp' ? startDatagramRelay(fd, port, log) : startStreamRelay(fd, port, log);
  };
  const remove = (key: string): void => {
    carried.get(key)?.relay[Symbol.dispose]();
    carried.delete(key);
  };

  const needed = (port: PublishedPort): boolean =>
    !isRouted(port) && (needsRelay(port) || (port.protocol !== 'sctp' && isAccepted(publishing, port.hostIp)));

  return {
    listen: () => streams.listen(),
    add: (ports) => ports.filter(needed).forEach(add),
    remove(ports) {
      for (const port of ports) remove(keyOf(port));
    },
    replace(ports) {
      const wanted = new Set(ports.map(keyOf));
      for (const key of carried.keys()) if (!wanted.has(key)) remove(key);
      ports.filter(needed).forEach(add);
    },
    [Symbol.dispose]() {
      for (const key of carried.keys()) remove(key);
      streams[Symbol.dispose]();
    },
  };
}

const keyOf = (port: PublishedPort): string =>
  [port.protocol, port.hostIp, port.hostPort, port.containerIp, port.containerPort].join(' ');

/** Of ports that are translated, those of `::` are reached from `::1` by the relay alone. */
const needsRelay = (port: PublishedPort): boolean =>
  port.protocol !== 'sctp' && (!isTranslated(port) || (isAnywhere(port) && familyOf(port.hostIp).ip === 'ip6'));
