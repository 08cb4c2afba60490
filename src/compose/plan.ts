import type { Project } from '../formats/compose-file/model.ts';
import { serviceHash } from './config-hash.ts';
import { containerName } from './container-request.ts';
import { labelNames } from './labels.ts';
import type { Instance } from './observe.ts';
import { sharedServices } from './shared-with.ts';

export interface PlanOptions {
  readonly forceRecreate: boolean;
  readonly noRecreate: boolean;
  /** How many containers a service is to have, where that was said. */
  readonly scale: ReadonlyMap<string, number>;
  /** Keys of networks that are made anew, so that what is connected has to be too. */
  readonly changedNetworks: ReadonlySet<string>;
  /** All containers of the project. */
  readonly others: readonly Instance[];
  /** Services whose containers are made anew, so that what shares with them has to be too. */
  readonly renewed: ReadonlySet<string>;
}

/** Why a container is not left as it is. */
export type Reason =
  | 'configuration'
  | 'image'
  | 'network'
  | 'shared'
  | 'forced'
  | 'too many'
  | 'left over'
  | 'old form';

export interface Change {
  readonly instance: Instance;
  readonly reason: Reason;
}

/** What is to be done about the containers of a service. */
export interface ServicePlan {
  readonly service: string;
  readonly keep: readonly Instance[];
  readonly recreate: readonly Change[];
  readonly remove: readonly Change[];
  /** Numbers of the containers that are missing. */
  readonly create: readonly number[];
  /** Containers that bear the name of the making, from an `up` that was interrupted, and the names they should have. */
  readonly rename: readonly { readonly instance: Instance; readonly name: string }[];
}

export const replicasOf = (project: Project, service: string, scale: ReadonlyMap<string, number>): number => {
  const model = project.services[service]!;
  return scale.get(service) ?? model.scale ?? model.deploy?.replicas ?? 1;
};

/**
 * Compares a service with its containers.
 * @param instances all containers of the service that `run` did not make.
 * @param imageId the image's id; undefined when it is not there yet.
 */
export function planService(
  project: Project,
  service: string,
  instances: readonly Instance[],
  imageId: string | undefined,
  options: PlanOptions,
): ServicePlan {
  const model = project.services[service]!;
  const wanted = replicasOf(project, service, options.scale);
  const hash = serviceHash(model, options.others);
  const networkChanged = Object.keys(model.networks ?? {}).some((key) => options.changedNetworks.has(key));
  const reasonFor = (instance: Instance): Reason | undefined => {
    if (options.noRecreate) return undefined;
    if (options.forceRecreate) return 'forced';
    if (sharedServices(model).some((other) => options.renewed.has(other))) return 'shared';
    if (instance.hash !== hash) return instance.hash === '' ? 'old form' : 'configuration';
    const made = instance.labels[labelNames.image] ?? instance.imageId;
    if (imageId !== undefined && made !== imageId) return 'image';
    return networkChanged ? 'network' : undefined;
  };
  const { single, extra } = withoutDoubles(instances, hash);
  // What is left when there are too many: those that can stay as they are, then the lowest numbers.
  const ranked = single.toSorted(
    (left, right) =>
      Number(reasonFor(left) !== undefined) - Number(reasonFor(right) !== undefined) || left.number - right.number,
  );
  const staying = ranked.slice(0, wanted);
  const numbers = new Set(staying.map(({ number }) => number));
  const create: number[] = [];
  for (let number = 1; staying.length + create.length < wanted; number++) if (!numbers.has(number)) create.push(number);
  const keep = staying.filter((instance) => reasonFor(instance) === undefined);
  return {
    service,
    keep,
    recreate: staying.flatMap((instance) => {
      const reason = reasonFor(instance);
      return reason === undefined ? [] : [{ instance, reason }];
    }),
    remove: [
      ...extra.map((instance) => ({ instance, reason: 'left over' as const })),
      ...ranked.slice(wanted).map((instance) => ({ instance, reason: 'too many' as const })),
    ],
    create,
    rename: keep.flatMap((instance) => {
      const name = containerName(project, service, model, instance.number);
      return isMakingName(instance.name, name) ? [{ instance, name }] : [];
    }),
  };
}

/** Plans for several services, those first with which others share namespaces or volumes. */
export function planServices(
  project: Project,
  services: readonly string[],
  planOne: (service: string, renewed: ReadonlySet<string>) => ServicePlan,
): Map<string, ServicePlan> {
  const plans = new Map<string, ServicePlan>();
  const renewed = new Set<string>();
  const add = (name: string): void => {
    if (plans.has(name)) return;
    for (const other of sharedServices(project.services[name]!)) if (services.includes(other)) add(other);
    const plan = planOne(name, renewed);
    plans.set(name, plan);
    if (plan.recreate.length > 0 || plan.keep.length === 0) renewed.add(name);
  };
  for (const name of services) add(name);
  return plans;
}

/** The name that a container has until the one whose place it takes is gone. */
export const makingName = (replaced: string, name: string): string => `${replaced.slice(0, 12)}_${name}`;

const isMakingName = (found: string, name: string): boolean =>
  found.length === name.length + 13 && found.endsWith(`_${name}`);

/** An interrupted `up` may have left two containers of one number: the newer one of the right form stays. */
function withoutDoubles(instances: readonly Instance[], hash: string): { single: Instance[]; extra: Instance[] } {
  const byNumber = new Map<number, Instance[]>();
  for (const instance of instances) byNumber.set(instance.number, [...(byNumber.get(instance.number) ?? []), instance]);
  const single: Instance[] = [];
  const extra: Instance[] = [];
  for (const group of byNumber.values()) {
    const [first, ...rest] = group.toSorted(
      (left, right) => Number(right.hash === hash) - Number(left.hash === hash) || right.created - left.created,
    );
    if (first) single.push(first);
    extra.push(...rest);
  }
  return { single, extra };
}
