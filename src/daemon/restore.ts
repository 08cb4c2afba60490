import type { Leases } from '../base/leases.ts';
import type { Logger } from '../base/log.ts';
import type { Builder } from '../builder/contract.ts';
import type { Containers } from '../containers/service.ts';
import type { Bootstrapper } from '../images/bootstrap/bootstrap.ts';
import type { ImageService } from '../images/contract.ts';
import type { NetworkService } from '../networks/contract.ts';
import type { Volumes } from '../volumes/contract.ts';

export interface RestoreDeps {
  readonly leases: Leases;
  readonly containers: Containers;
  readonly networks: NetworkService;
  readonly volumes: Volumes;
  readonly images: ImageService;
  readonly bootstrapper: Bootstrapper;
  readonly builder: Builder;
  readonly log: Logger;
}

/**
 * What the engine does between opening its state and listening: makes the state and the world agree, whatever
 * moment the last engine process ended at. The order matters: containers first, since which of them run
 * decides what networks and volumes keep; images last, since what containers lease decides what the collector keeps. Then those are started that are
 * to run with the engine; nobody waits for them.
 * Idempotent, and safe to be killed in.
 */
export async function restore(deps: RestoreDeps): Promise<void> {
  const began = performance.now();
  const dropped = deps.leases.dropOperations();
  await deps.containers.recover();
  const running = deps.containers.running();
  await deps.networks.reconcile(running);
  await deps.volumes.recover(running);
  await deps.bootstrapper.sweep();
  await deps.builder.recover();
  await deps.images.recover();
  deps.containers.boot();
  const milliseconds = Math.round(performance.now() - began);
  deps.log.info('state restored', { running: running.size, leases: dropped, milliseconds });
}
