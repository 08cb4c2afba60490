import { randomUUID } from 'node:crypto';
import * as path from 'node:path';
import { type Clock, systemClock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { createTransport } from '../../registry-client/transport.ts';
import type { RegistryEvent } from '../contract.ts';
import { type Delivery, type DeliveryCounts, startDelivery } from './delivery.ts';
import { openDiskQueue } from './disk-queue.ts';
import { eventLine, wants } from './envelope.ts';
import { createMemoryQueue, type EventQueue } from './queue.ts';
import type { EndpointSettings } from './settings.ts';

export interface NotifierOptions {
  readonly endpoints: readonly EndpointSettings[];
  /** Where queues are kept, one folder per endpoint, for this process alone; in memory without it. */
  readonly folder: string | undefined;
  /** `HOST:PORT` of this server, for the events. */
  readonly addr: string;
  readonly log: Logger;
  readonly clock?: Clock;
}

/** Tells receivers what happens in the registry. */
export interface Notifier {
  /** Queues an event; costs one write to a file for each endpoint that wants it and waits for none. Never throws. */
  event(event: RegistryEvent): void;
  /** For the metrics. */
  readonly endpoints: readonly {
    readonly name: string;
    readonly queue: Pick<EventQueue, 'pending' | 'dropped'>;
    readonly counts: Readonly<DeliveryCounts>;
  }[];
  /** Ends deliveries. What waits is delivered by the next server, if queues are on the disk. */
  close(): Promise<void>;
}

/** Opens the queues and goes on delivering what waits in them. @throws the system error when a folder cannot be used. */
export function startNotifier({ endpoints, folder, addr, log, clock = systemClock }: NotifierOptions): Notifier {
  const source = { addr, instanceID: randomUUID() };
  const transport = createTransport({ proxyEnv: process.env });
  const started = endpoints.map((endpoint) => {
    const queue = folder
      ? openDiskQueue(path.join(folder, `${encodeURIComponent(endpoint.name)}.queue`), { log })
      : createMemoryQueue();
    const delivery: Delivery = startDelivery({ endpoint, queue, transport, clock, log });
    return { endpoint, queue, delivery };
  });
  return {
    event(event) {
      for (const { endpoint, queue, delivery } of started) {
        if (!wants(endpoint, event)) continue;
        queue.append(eventLine(event, source));
        delivery.wake();
      }
    },
    endpoints: started.map(({ endpoint, queue, delivery }) => ({
      ...{ name: endpoint.name, queue, counts: delivery.counts },
    })),
    async close() {
      await Promise.all(started.map(({ delivery }) => delivery.close()));
      for (const { queue } of started) queue.close();
      transport[Symbol.dispose]();
    },
  };
}
