import * as path from 'node:path';
import { crashPoint } from '../base/crash-points.ts';
import { conflict, TugError } from '../base/errors.ts';
import { shortId } from '../base/ids.ts';
import { createSandbox } from '../host/links.ts';
import { endpointIntent, type NetworkContext, networkOfMode } from './context.ts';
import type { SandboxRequest } from './contract.ts';
import type { Network, PublishedPort } from './driver-contract.ts';
import { endpointConfigFor, planEndpoint } from './endpoint.ts';
import { type ClaimedPort, claimPorts, wantedPorts } from './publish.ts';
import { takeDown } from './release.ts';
import type { EndpointRecord } from './store.ts';

/** What one attach has reserved: recorded, not yet made. */
interface Reservation {
  /** Where the namespace will be; undefined for the host's. */
  readonly namespace: string | undefined;
  readonly endpoint: EndpointRecord;
  readonly ports: readonly PublishedPort[];
}

/**
 * Makes a container's sandbox: reserves address and host ports, makes the namespace, joins it, publishes.
 * A former sandbox of the same container is taken down first. On failure everything is undone before it throws;
 * interrupted, the open intent lets `reconcile` undo it.
 */
export async function attach(context: NetworkContext, request: SandboxRequest): Promise<void> {
  const { containerId } = request;
  const network = networkOfMode(request.mode, context.store);
  await context.host.restoreOnce();
  await takeDown(context, containerId);
  const reservation = reserve(context, request, network);
  const intent = context.journal.begin(endpointIntent, containerId, null);
  try {
    crashPoint('network.endpoint.journaled');
    await connect(context, network, reservation, request.madeNamespace);
    crashPoint('network.endpoint.linked');
    await context.host.publish(network, reservation.ports);
    crashPoint('network.endpoint.published');
    context.journal.done(intent);
  } catch (error) {
    await takeDown(context, containerId).catch((second: unknown) =>
      context.log.error('undoing a sandbox failed', { container: containerId, error: second }),
    );
    context.journal.done(intent);
    throw error;
  }
}

/** In one turn of the event loop, so that two containers never reserve the same address or port. */
function reserve(context: NetworkContext, request: SandboxRequest, network: Network): Reservation {
  const { store, holder, host, folder, database } = context;
  const { containerId } = request;
  const config = endpointConfigFor(network, request.endpoints);
  const wanted = network.addressing ? wantedPorts(request.ports, request.publishAll) : [];
  const namespace = host.namespaceOf(network) === 'own' ? path.join(folder, containerId) : undefined;
  const endpoint = planEndpoint(store, network, containerId, config);
  const claimed = naming(request, endpoint.id, () => claimPorts(wanted, holder));
  try {
    const ports = claimed.map((port) => ({ ...port, endpointId: endpoint.id, containerIp: endpoint.ip }));
    database.transaction(() => store.saveSandbox({ containerId, namespace }, [endpoint], ports));
    return { namespace, endpoint, ports };
  } catch (error) {
    for (const port of claimed) holder.drop(port);
    throw error;
  }
}

/** Runs `claim`, and names the endpoint in its refusal of a port, as Docker does. */
function naming(request: SandboxRequest, endpointId: string, claim: () => ClaimedPort[]): ClaimedPort[] {
  try {
    return claim();
  } catch (cause) {
    if (!(cause instanceof TugError) || cause.code !== 'port-in-use') throw cause;
    const name = request.name ?? shortId(request.containerId);
    const where = `driver failed programming external connectivity on endpoint ${name} (${endpointId})`;
    throw conflict(`${where}: ${cause.message}`, { code: cause.code, cause });
  }
}

async function connect(
  context: NetworkContext,
  network: Network,
  reservation: Reservation,
  made: number | undefined,
): Promise<void> {
  if (reservation.namespace === undefined) return;
  using sandbox = createSandbox(reservation.namespace, made);
  await context.host.connect(network, reservation.endpoint, sandbox);
}
