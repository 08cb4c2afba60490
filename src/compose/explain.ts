import { isKind } from '../base/errors.ts';
import { inspect } from '../client/calls/containers.ts';
import { inspect as inspectImage } from '../client/calls/images.ts';
import type { Engine } from '../client/engine.ts';
import type { Project } from '../formats/compose-file/model.ts';
import { containerName, containerRequest, imageOf, type ProjectOrigin } from './container-request.ts';
import { type FieldChange, fieldChanges } from './field-changes.ts';
import { type Instance, isRunning, observeProject } from './observe.ts';
import { type PlanOptions, planService, planServices, type Reason, type ServicePlan } from './plan.ts';
import { findImage, type ImageOptions, imageAction } from './project-images.ts';
import { planNetworks, usedNetworks } from './project-networks.ts';
import { planVolumes, usedVolumes } from './project-volumes.ts';
import { checkSupported } from './unsupported.ts';
import { orphansOf } from './up.ts';

/** One thing that `up` would do. */
export interface PlannedChange {
  readonly kind: 'Network' | 'Volume' | 'Image' | 'Container';
  readonly name: string;
  readonly service?: string;
  readonly change: 'create' | 'recreate' | 'remove' | 'start' | 'pull' | 'build';
  readonly reason?: string;
  readonly fields?: readonly FieldChange[];
}

export interface ExplainOptions extends ImageOptions, Omit<PlanOptions, 'changedNetworks' | 'others' | 'renewed'> {
  readonly services: readonly string[];
  readonly removeOrphans: boolean;
}

const reasons: Readonly<Record<Reason, string>> = {
  configuration: 'its definition changed',
  image: 'its image is another one',
  network: 'a network of it is made anew',
  shared: 'a container whose namespaces or volumes it shares is made anew',
  forced: '--force-recreate',
  'too many': 'there are more than the service is to have',
  'left over': 'an interrupted up left it',
  'old form': 'it was made by something that did not note its definition',
};

/** What `up` would create, change, recreate or remove, and why. Changes nothing. @throws for what `up` would refuse. */
export async function explainUp(
  engine: Engine,
  project: Project,
  origin: ProjectOrigin,
  whole: Project,
  options: ExplainOptions,
): Promise<PlannedChange[]> {
  const { services } = options;
  checkSupported(project, services);
  const [instances, networks, volumes] = await Promise.all([
    observeProject(engine, project.name),
    planNetworks(engine, project, usedNetworks(project, services, false)),
    planVolumes(engine, project, usedVolumes(project, services, false)),
  ]);
  const changed = new Set(networks.flatMap(({ key, change }) => (change === 'recreate' ? [key] : [])));
  const changes: PlannedChange[] = [];
  for (const { model, change } of networks)
    if (change !== 'none')
      changes.push({
        kind: 'Network',
        name: model.name,
        change,
        ...(change === 'recreate' ? { reason: reasons.configuration } : {}),
      });
  for (const { model, change } of volumes)
    if (change === 'create') changes.push({ kind: 'Volume', name: model.name, change });
  const images = new Set<string>();
  const explained = new Map(
    await Promise.all(
      services.map(async (name) => [name, await explainImage(engine, project, name, options)] as const),
    ),
  );
  const plans = planServices(project, services, (name, renewed) => {
    const own = instances.filter((one) => one.service === name && !one.oneOff);
    const plan = { ...options, changedNetworks: changed, others: instances, renewed };
    return planService(project, name, own, explained.get(name)?.found?.id, plan);
  });
  for (const service of services) {
    const { found, planned } = explained.get(service)!;
    if (planned && !images.has(planned.name)) changes.push(planned);
    if (planned) images.add(planned.name);
    changes.push(...(await explainService(engine, project, origin, plans.get(service)!, instances, found)));
  }
  if (options.removeOrphans)
    for (const { name, service } of orphansOf(whole, instances))
      changes.push({ kind: 'Container', name, service, change: 'remove', reason: 'the files have no such service' });
  return changes;
}

async function explainImage(engine: Engine, project: Project, service: string, options: ExplainOptions) {
  const model = project.services[service]!;
  const name = imageOf(project, service, model);
  const found = await findImage(engine, name);
  const action = imageAction(model, found, options);
  if (action === 'keep') return { found, planned: undefined };
  const reason = found ? 'it is asked for anew' : 'it is not there';
  return { found, planned: { kind: 'Image', name, service, change: action, reason } satisfies PlannedChange };
}

async function explainService(
  engine: Engine,
  project: Project,
  origin: ProjectOrigin,
  plan: ServicePlan,
  instances: readonly Instance[],
  image: { readonly id: string } | undefined,
): Promise<PlannedChange[]> {
  const { service } = plan;
  const model = project.services[service]!;
  const base = { kind: 'Container', service } as const;
  const recreated = plan.recreate.map(async ({ instance, reason }): Promise<PlannedChange> => {
    const fields = await differences(engine, project, origin, instance, instances, image?.id ?? '');
    return {
      ...base,
      name: instance.name,
      change: 'recreate',
      reason: reasons[reason],
      ...(fields.length > 0 ? { fields } : {}),
    };
  });
  return [
    ...plan.remove.map(({ instance, reason }) => ({
      ...base,
      name: instance.name,
      change: 'remove' as const,
      reason: reasons[reason],
    })),
    ...(await Promise.all(recreated)),
    ...plan.create.map((number) => ({
      ...base,
      name: containerName(project, service, model, number),
      change: 'create' as const,
    })),
    ...plan.keep
      .filter((instance) => !isRunning(instance))
      .map(({ name, status }) => ({ ...base, name, change: 'start' as const, reason: `it does not run: ${status}` })),
  ];
}

/** Field by field, what a container has and what the files ask for. */
export async function differences(
  engine: Engine,
  project: Project,
  origin: ProjectOrigin,
  instance: Instance,
  others: readonly Instance[],
  imageId: string,
): Promise<FieldChange[]> {
  const service = project.services[instance.service];
  if (!service) return [];
  const found = await inspect(engine, instance.id);
  const image = await inspectImage(engine, found.Image).catch((error: unknown) => {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  });
  // what it shares with services that have no container yet cannot be named, and says nothing of a change
  const shared = [service.network_mode, service.ipc, service.pid].some((mode) => mode?.startsWith('service:'));
  if (shared || service.volumes_from || service.links) return [];
  const place = { name: instance.name, number: instance.number, oneOff: false, aliases: true };
  const request = containerRequest({
    project,
    origin,
    serviceName: instance.service,
    service,
    place,
    imageId,
    others,
    inherited: [],
  });
  const { Env: env, Volumes: volumes } = image?.Config ?? {};
  return fieldChanges(request, found, { env: env ?? [], volumes: Object.keys(volumes ?? {}) });
}
