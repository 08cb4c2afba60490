import { readdirSync } from 'node:fs';
import * as path from 'node:path';
import type { Logger } from '../base/log.ts';
import { isRouted } from '../host/firewall-ports.ts';
import { deleteNetworkNamespace } from '../host/namespaces.ts';
import type { PortHolder } from '../host/port-holder.ts';
import { type ChangePayload, settleChange } from './change-endpoints.ts';
import { changeIntent, createIntent, endpointIntent, type NetworkContext } from './context.ts';
import type { PublishedPort } from './driver-contract.ts';
import { serveNames } from './serve-names.ts';

const kinds = [endpointIntent, createIntent, changeIntent];

/**
 * Makes records and host agree after a restart: sandboxes of containers that are not `alive`, or that were cut
 * off while being made, are removed, then everything that is recorded and missing on the host is made, and
 * what carries the engine's name and is not recorded is removed. Idempotent; may be killed at any moment.
 */
export async function reconcile(context: NetworkContext, alive: ReadonlySet<string>): Promise<void> {
  const { store, journal, host, folder } = context;
  const unfinished = journal.pending().filter(({ kind }) => kinds.includes(kind));
  const of = (wanted: string) => unfinished.filter(({ kind }) => kind === wanted);
  const cutOff = new Set(of(endpointIntent).map(({ subject }) => subject));
  for (const { containerId, namespace } of store.sandboxes()) {
    if (alive.has(containerId) && !cutOff.has(containerId)) continue;
    if (namespace !== undefined) deleteNetworkNamespace(namespace);
    for (const port of store.portsOf(containerId)) context.holder.drop(port);
    store.removeSandbox(containerId);
  }
  const recorded = new Set(store.sandboxes().map(({ namespace }) => namespace));
  for (const file of readdirSync(folder).map((name) => path.join(folder, name))) {
    if (!recorded.has(file)) deleteNetworkNamespace(file);
  }
  for (const { subject } of of(createIntent)) store.removeNetwork(subject);
  holdAgain(store.ports(), context.holder, context.log);
  await host.restore();
  for (const { subject, payload } of of(changeIntent)) await settleChange(context, subject, payload as ChangePayload);
  if (of(changeIntent).length > 0) await host.restore();
  for (const { containerId } of store.sandboxes()) serveAgain(context, containerId);
  for (const intent of unfinished) journal.done(intent);
}

/** Nobody answered since the engine before ended. */
function serveAgain(context: NetworkContext, containerId: string): void {
  try {
    serveNames(context, containerId);
  } catch (error) {
    context.log.warn('a container has no name server any more', { container: containerId, error });
  }
}

/** The rules of running containers outlived the engine; the sockets that hold their ports did not. */
function holdAgain(ports: readonly PublishedPort[], holder: PortHolder, log: Logger): void {
  for (const port of ports) {
    try {
      if (!isRouted(port) && !holder.holds(port)) holder.hold(port);
    } catch (error) {
      const name = `${port.hostIp}:${port.hostPort}/${port.protocol}`;
      log.warn('a published port was taken by another process while the engine was away', { port: name, error });
    }
  }
}
