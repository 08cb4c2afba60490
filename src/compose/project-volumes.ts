import type { Volume } from '../api/types/volume.ts';
import { isKind, TugError } from '../base/errors.ts';
import { create, inspect, list, remove } from '../client/calls/volumes.ts';
import type { Engine } from '../client/engine.ts';
import type { Project, VolumeModel } from '../formats/compose-file/model.ts';
import { volumeHash } from './config-hash.ts';
import { type ComposeDeps, during } from './deps.ts';
import { forEachLimited } from './graph.ts';
import { composeVersion, labelNames } from './labels.ts';

/** The volumes that carry a project's label. */
export const projectVolumes = async (engine: Engine, project: string): Promise<Volume[]> =>
  (await list(engine, { label: [`${labelNames.project}=${project}`] })).Volumes ?? [];

/** The keys of the volumes that some of these services use, all with `all`. */
export function usedVolumes(project: Project, services: readonly string[], all: boolean): string[] {
  if (all) return Object.keys(project.volumes);
  const used = new Set(
    services.flatMap((name) =>
      (project.services[name]?.volumes ?? []).flatMap(({ type, source }) =>
        type === 'volume' && source !== undefined ? [source] : [],
      ),
    ),
  );
  return Object.keys(project.volumes).filter((key) => used.has(key));
}

export interface VolumePlan {
  readonly key: string;
  readonly model: VolumeModel;
  readonly change: 'none' | 'create' | 'differs';
}

/** What has to be done about a project's volumes. @throws not-found for an external one that is not there. */
export async function planVolumes(engine: Engine, project: Project, keys: readonly string[]): Promise<VolumePlan[]> {
  return await Promise.all(
    keys.map(async (key): Promise<VolumePlan> => {
      const model = project.volumes[key]!;
      const found = await inspect(engine, model.name).catch((error: unknown) => {
        if (isKind(error, 'not-found')) return undefined;
        throw error;
      });
      if (model.external && !found)
        throw new TugError('not-found', `external volume "${model.name}" not found`, { code: 'external-volume' });
      if (!found) return { key, model, change: 'create' };
      const hash = found.Labels?.[labelNames.hash];
      const differs = !model.external && hash !== undefined && hash !== volumeHash(model);
      return { key, model, change: differs ? 'differs' : 'none' };
    }),
  );
}

/**
 * Makes the volumes that are missing. One whose definition changed keeps its content and is only warned about: what it
 * holds cannot be had again. Idempotent; interrupted, some are there already.
 */
export async function ensureVolumes(deps: ComposeDeps, project: Project, plans: readonly VolumePlan[]): Promise<void> {
  for (const { model, change } of plans)
    if (change === 'differs')
      deps.warn(
        `volume ${model.name} is there with another definition and is kept as it is; "tug compose down -v" or "tug volume rm ${model.name}" removes it with what it holds`,
      );
  await forEachLimited(
    plans.filter(({ change }) => change === 'create'),
    async ({ key, model }) => {
      const request = {
        Name: model.name,
        ...(model.driver === undefined ? {} : { Driver: model.driver }),
        DriverOpts: { ...model.driver_opts },
        Labels: {
          ...model.labels,
          [labelNames.project]: project.name,
          [labelNames.volume]: key,
          [labelNames.hash]: volumeHash(model),
          [labelNames.version]: composeVersion,
        },
      };
      const step = { kind: 'Volume', name: model.name } as const;
      await during(deps.report, step, ['Creating', 'Created'], () => create(deps.engine, request));
    },
    { limit: deps.parallel, signal: deps.signal },
  );
}

/** Removes a volume; one that is not there is none to remove. */
export async function removeVolume(engine: Engine, name: string): Promise<void> {
  await remove(engine, name, false).catch((error: unknown) => {
    if (!isKind(error, 'not-found')) throw error;
  });
}
