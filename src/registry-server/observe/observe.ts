import * as http from 'node:http';
import * as os from 'node:os';
import { systemClock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { createTransport } from '../../registry-client/transport.ts';
import { createAccessLog } from '../access-log.ts';
import { endpointsOf } from '../config/notifications.ts';
import type { RegistryConfig } from '../config/schema.ts';
import type { AccessController, OpenRepository, RegistryHooks, StorageDriver } from '../contract.ts';
import { checksOf } from '../health/checks.ts';
import { watchHealth } from '../health/health.ts';
import { drain, listen, parseListenAddress } from '../http/listen.ts';
import type { SideDoor } from '../http/server.ts';
import { createServerMetrics, showProxy } from '../metrics/server-metrics.ts';
import type { RegistryProxy } from '../proxy/proxy.ts';
import { createSearchIndex } from '../search/index.ts';
import { startNotifier } from '../webhooks/notifier.ts';
import { debugListener, openDoor, type Told } from './doors.ts';
import { createLineWriter } from './line-writer.ts';

export interface ObserveOptions {
  readonly storage: StorageDriver;
  /** Repositories as they are stored. */
  readonly local: OpenRepository;
  readonly access: AccessController;
  readonly proxy: RegistryProxy | undefined;
  readonly log: Logger;
}

/** All that watches the registry and tells of it: access log, metrics, webhooks, health, search. */
export interface Observing {
  readonly hooks: RegistryHooks;
  readonly door: SideDoor;
  close(): Promise<void>;
}

/** Starts it. @throws the system error where the debug address or the queue of events cannot be had. */
export async function startObserving(config: RegistryConfig, options: ObserveOptions): Promise<Observing> {
  const { storage, local, access, proxy, log } = options;
  const transport = createTransport({ proxyEnv: process.env });
  const notifier = openNotifier(config, options);
  const metrics = createServerMetrics(notifier);
  if (proxy) showProxy(metrics.set, proxy.counts);
  const health = watchHealth(checksOf(config.health, storage, transport), { clock: systemClock, log });
  const search = createSearchIndex({ storage, open: local, clock: systemClock, log });
  const told: Told = { metrics: metrics.set, health, search, access, prefix: config.http.prefix };
  const debug = await openDebug(config, told, log);
  const writer = createLineWriter(process.stdout);
  const { formatter: format, fields, accesslog } = config.log;
  const logRequest = accesslog.disabled ? () => {} : createAccessLog({ format, fields, write: writer.write });
  return {
    hooks: {
      event(event) {
        notifier?.event(event);
        metrics.event(event);
        search.event(event);
      },
      request(record) {
        metrics.request(record);
        logRequest(record);
      },
    },
    door: openDoor(told),
    async close() {
      await Promise.all([notifier?.close(), search.close(), health[Symbol.asyncDispose](), debug?.()]);
      transport[Symbol.dispose]();
      writer.flush();
    },
  };
}

function openNotifier({ notifications, http: { addr } }: RegistryConfig, { storage, log }: ObserveOptions) {
  const endpoints = endpointsOf(notifications);
  if (endpoints.length === 0) return undefined;
  const folder = notifications.queue ?? storage.localPath?.('/notifications');
  if (folder === undefined) {
    log.warn('events wait in memory alone: name a folder in notifications.queue for them to outlive the server');
  }
  return startNotifier({ endpoints, folder, addr: `${os.hostname()}:${addr.split(':').at(-1)}`, log });
}

/** Returns what ends it. */
async function openDebug({ http: { debug } }: RegistryConfig, told: Told, log: Logger) {
  if (debug === undefined) return undefined;
  const server = http.createServer(debugListener(told, debug.prometheus.enabled ? debug.prometheus.path : undefined));
  const address = await listen(server, parseListenAddress({ addr: debug.addr, net: 'tcp' }));
  log.info(`debug server listening ${address}`);
  return () => drain(server, 0);
}
