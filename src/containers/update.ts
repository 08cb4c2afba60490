import type { HostConfig } from '../api/types/container.ts';
import type { UpdateRequest, UpdateResponse } from '../api/types/container-update.ts';
import { crashPoint } from '../base/crash-points.ts';
import { asTugError, conflict, isKind, messageOf, TugError } from '../base/errors.ts';
import type { Intent } from '../base/journal.ts';
import { recordChanges } from './change-list.ts';
import { type ContainerContext, cgroupPathOf, runtimeOf } from './context.ts';
import { eventAttributes } from './create.ts';
import { mountedImages, withImageIds, withVolumes } from './mount-volumes.ts';
import { type ContainerRecord, isRunning } from './record.ts';
import { type Definition, updatedDefinition, updatedPolicy } from './update-definition.ts';
import { changedLimits, type LimitField, limitChange, limitsOf, updatedLimits } from './update-limits.ts';
import { exposedWith, planPorts } from './update-ports.ts';

/**
 * Changes a container where it is. Limits and published ports of a running one change at once, the rest at its next
 * start. All of it or nothing: limits are written first, under a journaled intent; killed before the record, the next
 * engine writes the old ones back; killed after it, `reconcile` makes the ports agree with the record. A runtime
 * that refuses a limit gets the old ones again.
 * @throws conflict and invalid in Docker's words; conflict with code `port-in-use`; not-found for what is to be
 * removed and is not there.
 */
export async function updateContainer(
  context: ContainerContext,
  record: ContainerRecord,
  request: UpdateRequest,
): Promise<UpdateResponse> {
  return await context.locks.with('container', record.id, async () => {
    try {
      return await updateLocked(context, record, request);
    } catch (error) {
      throw naming(record, error);
    }
  });
}

/** Docker names the container in front of conflicts only. */
function naming(record: ContainerRecord, error: unknown): unknown {
  if (!isKind(error, 'conflict')) return error;
  const { code, details } = asTugError(error);
  const message = `Cannot update container ${record.id}: ${messageOf(error)}`;
  return new TugError('conflict', message, { ...(code === undefined ? {} : { code }), details, cause: error });
}

async function updateLocked(
  context: ContainerContext,
  record: ContainerRecord,
  request: UpdateRequest,
): Promise<UpdateResponse> {
  refuseUnchangeable(context, record);
  const running = isRunning(record);
  const published = (running && context.networks.sandboxOf(record.id)?.ports) || {};
  const ports = planPorts(record, published, request);
  const next = nextDefinition(context, record, request, ports.bindings);
  const fields = changedLimits(record.host, next.host);
  const portChange = running ? context.networks.changePorts(record.id, ports.live) : undefined;
  let recorded = false;
  try {
    const intent = running && fields.length > 0 ? await applyLimits(context, record, next, fields) : undefined;
    const redefine = (mounts: Definition['mounts']): void => {
      const changes = recordChanges(record.changes ?? [], record, next);
      context.store.redefine(record, { ...next, ...(mounts ? { mounts } : {}), changes });
      portChange?.record();
      for (const image of mountedImages(mounts ?? []))
        context.leases.acquire('object', `container:${record.id}`, 'image', image);
      if (intent) context.journal.done(intent);
    };
    if (next.mounts) await withVolumes(context, record, withImageIds(context, next.mounts), redefine);
    else context.database.transaction(() => redefine(undefined));
    recorded = true;
  } finally {
    if (!recorded) portChange?.cancel();
  }
  crashPoint('container.update.recorded');
  await portChange?.apply();
  context.events.publish('container', 'update', record.id, eventAttributes(record));
  return { Warnings: running ? pendingWarnings(request) : [] };
}

function refuseUnchangeable(context: ContainerContext, record: ContainerRecord): void {
  const { status } = record.state;
  if (status === 'removing' || status === 'dead' || !context.store.get(record.id))
    throw conflict('Container is marked for removal and cannot be "update".');
}

function nextDefinition(
  { cgroups, store }: ContainerContext,
  record: ContainerRecord,
  request: UpdateRequest,
  bindings: ReturnType<typeof planPorts>['bindings'],
): Definition {
  const limited = updatedLimits(updatedPolicy(record.host, request), request, cgroups);
  const portsChange = request.PortBindingsAdd !== undefined || request.PortBindingsRemove !== undefined;
  const host = portsChange ? { ...limited, PortBindings: bindings } : limited;
  const next = updatedDefinition(store, record, host, request);
  return portsChange ? { ...next, config: { ...next.config, ExposedPorts: exposedWith(record, bindings) } } : next;
}

/** Writes the limits into the running container. On failure the old ones are written back before it throws. */
async function applyLimits(
  context: ContainerContext,
  record: ContainerRecord,
  next: Definition,
  fields: readonly LimitField[],
): Promise<Intent> {
  const intent = context.journal.begin('container.update', record.id, { fields, host: limitsOf(next.host) });
  try {
    await writeLimits(context, record, { to: next.host, from: record.host, fields });
    crashPoint('container.update.applied');
    return intent;
  } catch (error) {
    await restoreLimits(context, record, next.host, fields);
    context.journal.done(intent);
    throw conflict(messageOf(error), { cause: error });
  }
}

async function writeLimits(
  context: ContainerContext,
  record: ContainerRecord,
  { to, from, fields }: { to: HostConfig; from: HostConfig; fields: readonly LimitField[] },
): Promise<void> {
  const { resources, lifted } = limitChange(to, from, fields);
  if (Object.keys(resources).length > 0) await runtimeOf(context, record).update(record.id, resources);
  if (lifted.length > 0) await context.cgroups.lift(cgroupPathOf(context, record), lifted);
}

/** What cannot be put back is logged: the first error is the one to tell, and the container may have ended. */
async function restoreLimits(
  context: ContainerContext,
  record: ContainerRecord,
  tried: HostConfig,
  fields: readonly LimitField[],
): Promise<void> {
  try {
    await writeLimits(context, record, { to: record.host, from: tried, fields });
  } catch (error) {
    context.log.warn('the limits of a container could not be put back', { container: record.id, error });
  }
}

/** Puts back what a killed engine had begun to change; strikes nothing out. Idempotent. */
export async function settleUpdate(context: ContainerContext, record: ContainerRecord, intent: Intent): Promise<void> {
  const { fields, host } = intent.payload as { fields: LimitField[]; host: HostConfig };
  if (isRunning(record)) await restoreLimits(context, record, host, fields);
}

function pendingWarnings(request: UpdateRequest): string[] {
  const pending = [
    ...(request.EnvAdd?.length || request.EnvRemove?.length ? ['environment'] : []),
    ...(request.MountsAdd?.length || request.MountsRemove?.length ? ['mounts'] : []),
    ...(request.Cmd?.length ? ['command'] : []),
  ];
  return pending.length === 0
    ? []
    : [`The container runs on with its old ${pending.join(', ')} until it is restarted.`];
}
